// SPDX-License-Identifier: Apache-2.0
// What becomes of one object, line by line.
#include <gtest/gtest.h>

#include <algorithm>

#include "reconcilers/report/object_diff.h"
#include "reconcilers/report/plan_details.h"

namespace gatelift {
namespace {

std::string lines(int first, int last) {
  std::string text;
  for (int i = first; i <= last; ++i) text += "line " + std::to_string(i) + "\n";
  return text;
}

Json policy(const std::string& version, const Json& spec) {
  return {
      {"apiVersion", "gateway.networking.k8s.io/" + version      },
      {"kind",       "BackendTLSPolicy"                          },
      {"metadata",
       {{"namespace", "a"},
        {"name", "one"},
        {"uid", "uid-" + version},
        {"resourceVersion", "7"},
        {"annotations", {{"kubectl.kubernetes.io/last-applied-configuration", "{}"}}},
        {"managedFields", Json::array({{{"manager", version}}})}}},
      {"spec",       spec                                        }
  };
}

TEST(Diff, OfEqualTextsIsEmpty) {
  const ObjectDiff diff = diff_texts(lines(1, 50), lines(1, 50));
  EXPECT_EQ(diff.text, "");
  EXPECT_EQ(diff.added + diff.removed, 0);
}

TEST(Diff, KeepsThreeLinesAroundAChangeAndMarksGaps) {
  const ObjectDiff diff =
      diff_texts(lines(1, 20) + "old\n" + lines(21, 40), lines(1, 20) + "new\n" + lines(21, 40));
  EXPECT_EQ(diff.text,
            "@@\n line 18\n line 19\n line 20\n-old\n+new\n line 21\n line 22\n line 23\n");
  EXPECT_EQ(diff.added, 1);
  EXPECT_EQ(diff.removed, 1);
}

TEST(Diff, FindsTheLinesThatStay) {
  EXPECT_EQ(diff_texts("a\nb\nc\nd\n", "x\nb\nd\ny\n").text, "-a\n+x\n b\n-c\n d\n+y\n");
  EXPECT_EQ(diff_texts("", "a\n").text, "+a\n");
  EXPECT_EQ(diff_texts("a", "").text, "-a\n");
}

TEST(Diff, OfManyLinesIsBoundedAndCountsThemAll) {
  const ObjectDiff diff = diff_texts(lines(1, 3000), lines(5001, 8000));
  EXPECT_EQ(diff.removed, 3000);
  EXPECT_EQ(diff.added, 3000);
  EXPECT_EQ(std::count(diff.text.begin(), diff.text.end(), '\n'), kMaxDiffLines + 1);
  EXPECT_TRUE(diff.text.ends_with("@@\n"));
}

TEST(Diff, CutsLongLinesBetweenCharacters) {
  const ObjectDiff diff = diff_texts("", std::string(kMaxLineBytes - 1, 'x') + "ää\n");
  EXPECT_EQ(diff.text, "+" + std::string(kMaxLineBytes - 1, 'x') + "…\n");
}

TEST(Diff, OfObjectsLeavesOutWhatTheServerKeeps) {
  const ObjectDiff diff = diff_objects(policy("v1alpha2",
                                              {
                                                  {"tls", 1}
  }),
                                       policy("v1alpha3", {{"validation", 1}}));
  EXPECT_EQ(diff.object, "BackendTLSPolicy/a/one");
  EXPECT_EQ(diff.text,
            "-apiVersion: gateway.networking.k8s.io/v1alpha2\n"
            "+apiVersion: gateway.networking.k8s.io/v1alpha3\n"
            " kind: BackendTLSPolicy\n metadata:\n   name: one\n   namespace: a\n spec:\n"
            "-  tls: 1\n+  validation: 1\n");
}

TEST(DiffCollector, LeavesOutObjectsThatMoveByTheirVersionAloneAndCountsTheRest) {
  DiffCollector diffs(1);
  diffs.add(policy("v1alpha2",
                   {
                       {"tls", 1}
  }),
            policy("v1", {{"tls", 1}}), {});
  for (const char* name : {"one", "two", "two"}) {
    Json before = policy("v1alpha2", {
                                         {"tls", 1}
    });
    before["metadata"]["name"] = name;
    diffs.add(before,
              policy("v1",
                     {
                         {"validation", 1}
    }),
              {});
  }
  PlanDetails details;
  std::move(diffs).move_to(details);
  ASSERT_EQ(details.diffs.size(), 1U);
  EXPECT_EQ(details.diffs.front().object, "BackendTLSPolicy/a/one");
  EXPECT_EQ(details.diffs_omitted, 1) << "an object that is read twice counts once";
}

}  // namespace
}  // namespace gatelift
