// SPDX-License-Identifier: Apache-2.0
// What plans say about the safe-upgrades policy, and about other policies and webhooks.
#include <gtest/gtest.h>

#include "test/unit/reconcilers/admission_fixture.h"

namespace gatelift {
namespace {

using Names = std::vector<std::string>;
using enum SafeUpgradesRules;

const BundleRef k141{"v1.4.1", "standard"};
const BundleRef k151{"v1.5.1", "standard"};
const BundleRef k161{"v1.6.1", "standard"};
const BundleRef k161Experimental{"v1.6.1", "experimental"};

Bundle with_policy(const BundleRef& ref, SafeUpgradesRules rules) {
  return bundle_at(ref, safe_upgrades_documents(rules, ref.version));
}

TEST(PlanAdmission, ReplacesThePolicyLastWhereTheChannelStays) {
  AdmissionScene scene(k151, with_policy(k161, V1_6Standard));
  install_safe_upgrades(scene.cluster, V1_5);
  const Plan plan = scene.plan();
  EXPECT_EQ(actions_of(plan),
            (Names{"Update httproutes", "Update referencegrants", "InstallPolicy safe-upgrades"}));
  EXPECT_EQ(checks_of(plan), Names());
  EXPECT_NE(plan.actions.back().from_digest, plan.actions.back().to_digest);
}

TEST(PlanAdmission, LeavesAPolicyThatIsTheTargets) {
  AdmissionScene scene({"v1.5.0", "standard"}, with_policy(k151, V1_5));
  install_safe_upgrades(scene.cluster, V1_5);
  EXPECT_EQ(actions_of(scene.plan()), (Names{"Update httproutes", "Update referencegrants"}));
}

TEST(PlanAdmission, InstallsThePolicyWhereThereIsNone) {
  AdmissionScene scene(k141, with_policy(k151, V1_5));
  const Plan plan = scene.plan();
  EXPECT_EQ(actions_of(plan).back(), "InstallPolicy safe-upgrades");
  EXPECT_EQ(plan.actions.back().from_digest, "");
  EXPECT_EQ(checks_of(plan), Names());
}

TEST(PlanAdmission, InstallsABindingThatIsMissing) {
  AdmissionScene scene(k151, with_policy(k151, V1_5));
  install_safe_upgrades(scene.cluster, V1_5);
  EXPECT_TRUE(scene.plan().is_empty());
  Request removal;
  removal.verb = Verb::Delete;
  removal.resource = resources::kAdmissionPolicyBindings;
  removal.key = {"", std::string(kSafeUpgrades)};
  ASSERT_TRUE(scene.cluster.send(removal));
  EXPECT_EQ(actions_of(scene.plan()), Names{"InstallPolicy safe-upgrades"});
}

TEST(PlanAdmission, AsksForConsentWhereTheChannelRuleDenies) {
  AdmissionScene scene(k161, with_policy(k161Experimental, V1_6Experimental));
  install_safe_upgrades(scene.cluster, V1_6Standard);
  const Plan plan = scene.plan();
  EXPECT_EQ(actions_of(plan), (Names{"SuspendPolicy safe-upgrades", "Update httproutes",
                                     "Update referencegrants", "InstallPolicy safe-upgrades"}));
  // The dry runs are denied too, and are not said a second time.
  EXPECT_EQ(checks_of(plan), Names{"SafeUpgradesDenies " + kPolicyObject + " spec.validations[0]"});
  const Check& check = *check_of(plan, "SafeUpgradesDenies");
  EXPECT_EQ(check.severity, Severity::Consent);
  EXPECT_NE(check.message.find("channel"), std::string::npos) << check.message;
  EXPECT_NE(check.message.find("httproutes.gateway.networking.k8s.io"), std::string::npos);
  EXPECT_NE(check.next.find("put back"), std::string::npos) << check.next;
  EXPECT_TRUE(plan.stops());
  scene.accept(check);
  EXPECT_FALSE(scene.plan().stops());
}

TEST(PlanAdmission, TakesNoPatternForConsent) {
  AdmissionScene scene(k161, with_policy(k161Experimental, V1_6Experimental));
  install_safe_upgrades(scene.cluster, V1_6Standard);
  scene.spec.accept = {
      {"SafeUpgradesDenies", "*", "*"}
  };
  EXPECT_TRUE(scene.plan().stops());
}

TEST(PlanAdmission, SaysOfADowngradeThatThePolicyIsNotPutBack) {
  AdmissionScene scene(k161, bundle_at(k141));
  install_safe_upgrades(scene.cluster, V1_6Standard);
  const Plan plan = scene.plan();
  EXPECT_EQ(actions_of(plan),
            (Names{"SuspendPolicy safe-upgrades", "Update httproutes", "Update referencegrants"}));
  EXPECT_EQ(checks_of(plan, "SafeUpgradesDenies"),
            Names{"SafeUpgradesDenies " + kPolicyObject + " spec.validations[1]"});
  EXPECT_NE(check_of(plan, "SafeUpgradesDenies")->next.find("not put back"), std::string::npos);
  EXPECT_NE(plan.actions.front().reason.find("not put back"), std::string::npos);
}

TEST(PlanAdmission, PutsBackAPolicyThatTheTargetHasNotAndThatToleratesIt) {
  AdmissionScene scene(k161, bundle_at(k161Experimental));
  install_safe_upgrades(scene.cluster, V1_6Standard);
  const Plan plan = scene.plan();
  EXPECT_EQ(actions_of(plan).back(), "InstallPolicy safe-upgrades");
  EXPECT_EQ(plan.actions.back().from_digest, plan.actions.back().to_digest);
}

TEST(PlanAdmission, NamesBothRulesWhereBothDeny) {
  AdmissionScene scene(k161, bundle_at({"v1.4.1", "experimental"}));
  install_safe_upgrades(scene.cluster, V1_6Standard);
  EXPECT_EQ(checks_of(scene.plan(), "SafeUpgradesDenies"),
            (Names{"SafeUpgradesDenies " + kPolicyObject + " spec.validations[0]",
                   "SafeUpgradesDenies " + kPolicyObject + " spec.validations[1]"}));
}

TEST(PlanAdmission, JudgesCreationsByTheVersionRuleOnly) {
  AdmissionScene scene(k151, with_policy(k161Experimental, V1_6Experimental));
  install_safe_upgrades(scene.cluster, V1_5);
  for (const char* plural : {"httproutes", "referencegrants"}) {
    Request removal;
    removal.verb = Verb::Delete;
    removal.resource = resources::kCrds;
    removal.key = {"", std::string(plural) + "." + kGatewayGroup};
    ASSERT_TRUE(scene.cluster.send(removal));
  }
  scene.clock.advance(std::chrono::minutes(1));
  const Plan plan = scene.plan();
  EXPECT_EQ(actions_of(plan),
            (Names{"Create httproutes", "Create referencegrants", "InstallPolicy safe-upgrades"}));
  EXPECT_EQ(checks_of(plan, "SafeUpgradesDenies"), Names());
}

TEST(PlanAdmission, RefusesByTheDryRunWhereThePolicyIsNotKnown) {
  AdmissionScene scene(k161, with_policy(k161Experimental, V1_6Experimental));
  install_safe_upgrades(scene.cluster, V1_6Standard);
  Json policy = live_safe_upgrades(scene.cluster);
  policy["spec"]["validations"].push_back({
      {"expression", "object.metadata.name != 'x'"}
  });
  ASSERT_TRUE(replace(scene.cluster, resources::kAdmissionPolicies, policy));
  const Plan plan = scene.plan();
  EXPECT_EQ(checks_of(plan, "SafeUpgradesDenies"), Names());
  EXPECT_EQ(checks_of(plan, "CRDRefused").size(), 2U);
  EXPECT_EQ(checks_of(plan, "ForeignAdmission"), Names{"ForeignAdmission " + kPolicyObject});
  EXPECT_EQ(actions_of(plan).front(), "Update httproutes");
}

TEST(PlanAdmission, StillSaysWhatValidationRefuses) {
  AdmissionScene scene(k161, with_policy(k161Experimental, V1_6Experimental));
  install_safe_upgrades(scene.cluster, V1_6Standard);
  scene.cluster.policy().clear_admission();
  scene.cluster.policy().refuse_as_invalid(
      [](const Request& request, const Json& object) {
        return request.dry_run && key_of(object).name == kRouteCrd;
      },
      "spec.versions[0].schema", "compilation failed");
  const Plan plan = scene.plan();
  EXPECT_EQ(checks_of(plan, "CRDRefused").size(), 1U);
  EXPECT_EQ(checks_of(plan, "SafeUpgradesDenies").size(), 1U);
}

TEST(PlanAdmission, DoesNotMindAPolicyThatIsNotBound) {
  AdmissionScene scene(k161, bundle_at(k141));
  Json policy = safe_upgrades_policy(V1_6Standard);
  ASSERT_TRUE(create(scene.cluster, resources::kAdmissionPolicies, policy));
  const Plan plan = scene.plan();
  EXPECT_EQ(checks_of(plan, "SafeUpgradesDenies"), Names());
  EXPECT_EQ(actions_of(plan).front(), "Update httproutes");
}

TEST(PlanAdmission, SaysThatAnOldServerHasNoPolicies) {
  AdmissionScene scene(k141, with_policy(k151, V1_5));
  scene.cluster.remove_kind(resources::kAdmissionPolicies);
  scene.cluster.remove_kind(resources::kAdmissionPolicyBindings);
  const Plan plan = scene.plan();
  EXPECT_EQ(checks_of(plan), Names{"PolicyNotSupported " + kPolicyObject});
  EXPECT_EQ(check_of(plan, "PolicyNotSupported")->severity, Severity::Note);
  EXPECT_EQ(actions_of(plan), (Names{"Update httproutes", "Update referencegrants"}));
}

TEST(PlanAdmission, IsStoppedByPoliciesThatWeMayNotRead) {
  AdmissionScene scene(k141, with_policy(k151, V1_5));
  scene.cluster.policy().deny("list", "admissionregistration.k8s.io",
                              "validatingadmissionpolicies");
  const Plan plan = scene.plan();
  EXPECT_EQ(checks_of(plan),
            Names{"MissingPermission "
                  "validatingadmissionpolicies.admissionregistration.k8s.io list"});
  EXPECT_TRUE(plan.stops());
}

TEST(PlanAdmission, NeedsTheRightsToDeleteAndToPutBack) {
  AdmissionScene scene(k161, bundle_at(k141));
  install_safe_upgrades(scene.cluster, V1_6Standard);
  for (const char* plural : {"validatingadmissionpolicies", "validatingadmissionpolicybindings"}) {
    for (const char* verb : {"delete", "create", "patch"}) {
      scene.cluster.policy().deny(verb, "admissionregistration.k8s.io", plural);
    }
  }
  EXPECT_EQ(checks_of(scene.plan(), "MissingPermission").size(), 6U);
}

TEST(PlanAdmission, InARollbackTheUpgradesOwnPolicyNeedsNoConsent) {
  AdmissionScene scene(k161, with_policy(k151, V1_5));
  scene.sources.add(with_policy(k161, V1_6Standard));
  scene.spec.target = k161;
  for (const Json& document : safe_upgrades_documents(V1_6Standard, "v1.6.1")) {
    const bool is_policy = kind_of(document) == kPolicyKind;
    ASSERT_TRUE(create(
        scene.cluster,
        is_policy ? resources::kAdmissionPolicies : resources::kAdmissionPolicyBindings, document));
  }
  const Plan plan = scene.plan(Operation::Rollback);
  EXPECT_EQ(actions_of(plan), (Names{"SuspendPolicy safe-upgrades", "Update httproutes",
                                     "Update referencegrants", "InstallPolicy safe-upgrades"}));
  EXPECT_EQ(check_of(plan, "SafeUpgradesDenies")->severity, Severity::Warning);
  EXPECT_FALSE(plan.stops());
}

TEST(PlanAdmission, ARollbackTakesAwayWhatTheUpgradeBrought) {
  // Nothing denies it: the CRDs that come back are experimental.
  AdmissionScene scene({"v1.6.1", "experimental"}, bundle_at({"v1.6.0", "experimental"}));
  scene.sources.add(with_policy(k161Experimental, V1_6Experimental));
  scene.spec.target = k161Experimental;
  install_safe_upgrades(scene.cluster, V1_6Experimental);
  EXPECT_EQ(actions_of(scene.plan(Operation::Rollback)).front(), "Update httproutes")
      << "a policy that the upgrade has not brought";
  for (const Json& document : safe_upgrades_documents(V1_6Experimental, "v1.6.1")) {
    Json changed = document;
    const Resource& resource = kind_of(document) == kPolicyKind
                                   ? resources::kAdmissionPolicies
                                   : resources::kAdmissionPolicyBindings;
    ASSERT_TRUE(merge_patch(scene.cluster, resource, key_of(document),
                            {
                                {"metadata", document["metadata"]}
    }));
  }
  const Plan plan = scene.plan(Operation::Rollback);
  EXPECT_EQ(actions_of(plan),
            (Names{"SuspendPolicy safe-upgrades", "Update httproutes", "Update referencegrants"}));
  EXPECT_EQ(checks_of(plan, "SafeUpgradesDenies"), Names());
}

Json foreign_policy(const char* group, const char* plural) {
  return {
      {"apiVersion", "admissionregistration.k8s.io/v1"           },
      {"kind",       kPolicyKind                                 },
      {"metadata",   {{"name", "house-rules"}}                   },
      {"spec",
       {{"matchConstraints",
         {{"resourceRules", Json::array({{{"apiGroups", {group}},
                                          {"apiVersions", {"*"}},
                                          {"operations", {"*"}},
                                          {"resources", {plural}}}})}}},
        {"validations", Json::array({{{"expression", "true"}}})}}}
  };
}

Json foreign_binding() {
  return {
      {"apiVersion", "admissionregistration.k8s.io/v1"                               },
      {"kind",       "ValidatingAdmissionPolicyBinding"                              },
      {"metadata",   {{"name", "house-rules"}}                                       },
      {"spec",       {{"policyName", "house-rules"}, {"validationActions", {"Deny"}}}}
  };
}

TEST(PlanAdmission, ListsOthersPoliciesThatMatch) {
  AdmissionScene scene(k151, bundle_at(k161));
  ASSERT_TRUE(create(scene.cluster, resources::kAdmissionPolicies,
                     foreign_policy("apiextensions.k8s.io", "*")));
  EXPECT_EQ(checks_of(scene.plan(), "ForeignAdmission"), Names()) << "it is not bound";
  ASSERT_TRUE(create(scene.cluster, resources::kAdmissionPolicyBindings, foreign_binding()));
  const Plan plan = scene.plan();
  EXPECT_EQ(checks_of(plan, "ForeignAdmission"),
            Names{"ForeignAdmission ValidatingAdmissionPolicy/house-rules"});
  const Check& check = *check_of(plan, "ForeignAdmission");
  EXPECT_EQ(check.severity, Severity::Note);
  EXPECT_NE(check.message.find("UPDATE of customresourcedefinitions.apiextensions.k8s.io"),
            std::string::npos)
      << check.message;
  EXPECT_NE(check.message.find("failurePolicy is Fail"), std::string::npos) << check.message;
}

TEST(PlanAdmission, LeavesOutPoliciesThatMatchNoCall) {
  AdmissionScene scene(k151, bundle_at(k161));
  ASSERT_TRUE(create(scene.cluster, resources::kAdmissionPolicies,
                     foreign_policy(kGatewayGroup.c_str(), "httproutes")));
  ASSERT_TRUE(create(scene.cluster, resources::kAdmissionPolicyBindings, foreign_binding()));
  EXPECT_EQ(checks_of(scene.plan(), "ForeignAdmission"), Names()) << "no route is written";
}

TEST(PlanAdmission, ListsWebhooksOnceWithTheStrictestFailurePolicy) {
  AdmissionScene scene(k151, bundle_at(k161));
  const Json rules = Json::array({
      {{"apiGroups", {"*"}},
       {"apiVersions", {"v1"}},
       {"operations", {"UPDATE"}},
       {"resources", {"customresourcedefinitions"}}}
  });
  for (const auto& [resource, kind] :
       {std::pair(resources::kValidatingWebhooks, "ValidatingWebhookConfiguration"),
        std::pair(resources::kMutatingWebhooks, "MutatingWebhookConfiguration")}) {
    ASSERT_TRUE(
        create(scene.cluster, resource,
               {
                   {"apiVersion", "admissionregistration.k8s.io/v1"                            },
                   {"kind",       kind                                                         },
                   {"metadata",   {{"name", "kyverno"}}                                        },
                   {"webhooks",
                    Json::array({{{"name", "a"}, {"failurePolicy", "Ignore"}, {"rules", rules}},
                                 {{"name", "b"}, {"failurePolicy", "Fail"}, {"rules", rules}}})}
    }));
  }
  const Plan plan = scene.plan();
  EXPECT_EQ(checks_of(plan, "ForeignAdmission"),
            (Names{"ForeignAdmission MutatingWebhookConfiguration/kyverno",
                   "ForeignAdmission ValidatingWebhookConfiguration/kyverno"}));
  EXPECT_NE(check_of(plan, "ForeignAdmission")->message.find("failurePolicy is Fail"),
            std::string::npos);
}

TEST(PlanAdmission, IsApprovedAnewWhereThePolicyChanges) {
  AdmissionScene scene(k161, with_policy(k161Experimental, V1_6Experimental));
  install_safe_upgrades(scene.cluster, V1_6Standard);
  const std::string before = scene.plan().digest;
  EXPECT_EQ(scene.plan().digest, before);
  Json binding =
      scene.cluster.stored(resources::kAdmissionPolicyBindings, {"", std::string(kSafeUpgrades)})
          .value();
  binding["spec"]["validationActions"] = {"Deny", "Audit"};
  ASSERT_TRUE(replace(scene.cluster, resources::kAdmissionPolicyBindings, binding));
  EXPECT_NE(scene.plan().digest, before);
}

}  // namespace
}  // namespace gatelift
