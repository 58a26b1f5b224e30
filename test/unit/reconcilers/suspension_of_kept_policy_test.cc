// SPDX-License-Identifier: Apache-2.0
// A policy that forbids the run and takes its target, which has none: it is put back at the end as
// it was. And what a backup says that there was, where it was taken away more than once.
#include <gtest/gtest.h>

#include <stdexcept>

#include "reconcilers/backup/backup.h"
#include "reconcilers/rollback.h"
#include "reconcilers/steps/admission_backup.h"
#include "test/support/faulty_cluster.h"
#include "test/unit/reconcilers/suspension_fixture.h"

namespace gatelift {
namespace {

const Resource kPolicies = resources::kAdmissionPolicies;
const Resource kBindings = resources::kAdmissionPolicyBindings;

/// The installed CRDs are of the standard channel, which the policy forbids to leave.
class KeptPolicyWorld : public SuspensionWorld {
 public:
  KeptPolicyWorld() : SuspensionWorld(Target::WithoutPolicy) {
    cluster.policy().clear_admission();
    std::vector<Json> target = world::new_bundle_crds();
    for (Json& crd : target) {
      crd["metadata"]["annotations"]["gateway.networking.k8s.io/bundle-version"] = "v1.5.1";
    }
    sources.add(bundle_from_documents({"v1.5.1", "experimental"}, target, "the test").value());
    Json standard;
    standard["metadata"]["annotations"]["gateway.networking.k8s.io/channel"] = "standard";
    for (const Json& crd : world::old_bundle_crds()) {
      if (!merge_patch(cluster, resources::kCrds, key_of(crd), standard)) {
        throw std::runtime_error("the CRD is not there");
      }
    }
    enforce_safe_upgrades(cluster, clock);
  }

  ReconcileResult run_to_experimental() {
    const Json consent = {
        {"check",  "SafeUpgradesDenies"                                     },
        {"object", "ValidatingAdmissionPolicy/" + std::string(kSafeUpgrades)},
        {"field",  "*"                                                      }
    };
    create_migration("up",
                     {
                         {"target", {{"version", "v1.5.1"}}},
                         {"accept", Json::array({consent}) }
    });
    return run("up");
  }

  Json binding_now(const std::string& name = std::string(kSafeUpgrades)) {
    return content(get(cluster, kBindings, {"", name}).value());
  }
};

TEST(KeptPolicy, IsPutBackAtTheEnd) {
  KeptPolicyWorld world;
  const ReconcileResult result = world.run_to_experimental();
  EXPECT_EQ(result.outcome, PassOutcome::Finished) << result.reason << ": " << result.message;
  EXPECT_TRUE(world.has_original()) << world.policy_now();
}

TEST(KeptPolicy, IsPutBackOnceWhereABindingOfAnotherNameBindsIt) {
  KeptPolicyWorld world;
  Json binding = safe_upgrades_binding();
  binding["metadata"]["name"] = "of-the-house";
  ASSERT_TRUE(create(world.cluster, kBindings, binding));
  Request removal;
  removal.verb = Verb::Delete;
  removal.resource = kBindings;
  removal.key = {"", std::string(kSafeUpgrades)};
  ASSERT_TRUE(world.cluster.send(removal));
  int num_calls = 0;
  world.cluster.before_call([&](const Request&) {
    if (++num_calls > 20000) throw std::runtime_error("the pass does not end");
  });
  const ReconcileResult result = world.run_to_experimental();
  EXPECT_EQ(result.outcome, PassOutcome::Finished) << result.reason << ": " << result.message;
  EXPECT_EQ(world.policy_now(), world.original);
  EXPECT_TRUE(get(world.cluster, kBindings, {"", "of-the-house"}));
  EXPECT_FALSE(get(world.cluster, kBindings, {"", std::string(kSafeUpgrades)}));
}

TEST(KeptPolicy, AndItsBindingKeepTheirOwnersWhereTheProcessDiesBeforeTheseAreRestored) {
  KeptPolicyWorld world;
  Request label;  // by an update, which no apply brings back
  label.verb = Verb::MergePatch;
  label.resource = kBindings;
  label.key = {"", std::string(kSafeUpgrades)};
  label.field_manager = "somebody";
  label.body["metadata"]["labels"]["team"] = "edge";
  ASSERT_TRUE(world.cluster.send(label));
  const Json binding = world.binding_now();
  world.cluster.before_call([](const Request& request) {
    const bool is_of_owners = request.resource == kBindings && request.verb == Verb::JsonPatch;
    if (is_of_owners) throw CrashNow{};
  });
  EXPECT_THROW(world.run_to_experimental(), CrashNow);
  world.cluster.before_call(nullptr);
  ASSERT_NE(world.binding_now(), binding);
  const ReconcileResult result = world.run("up");
  EXPECT_EQ(result.outcome, PassOutcome::Finished) << result.reason << ": " << result.message;
  EXPECT_TRUE(world.has_original()) << world.policy_now();
  EXPECT_EQ(world.binding_now(), binding);
}

/// A policy under this uid, with a label.
BackupItem policy_item(const std::string& uid, const std::string& label) {
  Json policy = safe_upgrades_policy(SafeUpgradesRules::V1_5);
  policy["metadata"]["uid"] = uid;
  policy["metadata"]["resourceVersion"] = uid + label;
  policy["metadata"]["labels"]["state"] = label;
  return {BackupRole::Policy, collection_name(kPolicies), policy};
}

TEST(BundleOfBackup, HasThePolicyThatWasThereBeforeItWasFirstTakenAway) {
  ManualClock clock;
  FakeCluster cluster(clock);
  cluster.add_namespace("gatelift-system");
  BackupStore store(cluster, clock, "gatelift-system");
  auto writer = store.begin("up-1", "up").value();
  const Json crd = world::old_bundle_crds().front();
  ASSERT_TRUE(writer.add({BackupRole::Crd, key_of(crd).name, crd}));
  ASSERT_TRUE(writer.add(policy_item("first", "when backed up")));
  VerifiedBackup backup = writer.finish().value();
  for (const BackupItem& item :
       {policy_item("first", "changed by its owner"), policy_item("second", "of the target")}) {
    auto supplement = store.supplement(backup).value();
    ASSERT_TRUE(supplement.add(item));
    backup = supplement.finish().value();
  }
  const Bundle bundle = bundle_of_backup(backup, {"backup", "up-1"}).value();
  ASSERT_EQ(bundle.policy_manifests.size(), 1U);
  EXPECT_EQ(string_at(Json::parse(bundle.policy_manifests[0]), "metadata", "labels", "state"),
            "changed by its owner");
}

}  // namespace
}  // namespace gatelift
