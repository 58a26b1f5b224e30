// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/plan/rehearsal_checks.h"

#include <gtest/gtest.h>

namespace gatelift {
namespace {

using Names = std::vector<std::string>;

const std::string kObject = "HTTPRoute/a/web";

Check refused(const std::string& field, Stake stake) {
  return refusal_check(kObject, "HTTPRoute", {field, "no", stake});
}

Check foreign(const std::string& code) {
  return {code, Severity::Warning, "CustomResourceDefinition/x", "", "", "", false};
}

Findings findings(std::vector<Check> checks) {
  Findings all;
  for (Check& check : checks) all.add(std::move(check));
  return all;
}

/// "code field", with a + where it is accepted.
Names listed(const Plan& plan) {
  Names names;
  for (const Check& check : plan.checks) {
    names.push_back(check.code + " " + check.field + (check.accepted ? "+" : ""));
  }
  return names;
}

TEST(RehearsalChecks, BlockWhereTheRunWouldFail) {
  for (const Stake stake : {Stake::Written, Stake::Remade}) {
    const Check check = refused("spec.rules[0].retry.attempts", stake);
    EXPECT_EQ(check.code, "RehearsalRefused");
    EXPECT_EQ(check.severity, Severity::Blocker);
    EXPECT_NE(check.message.find("\"no\""), std::string::npos) << check.message;
    EXPECT_NE(check.next.find("0 asked for no retries"), std::string::npos) << check.next;
  }
}

TEST(RehearsalChecks, AskForConsentWhereTheObjectStays) {
  const Check check = refused("spec.somethingNew", Stake::Stays);
  EXPECT_EQ(check.code, "InvalidAtTarget");
  EXPECT_EQ(check.severity, Severity::Consent);
  EXPECT_NE(check.message.find("stays stored and served"), std::string::npos) << check.message;
  EXPECT_NE(check.next.find("spec.accept"), std::string::npos) << check.next;
  EXPECT_EQ(refused("status.parents[0].conditions", Stake::Stays).severity, Severity::Warning);
}

TEST(RehearsalChecks, AreAllRecognisedAsSuch) {
  EXPECT_TRUE(is_of_rehearsal(refused("spec", Stake::Stays)));
  EXPECT_TRUE(is_of_rehearsal(refused("spec", Stake::Remade)));
  EXPECT_TRUE(is_of_rehearsal(denial_check(kObject, "no")));
  EXPECT_TRUE(is_of_rehearsal(unrehearsed_check("x", Stake::Remade, 1, "no")));
  EXPECT_TRUE(is_of_rehearsal(unasked_check("x", 1, "no")));
  EXPECT_FALSE(is_of_rehearsal(foreign("Downgrade")));
}

TEST(RehearsalChecks, TakeThePlaceOfEarlierOnesAndOfNothingElse) {
  Plan plan;
  plan.checks_omitted = 3;
  put_rehearsal_checks(plan, findings({foreign("Downgrade"), refused("spec.old", Stake::Remade)}),
                       {});
  put_rehearsal_checks(plan, findings({refused("spec.new", Stake::Remade)}), {});
  EXPECT_EQ(listed(plan), (Names{"RehearsalRefused spec.new", "Downgrade "}));
  EXPECT_EQ(plan.checks_omitted, 3);
}

TEST(RehearsalChecks, PassToAPlanThatCameOutTheSameWithTheConsentsOfToday) {
  Plan before;
  before.digest = "sha256:1";
  put_rehearsal_checks(before,
                       findings({
                           refused("spec.a", Stake::Stays), refused("spec.b", Stake::Stays)
  }),
                       {{"InvalidAtTarget", kObject, "spec.a"}});
  EXPECT_EQ(listed(before), (Names{"InvalidAtTarget spec.b", "InvalidAtTarget spec.a+"}))
      << "what stops comes first, as status has no room for all";
  Plan now;
  now.digest = "sha256:1";
  EXPECT_TRUE(take_over_rehearsal_checks(before, now,
                                         {
                                             {"InvalidAtTarget", kObject, "spec.b"}
  }));
  EXPECT_EQ(listed(now), (Names{"InvalidAtTarget spec.a", "InvalidAtTarget spec.b+"}));
}

TEST(RehearsalChecks, DoNotPassToAnotherPlanNorWhereAPartIsMissing) {
  Plan before;
  before.digest = "sha256:1";
  Plan now;
  now.digest = "sha256:2";
  EXPECT_FALSE(take_over_rehearsal_checks(before, now, {}));
  now.digest = "sha256:1";
  EXPECT_TRUE(take_over_rehearsal_checks(before, now, {}));
  before.checks_omitted = 1;
  EXPECT_FALSE(take_over_rehearsal_checks(before, now, {}));
}

}  // namespace
}  // namespace gatelift
