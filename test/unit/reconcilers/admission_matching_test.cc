// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "reconcilers/admission/admission.h"
#include "test/support/safe_upgrades.h"

namespace gatelift {
namespace {

const AdmittedCall kCreateCrd{"CREATE", "apiextensions.k8s.io", "customresourcedefinitions", "v1"};
const AdmittedCall kUpdateRoute{"UPDATE", "gateway.networking.k8s.io", "httproutes", "v1"};

Json rule(Json groups, Json versions, Json operations, Json names) {
  return {
      {"apiGroups",   std::move(groups)    },
      {"apiVersions", std::move(versions)  },
      {"operations",  std::move(operations)},
      {"resources",   std::move(names)     }
  };
}

bool judges(const Json& match, const AdmittedCall& call) {
  return !judged_calls(match, {call}).empty();
}

Json matching(Json rule, const char* match_policy = nullptr) {
  Json match = {
      {"resourceRules", Json::array({std::move(rule)})}
  };
  if (match_policy != nullptr) match["matchPolicy"] = match_policy;
  return match;
}

TEST(JudgedCalls, GoByGroupOperationAndResource) {
  const Json groups = {"gateway.networking.k8s.io"};
  EXPECT_TRUE(judges(matching(rule(groups, {"v1"}, {"UPDATE"}, {"httproutes"})), kUpdateRoute));
  EXPECT_FALSE(judges(matching(rule(groups, {"v1"}, {"UPDATE"}, {"httproutes"})), kCreateCrd));
  EXPECT_FALSE(judges(matching(rule(groups, {"v1"}, {"CREATE"}, {"httproutes"})), kUpdateRoute));
  EXPECT_FALSE(judges(matching(rule(groups, {"v1"}, {"UPDATE"}, {"gateways"})), kUpdateRoute));
  EXPECT_FALSE(
      judges(matching(rule(groups, {"v1"}, {"UPDATE"}, {"httproutes/status"})), kUpdateRoute));
  for (const char* all : {"*", "*/*"}) {
    EXPECT_TRUE(judges(matching(rule({"*"}, {"*"}, {"*"}, {all})), kUpdateRoute)) << all;
  }
}

TEST(JudgedCalls, ReachOtherVersionsUnlessTheMatchIsExact) {
  const Json old = rule({"gateway.networking.k8s.io"}, {"v1beta1"}, {"*"}, {"httproutes"});
  EXPECT_TRUE(judges(matching(old), kUpdateRoute));
  EXPECT_TRUE(judges(matching(old, "Equivalent"), kUpdateRoute));
  EXPECT_FALSE(judges(matching(old, "Exact"), kUpdateRoute));
}

TEST(JudgedCalls, LeaveOutWhatIsExcluded) {
  Json match = matching(rule({"*"}, {"*"}, {"*"}, {"*"}));
  match["excludeResourceRules"] =
      Json::array({rule({"apiextensions.k8s.io"}, {"*"}, {"*"}, {"*"})});
  EXPECT_FALSE(judges(match, kCreateCrd));
  EXPECT_TRUE(judges(match, kUpdateRoute));
}

TEST(JudgedCalls, OfAWebhookAreInItsRules) {
  const Json webhook = {
      {"name",  "a.example.com"                                                              },
      {"rules",
       Json::array({rule({"gateway.networking.k8s.io"}, {"v1"}, {"UPDATE"}, {"httproutes"})})}
  };
  EXPECT_TRUE(judges(webhook, kUpdateRoute));
  EXPECT_FALSE(judges(webhook, kCreateCrd));
}

TEST(PolicyDigest, IsThatOfTheManifestForWhatTheServerMakesOfIt) {
  const Json policy = safe_upgrades_policy(SafeUpgradesRules::V1_5);
  Json live = policy;
  live["metadata"]["uid"] = "1";
  live["status"] = {
      {"observedGeneration", 1}
  };
  Json& match = live["spec"]["matchConstraints"];
  match["matchPolicy"] = "Equivalent";
  match["namespaceSelector"] = match["objectSelector"] = Json::object();
  match["resourceRules"][0]["scope"] = "*";
  EXPECT_EQ(policy_digest(live), policy_digest(policy));
  EXPECT_TRUE(is_as_in(policy, live));
  live["metadata"]["labels"]["somebody"] = "else";
  EXPECT_TRUE(is_as_in(policy, live));
}

TEST(PolicyDigest, IsAnotherForAnotherContent) {
  const Json policy = safe_upgrades_policy(SafeUpgradesRules::V1_5);
  const std::pair<const char*, Json> changes[] = {
      {"failure policy", {{"failurePolicy", "Ignore"}}                     },
      {"match policy",   {{"matchConstraints", {{"matchPolicy", "Exact"}}}}},
      {"rules",          {{"validations", Json::array()}}                  },
  };
  for (const auto& [what, change] : changes) {
    Json other = policy;
    other["spec"].merge_patch(change);
    EXPECT_FALSE(is_as_in(policy, other)) << what;
  }
  EXPECT_FALSE(is_as_in(safe_upgrades_policy(SafeUpgradesRules::V1_5, "v1.6.0"), policy));
}

TEST(MayJudge, GoesByBoundPoliciesAndByWebhooks) {
  const Json match = matching(rule({"gateway.networking.k8s.io"}, {"*"}, {"*"}, {"httproutes"}));
  const Json policy = {
      {"metadata", {{"name", "a"}}              },
      {"spec",     {{"matchConstraints", match}}}
  };
  const Json binding = {
      {"spec", {{"policyName", "a"}}}
  };
  EXPECT_FALSE(may_judge({}, {kUpdateRoute}));
  Admission admission;
  admission.policies = admission.mutating_policies = {policy};
  EXPECT_FALSE(may_judge(admission, {kUpdateRoute})) << "it is not bound";
  admission.mutating_bindings = {binding};
  EXPECT_TRUE(may_judge(admission, {kUpdateRoute}));
  EXPECT_FALSE(may_judge(admission, {kCreateCrd}));
  Admission hooked;
  const Json rules = match["resourceRules"];
  hooked.webhooks = {
      {{"webhooks", Json::array({{{"name", "x"}, {"rules", rules}}})}}
  };
  EXPECT_TRUE(may_judge(hooked, {kCreateCrd, kUpdateRoute}));
  EXPECT_FALSE(may_judge(hooked, {kCreateCrd}));
}

TEST(MayJudge, IsTrueWhereSomethingMayNotBeListed) {
  Admission admission;
  admission.unreadable = {resources::kMutatingPolicies};
  EXPECT_TRUE(may_judge(admission, {kCreateCrd}));
}

TEST(AdmissionDenial, IsToldFromValidationByItsCauses) {
  Error error;
  error.kind = ErrorKind::Invalid;
  error.causes = {
      {"", "", "ValidatingAdmissionPolicy 'x' denied request"}
  };
  EXPECT_TRUE(is_policy_denial(error));
  error.causes.push_back({"FieldValueInvalid", "spec.versions", "no"});
  EXPECT_FALSE(is_policy_denial(error));
  error.causes.clear();
  EXPECT_FALSE(is_policy_denial(error));
  error.kind = ErrorKind::Forbidden;
  EXPECT_FALSE(is_policy_denial(error));
}

}  // namespace
}  // namespace gatelift
