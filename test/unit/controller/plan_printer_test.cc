// SPDX-License-Identifier: Apache-2.0
#include "controller/plan_printer.h"

#include <gtest/gtest.h>

namespace gatelift {
namespace {

using std::chrono::milliseconds;

Plan sample_plan() {
  Plan plan;
  plan.digest = "sha256:d1";
  plan.from = {"v1.0.0", "experimental"};
  plan.to = {"v1.1.1", "experimental"};
  PlannedAction update;
  update.kind = ActionKind::Update;
  update.crd = "gateways.gateway.networking.k8s.io";
  update.from_storage = update.to_storage = "v1";
  update.objects = 3;
  update.reason = "the target has another schema";
  PlannedAction convert;
  convert.kind = ActionKind::Convert;
  convert.crd = "backendtlspolicies.gateway.networking.k8s.io";
  convert.from_storage = "v1alpha2";
  convert.to_storage = "v1alpha3";
  convert.objects = 40;
  convert.reason = "v1alpha2 is not in the target";
  plan.actions = {update, convert};
  plan.objects = 43;
  plan.estimated_writes = 131;
  plan.estimated_unavailable = milliseconds(2100);
  return plan;
}

Check check(std::string code, Severity severity, std::string object, std::string field) {
  Check check;
  check.code = std::move(code);
  check.severity = severity;
  check.object = std::move(object);
  check.field = std::move(field);
  check.message = "something is so";
  check.next = "do something";
  return check;
}

TEST(PlanPrinter, ShowsFromToActionsChecksAndCost) {
  Plan plan = sample_plan();
  plan.checks = {check("ForeignTargetNamespace", Severity::Blocker, "BackendTLSPolicy/a/b",
                       "spec.targetRef.namespace"),
                 check("PlaintextWhileAbsent", Severity::Warning, "", "")};
  EXPECT_EQ(plan_text(plan, {}),
            R"(Plan  v1.0.0/experimental -> v1.1.1/experimental

  CRD                                           ACTION   STORED AS             OBJECTS  WHY
  gateways.gateway.networking.k8s.io            Update   v1                    3        the target has another schema
  backendtlspolicies.gateway.networking.k8s.io  Convert  v1alpha2 -> v1alpha3  40       v1alpha2 is not in the target

  Update    the CRD becomes the target's; its objects stay
  Convert   its objects are backed up, deleted with the CRD, and created again in the new shape

BLOCKERS: the migration cannot begin
  ForeignTargetNamespace  BackendTLSPolicy/a/b  spec.targetRef.namespace
    something is so
    next: do something

WARNINGS
  PlaintextWhileAbsent
    SOMETHING IS SO
    next: do something

About 131 writes; objects that are converted are absent for about 2.1s.
Digest sha256:d1
)");
}

TEST(PlanPrinter, ComparesTheStrategiesInAHundredColumns) {
  Plan plan = sample_plan();
  EXPECT_EQ(plan_text(plan, {}).find("STRATEGIES"), std::string::npos);
  StrategyEstimate recreate{.strategy = Strategy::Recreate, .chosen = true};
  recreate.unavailable = plan.estimated_unavailable;
  recreate.writes = plan.estimated_writes;
  recreate.policies_interrupted = 3;
  StrategyEstimate in_place{.strategy = Strategy::InPlace};
  in_place.writes = 120;
  in_place.obstacles = {"\x1b[2J spec.port: string before, integer after"};
  plan.strategies = {recreate, in_place};
  const std::string text = plan_text(plan, {});
  EXPECT_NE(text.find(R"(
STRATEGIES: how objects can change their shape
                        Recreate (chosen)                      InPlace
  cannot be, since                                             \x1b[2J spec.port: string before,
                                                               integer after
  objects absent        for about 2.1s                         never
  policies interrupted  3 that are in effect                   none
  new uid and age       none                                   none
  writes                about 131                              about 120

About 131 writes;)"),
            std::string::npos)
      << text;
}

InstalledCrd installed(const std::string& plural, CrdIdentity identity,
                       std::vector<BundleRef> bundles, BundleRef named) {
  InstalledCrd crd;
  crd.crd = plural + ".gateway.networking.k8s.io";
  crd.identity = identity;
  crd.bundles = std::move(bundles);
  crd.named = std::move(named);
  return crd;
}

TEST(PlanPrinter, SaysWhatIsInstalledWhereThatIsNotOneBundle) {
  Plan plan = sample_plan();
  plan.installed = {
      installed("gateways", CrdIdentity::Exact, {plan.from, {"v1.0.1", "experimental"}},
                plan.from)
  };
  EXPECT_EQ(plan_text(plan, {}).find("INSTALLED NOW"), std::string::npos);

  plan.from = {"mixed", "experimental"};
  plan.installed.push_back(installed("grpcroutes", CrdIdentity::Exact,
                                     {
                                         {"v0.6.0", "experimental"},
                                         {"v0.6.1", "experimental"},
                                         {"v0.6.1", "standard"    },
                                         {"v0.6.2", "experimental"},
                                         {"v0.7.0", "experimental"}
  },
                                     {"v0.6.9", "experimental"}));
  plan.installed.back().orphaned = true;
  plan.installed.push_back(
      installed("httproutes", CrdIdentity::Modified, {}, {"v1.0.0", "experimental"}));
  plan.installed.push_back(installed("tlsroutes", CrdIdentity::Unknown, {}, {}));
  plan.installed.back().owner = "Helm release a/b";
  const std::string text = plan_text(plan, {});
  EXPECT_TRUE(text.starts_with(
      R"(Plan  several bundles (experimental) -> v1.1.1/experimental

INSTALLED NOW: each CRD, and which bundles hold exactly this one
  CRD                                   IS               OF BUNDLE                                                                  MANAGED BY
  gateways.gateway.networking.k8s.io    exact            v1.0.0, v1.0.1/experimental
  grpcroutes.gateway.networking.k8s.io  exact, orphaned  v0.6.1/standard; v0.6.0 to v0.7.0/experimental; names v0.6.9/experimental
  httproutes.gateway.networking.k8s.io  MODIFIED         none known; names v1.0.0/experimental
  tlsroutes.gateway.networking.k8s.io   UNKNOWN          none known; names none                                                     Helm release a/b

WHAT WILL BE DONE
  CRD )"))
      << text;
}

TEST(PlanPrinter, NamesWhatIsNoBundleInWords) {
  Plan plan = sample_plan();
  plan.from = {"none", ""};
  EXPECT_TRUE(plan_text(plan, {}).starts_with("Plan  no Gateway API -> v1.1.1/experimental\n"));
  plan.from = {"unknown", ""};
  EXPECT_TRUE(plan_text(plan, {}).starts_with("Plan  no known bundle -> v1.1.1/experimental\n"));
}

TEST(PlanPrinter, IsBoldOnATerminalAndUpperCaseElsewhere) {
  Plan plan = sample_plan();
  plan.checks = {check("PlaintextWhileAbsent", Severity::Warning, "", "")};
  const std::string colored = plan_text(plan, {.colored = true});
  EXPECT_NE(colored.find("\x1b[1;31msomething is so\x1b[0m"), std::string::npos) << colored;
  const std::string plain = plan_text(plan, {});
  EXPECT_NE(plain.find("SOMETHING IS SO"), std::string::npos);
  EXPECT_EQ(plain.find('\x1b'), std::string::npos);
}

TEST(PlanPrinter, PrintsTheWorstFirstWhateverTheirOrder) {
  Plan plan = sample_plan();
  plan.checks = {check("N", Severity::Note, "", ""), check("W", Severity::Warning, "", ""),
                 check("B", Severity::Blocker, "", "")};
  const std::string text = plan_text(plan, {});
  EXPECT_LT(text.find("BLOCKERS"), text.find("WARNINGS"));
  EXPECT_LT(text.find("WARNINGS"), text.find("NOTES"));
}

TEST(PlanPrinter, CountsWhatItLeavesOut) {
  Plan plan = sample_plan();
  for (int i = 0; i < 27; ++i) {
    plan.checks.push_back(check("W", Severity::Warning, "HTTPRoute/a/" + std::to_string(i), ""));
  }
  const std::string text = plan_text(plan, {});
  EXPECT_NE(text.find("HTTPRoute/a/19\n"), std::string::npos);
  EXPECT_EQ(text.find("HTTPRoute/a/20\n"), std::string::npos);
  EXPECT_NE(text.find("W: and 7 more"), std::string::npos) << text;
}

TEST(PlanPrinter, LetsNoTextOfTheClusterDriveTheTerminal) {
  Plan plan = sample_plan();
  plan.checks = {check("W", Severity::Warning, "X/\x1b[2Ja/b", "")};
  plan.checks[0].message = "bell \x07 and\nnew line";
  const std::string text = plan_text(plan, {});
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(text.find('\x07'), std::string::npos);
  EXPECT_NE(text.find("bell \\x07 and new line"), std::string::npos) << text;
}

TEST(PlanPrinter, SummarisesChecksThatStillCount) {
  Check accepted = check("C", Severity::Consent, "", "");
  accepted.accepted = true;
  EXPECT_EQ(
      checks_summary({check("W", Severity::Warning, "", ""), check("B", Severity::Blocker, "", ""),
                      check("W", Severity::Warning, "", ""), accepted}),
      "1 blocker, 2 warnings");
  EXPECT_EQ(checks_summary({}), "");
}

TEST(PlanPrinter, OffersTheConsentsThatAreMissing) {
  Plan plan = sample_plan();
  Check accepted = check("FieldLoss", Severity::Consent, "HTTPRoute/a/x", "spec.x");
  accepted.accepted = true;
  plan.checks = {check("FieldLoss", Severity::Consent, "HTTPRoute/a/b", "spec.y"), accepted,
                 check("Blocked", Severity::Blocker, "HTTPRoute/a/b", "spec.y")};
  EXPECT_EQ(consent_flags(plan), " --accept 'FieldLoss,HTTPRoute/a/b,spec.y'");
}

TEST(PlanPrinter, WritesDurationsAsPeopleSayThem) {
  EXPECT_EQ(duration_text(milliseconds(0)), "0ms");
  EXPECT_EQ(duration_text(milliseconds(350)), "350ms");
  EXPECT_EQ(duration_text(milliseconds(1840)), "1.8s");
  EXPECT_EQ(duration_text(milliseconds(125000)), "2m 5s");
}

}  // namespace
}  // namespace gatelift
