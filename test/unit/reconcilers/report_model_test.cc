// SPDX-License-Identifier: Apache-2.0
// What a report says: both ways as JSON, as text, bounded, and what it takes over from another.
#include <gtest/gtest.h>

#include "client/json.h"
#include "reconcilers/report/next_steps.h"
#include "reconcilers/report/report_html.h"
#include "reconcilers/report/report_json.h"
#include "reconcilers/report/report_text.h"
#include "reconcilers/report/wording.h"
#include "reconcilers/report/write_report.h"
#include "test/unit/reconcilers/report_fixture.h"

namespace gatelift {
namespace {

bool has(const std::string& text, const std::string& wanted) {
  return text.find(wanted) != std::string::npos;
}

TEST(ReportJson, IsReadBackAsItWasWritten) {
  const Report report = finished_report();
  const Json json = report_json(report);
  const auto read = parse_report(json);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->record, report.record);
  EXPECT_EQ(report_json(*read).dump(1), [&] {
    Json same = json;  // times of a report have whole seconds
    same["madeAt"] = format_time(read->made_at);
    return same.dump(1);
  }());
  EXPECT_EQ(read->details.crds.front().before, std::nullopt);
  EXPECT_TRUE(read->details.diffs.front().changes.back().is_secured);
}

TEST(ReportJson, HasAllChecksAndFailuresThatStatusCuts) {
  Report report = finished_report();
  report.record.plan->checks.assign(250, report.record.plan->checks.front());
  report.record.failures.assign(70, {"Kind/a/b", "Invalid", "refused"});
  const Json json = report_json(report);
  EXPECT_EQ(array_at(json, "status", "plan", "checks").size(), 250U);
  EXPECT_EQ(array_at(json, "status", "failures").size(), 70U);
}

TEST(ReportJson, NamesTheFieldThatCannotBeRead) {
  Json json = report_json(finished_report());
  json["objects"][1]["outcome"] = 7;
  const auto read = parse_report(json);
  ASSERT_FALSE(read);
  EXPECT_TRUE(has(read.error().message, "report.objects[1].outcome")) << read.error().message;
}

TEST(ReportText, HasEachPart) {
  const std::string text = report_text(finished_report());
  for (const char* wanted :
       {"Upgrade to-v1-1: v1.0.0/experimental to v1.1.1/experimental", "state Done",
        "rehearsal 2 of 3 objects accepted, 0 refused, 1 not tried",
        "2026-01-02 03:04:05  Rehearsed: 2 of 3 objects", "absent for 412ms",
        "Convert backendtlspolicies.gateway.networking.k8s.io",
        "before  v1.0.0/experimental, v1alpha2 (storage), stored v1alpha2", "Strategies\n",
        "cannot be, since                 ", "- other uids",
        "found 3, done 2, unchanged 0, skipped 1, failed 0", "BackendTLSPolicy/a/one converted",
        "BackendTLSPolicy/a/three skipped: changed by its owner since",
        "Warning PlaintextWhileAbsent", "Moved spec.tls to spec.validation: {}", "-  tls: {}",
        "+  validation: {}", "2026-01-02 03:04:05.650  Phase Migrate",
        "Every object was there again, after 412ms"}) {
    EXPECT_TRUE(has(text, wanted)) << wanted << "\n" << text;
  }
}

TEST(Report, IsBoundedWithACountOfWhatIsLeftOut) {
  Report report = finished_report();
  report.details.diffs.assign(9, report.details.diffs.front());
  report.record.plan->checks.assign(9, report.record.plan->checks.front());
  report.record.plan->checks_omitted = 1;
  report.record.failures.assign(9, {"Kind/a/b", "Invalid", "refused"});
  const Report cut = bounded(report, {.objects = 1, .checks = 4, .failures = 3, .diffs = 2});
  ASSERT_EQ(cut.objects.size(), 1U);
  EXPECT_EQ(cut.objects.front().outcome, "skipped") << "those that need a look are kept";
  EXPECT_EQ(cut.objects_omitted, 2);
  EXPECT_EQ(cut.record.plan->checks.size(), 4U);
  EXPECT_EQ(cut.record.plan->checks_omitted, 6);
  EXPECT_EQ(cut.details.diffs_omitted, 7);
  EXPECT_EQ(cut.record.failures.size(), 3U);
  EXPECT_EQ(parse_report(report_json(cut)).value().failures_omitted, 6);
  EXPECT_TRUE(has(report_text(cut), "and 6 more; there was no room for them"));
  EXPECT_TRUE(has(report_html(cut).value(), "and 6 more failures: there was no room for them"));
  EXPECT_TRUE(has(report_text(cut), "and 2 more; gatelift backup show to-v1-1-1a2b3c4d"));
  EXPECT_TRUE(has(report_text(cut), "and 7 more; gatelift report to-v1-1 -o json"));
}

TEST(Report, OfAMigrationThatHasNoPlanYetSaysHowItStands) {
  Report report;
  report.migration = "to-v1-1";
  report.reason = "BundleNotFound";
  report.message = "there is no bundle v9.9.9/standard";
  report.needs_person = true;
  EXPECT_EQ(headline_of(report), "BundleNotFound");
  EXPECT_TRUE(has(report_text(report), "state BundleNotFound\n  there is no bundle v9.9.9"));
  EXPECT_TRUE(has(report_html(report).value(), "there is no bundle v9.9.9/standard"));
  const auto read = parse_report(report_json(report));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->message, report.message);
}

TEST(Report, SaysThatAnAdmissionPolicyIsTakenAway) {
  Report report = finished_report();
  report.record.suspended_policy = SuspendedPolicy{"safe-upgrades", "to-v1-1-1", report_time()};
  EXPECT_TRUE(has(report_text(report), "admission policy safe-upgrades is taken away for the run"));
  EXPECT_TRUE(has(report_html(report).value(), "<code>safe-upgrades</code>"));
}

TEST(Report, NamesACommandThatHasTheObjectsThatItLeavesOut) {
  Report report = finished_report();
  EXPECT_EQ(all_diffs_command(report), "gatelift report to-v1-1 -o json");
  report.record.backup = {};
  EXPECT_EQ(all_diffs_command(report), "gatelift plan --to v1.1.1/experimental -o json");
}

TEST(Report, SaysWhatStopsItBeforeAllElse) {
  EXPECT_EQ(headline_of(blocked_plan()), "Blocked: 1 blocker, 1 consent needed");
  EXPECT_EQ(headline_of(finished_report()), "Done");
  Report plan = blocked_plan();
  plan.record.plan->checks.clear();
  EXPECT_EQ(headline_of(plan), "Can run");
  plan.record.plan->actions.clear();
  EXPECT_EQ(headline_of(plan), "Nothing to do");
}

TEST(Report, TakesOverWhatIsOfTheSamePlanOnly) {
  const Report earlier = finished_report();
  Report now = finished_report();
  now.record.plan->checks.clear();
  now.record.plan->checks_omitted = 1;
  now.details = {};
  now.objects.clear();
  now.after_is_found = false;
  Report other = now;
  other.record.plan->digest = "sha256:other";

  take_over(earlier, now);
  EXPECT_EQ(now.record.plan->checks, earlier.record.plan->checks);
  EXPECT_EQ(now.record.plan->checks_omitted, 0);
  EXPECT_EQ(now.details.crds.size(), 2U);
  EXPECT_EQ(now.details.diffs.size(), 1U);
  EXPECT_EQ(now.objects.size(), 3U);
  EXPECT_TRUE(now.after_is_found);

  take_over(earlier, other);
  EXPECT_TRUE(other.details.crds.empty());
  EXPECT_EQ(other.record.plan->checks_omitted, 1);
}

TEST(Report, KeepsWhatARehearsalFoundWhenItTakesOverTheChecksOfThePlan) {
  const Check found{"InvalidAtTarget", Severity::Consent, "HTTPRoute/a/b", "spec.x", "no", "mend"};
  Report now = finished_report();
  const Report earlier = finished_report();  // of before the rehearsal
  now.record.rehearsal->refused = 1;
  now.record.plan->checks = {found};
  now.record.plan->checks_omitted = 1;
  take_over(earlier, now);
  std::vector<Check> expected = {found};
  expected.push_back(earlier.record.plan->checks.front());
  EXPECT_EQ(now.record.plan->checks, expected) << "what stops it comes first";
  EXPECT_EQ(now.record.plan->checks_omitted, 0);

  Report later = now;  // its status has no room for what stops it
  later.record.plan->checks.clear();
  later.record.plan->checks_omitted = 2;
  later.record.rehearsal->rehearsed_at.reset();
  take_over(now, later);
  EXPECT_EQ(later.record.plan->checks, expected);
}

TEST(Timeline, HasEachPhaseOnceAndForgetsThoseThatAreAheadAgain) {
  Record record;
  const auto at = [](int seconds) { return report_time() + std::chrono::seconds(seconds); };
  note_phase(record, Phase::Plan, at(0));
  note_phase(record, Phase::Approve, at(1));
  note_phase(record, Phase::Approve, at(2));
  note_phase(record, Phase::Plan, at(3));
  note_phase(record, Phase::BackUp, at(4));
  record.operation = Operation::Rollback;
  note_phase(record, Phase::Plan, at(5));
  const std::vector<PhaseEntry> expected = {
      {Operation::Upgrade,  Phase::Plan,   at(3)},
      {Operation::Upgrade,  Phase::BackUp, at(4)},
      {Operation::Rollback, Phase::Plan,   at(5)}
  };
  EXPECT_EQ(record.timeline, expected);
  EXPECT_EQ(timeline_of(record).back().what, "Rollback, phase Plan");
}

TEST(Timeline, HasEventsInTheirPhaseAlsoWhereOnlyTheirSecondIsKnown) {
  const Record record = finished_report().record;
  std::vector<std::string> whats;
  for (const TimelineEntry& entry : timeline_of(record)) whats.push_back(entry.what);
  const std::vector<std::string> expected = {
      "Phase Plan",
      "Phase Rehearse",
      "Rehearsed: 2 of 3 objects accepted, 0 refused, 1 not tried",
      "Phase Migrate",
      "The first object was deleted",
      "Every object was there again, after 412ms"};
  EXPECT_EQ(whats, expected);
}

TEST(NextSteps, SayHowToConsentToApproveAndToGoBack) {
  const auto steps_of = [](const Report& report) {
    std::string text;
    for (const NextStep& step : next_steps(report)) text += step.text + "\n" + step.command + "\n";
    return text;
  };
  Report blocked = blocked_plan();
  EXPECT_TRUE(has(steps_of(blocked),
                  "gatelift migrate --to v1.1.1/experimental --accept "
                  "'ForeignOwner,CustomResourceDefinition/x,metadata'"));
  blocked.migration = "to-v1-1";
  EXPECT_TRUE(has(steps_of(blocked),
                  "spec:\n  accept:\n  - check: ForeignOwner\n    field: metadata\n"
                  "    object: CustomResourceDefinition/x\n"))
      << steps_of(blocked);
  Report waiting = finished_report();
  waiting.record.backup = {};
  waiting.reason = "AwaitingApproval";
  EXPECT_EQ(steps_of(waiting),
            "Approve exactly this plan:\nkubectl patch gwm to-v1-1 --type=merge -p "
            "'{\"spec\":{\"approvedPlan\":\"sha256:0123456789abcdef\"}}'\n");
  EXPECT_TRUE(has(steps_of(finished_report()), "gatelift rollback to-v1-1\n"));
}

TEST(Wording, OfCommandsKeepsAFieldInItsWord) {
  Plan plan;
  plan.checks = {
      {"FieldLoss", Severity::Consent, "Kind/a/b", "spec.x['$(reboot)'; reboot]", "lost", ""}
  };
  EXPECT_EQ(consent_flags(plan),
            R"( --accept 'FieldLoss,Kind/a/b,spec.x['\''$(reboot)'\''; reboot]')");
}

TEST(Wording, OfVersionsAndTimes) {
  EXPECT_EQ(versions_text({
                {"v1",       true,  true },
                {"v1beta1",  true,  false},
                {"v1alpha2", false, false}
  }),
            "v1 (storage), v1beta1, v1alpha2 (not served)");
  EXPECT_EQ(precise_time(report_time()), "2026-01-02 03:04:05.250");
}

}  // namespace
}  // namespace gatelift
