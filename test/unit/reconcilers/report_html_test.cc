// SPDX-License-Identifier: Apache-2.0
// The page, and the template language it is written in. That it is sound HTML is tested in
// test/docs/page_test.py, and in a browser by people.
#include <gtest/gtest.h>

#include "reconcilers/report/html_template.h"
#include "reconcilers/report/report_html.h"
#include "test/unit/reconcilers/report_fixture.h"

namespace gatelift {
namespace {

bool has(const std::string& text, const std::string& wanted) {
  return text.find(wanted) != std::string::npos;
}

std::string fill(std::string_view html_template, const char* values) {
  return fill_html(html_template, parse_json(values).value()).value_or("broken");
}

TEST(HtmlTemplate, PutsInValuesEscaped) {
  EXPECT_EQ(fill("<p title=\"{{a}}\">{{b}}</p>", R"({"a": "\"'", "b": "<&>"})"),
            "<p title=\"&quot;&#39;\">&lt;&amp;&gt;</p>");
  EXPECT_EQ(fill("{{a}} {{b}}{{none}}.", R"({"a": 7, "b": true})"), "7 true.");
  EXPECT_EQ(escape_html(std::string("a\0\x1b\n", 4)), "a\xEF\xBF\xBD\xEF\xBF\xBD\n");
}

TEST(HtmlTemplate, HasNoWayToPutInAValueUnescaped) {
  for (const char* tag : {"{{{a}}}", "{{&a}}", "{{! a}}"}) {
    EXPECT_FALSE(has(fill(tag, R"({"a": "<b>"})"), "<")) << tag;
  }
}

TEST(HtmlTemplate, RepeatsSectionsForItemsAndSkipsThoseOfNothing) {
  EXPECT_EQ(fill("{{#l}}[{{.}}]{{/l}}", R"({"l": ["a", "<"]})"), "[a][&lt;]");
  EXPECT_EQ(fill("{{#l}}[{{x}}]{{/l}}", R"({"l": [{"x": 1}, {}]})"), "[1][]");
  EXPECT_EQ(fill("{{#o}}{{x}}{{/o}}{{^o}}none{{/o}}", R"({"o": {"x": 1}})"), "1");
  for (const char* nothing : {R"({})", R"({"o": null})", R"({"o": ""})", R"({"o": []})",
                              R"({"o": {}})", R"({"o": false})"}) {
    EXPECT_EQ(fill("{{#o}}some{{/o}}{{^o}}none{{/o}}", nothing), "none") << nothing;
  }
  EXPECT_EQ(fill("{{#a}}x{{#a}}y{{/a}}z{{/a}}.", R"({})"), ".");
}

TEST(HtmlTemplate, LooksKeysUpInTheItemAndNowhereElse) {
  EXPECT_EQ(fill("{{#l}}[{{more}}{{#flag}}{{x}}{{/flag}}]{{/l}}",
                 R"({"more": "outer", "l": [{"x": 1, "flag": true}]})"),
            "[1]");
}

TEST(HtmlTemplate, TakesTheLinesOfSectionTags) {
  EXPECT_EQ(fill("a\n  {{#l}}\n- {{.}}\n  {{/l}}\nb\n", R"({"l": [1, 2]})"), "a\n- 1\n- 2\nb\n");
}

TEST(HtmlTemplate, RefusesOneThatIsNotWellFormed) {
  EXPECT_FALSE(fill_html("{{#a}}", Json::object()));
  EXPECT_FALSE(fill_html("{{#a}}{{/b}}", {
                                             {"a", 1}
  }));
  EXPECT_FALSE(fill_html("{{/a}}", Json::object()));
}

TEST(Page, HasEachPart) {
  const std::string page = report_html(finished_report()).value();
  for (const char* wanted :
       {"<!DOCTYPE html>",
        "<html lang=\"en\">",
        "<title>to-v1-1: v1.0.0/experimental to v1.1.1/experimental",
        "Done</p>",
        "id=\"crds\"",
        "v1alpha3 (storage)",
        "not there",
        "id=\"objects\"",
        "as intended: 2 converted",
        ": 1 skipped",
        "BackendTLSPolicy/a/three",
        "id=\"changes\"",
        "<span class=\"del\">-  tls: {}\n</span>",
        "It secured something.",
        "id=\"checks\"",
        "PlaintextWhileAbsent",
        "id=\"timeline\"",
        "id=\"strategies\"",
        "<th scope=\"col\">Recreate (chosen)</th>",
        "<p>plaintext</p><p>other uids</p>",
        "data-label=\"InPlace:\"><p>spec.port: string before, integer after</p>",
        "gatelift rollback to-v1-1",
        "2 of 3 objects accepted, 0 refused, 1 not tried</dd>"}) {
    EXPECT_TRUE(has(page, wanted)) << wanted;
  }
  EXPECT_FALSE(has(page, "id=\"stopping\""));
  EXPECT_FALSE(has(page, "{{")) << page.substr(page.find("{{"), 80);
}

TEST(Page, OfABlockedPlanBeginsWithWhatStopsIt) {
  const std::string page = report_html(blocked_plan()).value();
  EXPECT_TRUE(has(page, "Blocked: 1 blocker, 1 consent needed"));
  EXPECT_LT(page.find("id=\"stopping\""), page.find("id=\"crds\""));
  EXPECT_TRUE(has(page, "give it one"));
  EXPECT_FALSE(has(page, "id=\"timeline\""));
}

/// Each string that may come from the cluster.
Report hostile_report() {
  Report report = finished_report();
  report.migration = report.reason = report.message = kHostile;
  Record& record = report.record;
  record.plan->from = record.plan->to = {kHostile, kHostile};
  record.plan->digest = record.rolled_back_because = record.rolls_back_to = kHostile;
  record.plan->actions.front().reason = kHostile;
  record.plan->strategies.front().risks = {kHostile};
  record.crds.front().step = kHostile;
  record.backup.ref = kHostile;
  record.failures = {
      {kHostile, kHostile, kHostile}
  };
  Check check{kHostile, Severity::Blocker, kHostile, kHostile, kHostile, kHostile};
  check.resolutions = {kHostile};
  Check accepted = check;
  accepted.severity = Severity::Consent;
  accepted.accepted = true;
  accepted.accepted_by = kHostile;
  record.plan->checks = {check, accepted};
  for (ReportedCrd& crd : report.details.crds) {
    crd.kind = kHostile;
    crd.after = CrdState{kHostile, {{kHostile, true, true}}, {kHostile}, kHostile};
  }
  for (ObjectReport& object : report.objects) object = {kHostile, kHostile, kHostile};
  ObjectDiff& diff = report.details.diffs.front();
  diff.object = kHostile;
  diff.text = "+" + kHostile + "\n";
  for (FieldChange& change : diff.changes) {
    change.field = change.to = change.value = change.because = kHostile;
  }
  return report;
}

TEST(Page, EscapesWhateverComesFromTheCluster) {
  for (Report report : {hostile_report(), blocked_plan()}) {
    const std::string page = report_html(report).value();
    EXPECT_FALSE(has(page, "<script"));
    EXPECT_FALSE(has(page, "alert(\""));
  }
  EXPECT_TRUE(has(report_html(hostile_report()).value(), "&lt;script&gt;alert(&quot;1&quot;)"));
}

TEST(Page, OfManyObjectsIsBoundedAndSaysWhatIsLeftOut) {
  Report report = finished_report();
  report.objects.clear();
  for (int i = 0; i < 10'000; ++i) {
    report.objects.push_back({"HTTPRoute/ns/route-" + std::to_string(i), "rewritten", ""});
  }
  report.record.plan->checks.assign(10'000, report.record.plan->checks.front());
  ObjectDiff diff = report.details.diffs.front();
  for (int i = 0; i < kMaxDiffLines; ++i) diff.text += "+" + std::string(kMaxLineBytes, '<') + "\n";
  report.details.diffs.assign(10'000, diff);
  report.record.failures.assign(10'000, {"HTTPRoute/ns/route", "Invalid", "refused"});

  const std::string page = report_html(report).value();

  EXPECT_LT(page.size(), 8'000'000U);
  EXPECT_TRUE(has(page, "10000 rewritten"));
  EXPECT_TRUE(has(page, "and 9000 more objects: gatelift report to-v1-1 shows all"));
  EXPECT_TRUE(has(page, "and 9800 more checks: "));
  EXPECT_TRUE(has(page, "and 9500 more failures: "));
  EXPECT_TRUE(has(page, "more objects: gatelift report to-v1-1 -o json has all"));
}

}  // namespace
}  // namespace gatelift
