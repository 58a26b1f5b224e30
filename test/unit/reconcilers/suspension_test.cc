// SPDX-License-Identifier: Apache-2.0
// Runs that an admission policy is in the way of.
#include <gtest/gtest.h>

#include <algorithm>

#include "reconcilers/backup/backup.h"
#include "test/unit/reconcilers/suspension_fixture.h"

namespace gatelift {
namespace {

using Target = SuspensionWorld::Target;

const Resource kPolicies = resources::kAdmissionPolicies;
const Resource kBindings = resources::kAdmissionPolicyBindings;

/// Successful writes that count here, in order: "delete validatingadmissionpolicies", "crd".
std::vector<std::string> order_of_writes(const GatewayWorld& world) {
  std::vector<std::string> order;
  for (const WriteRecord& write : world.cluster.writes()) {
    if (!write.succeeded() || write.dry_run || !write.subresource.empty()) continue;
    std::string what;
    if (write.resource == kPolicies || write.resource == kBindings) {
      what = std::string(write.verb == Verb::Delete ? "delete " : "write ") +
             (write.resource == kPolicies ? "policy" : "binding");
    } else if (is_bundle_crd(write.resource, write.key)) {
      what = "crd";
    }
    if (!what.empty() && (order.empty() || order.back() != what)) order.push_back(what);
  }
  return order;
}

TEST(Suspension, TakesTheBindingFirstAndInstallsTheTargetsPolicyLast) {
  SuspensionWorld world;
  world.create_consenting("up");
  const ReconcileResult result = world.run("up");
  EXPECT_EQ(result.outcome, PassOutcome::Finished) << result.reason << ": " << result.message;
  EXPECT_EQ(order_of_writes(world),
            (std::vector<std::string>{"delete binding", "delete policy", "crd", "write policy",
                                      "write binding", "write policy", "write binding"}));
  EXPECT_NE(world.rules_now().find("v0.0.0-dev"), std::string::npos);
  EXPECT_FALSE(world.migration("up").at("status").contains("admission"));
  EXPECT_EQ(array_at(world.migration("up"), "metadata", "finalizers"), Json::array());
}

TEST(Suspension, ChangesThePolicyInTheNameOfItsOwnerAndKeepsWhatOthersAdded) {
  SuspensionWorld world;
  world.create_consenting("up");
  world.run("up");
  EXPECT_EQ(world.policy_now()["labels"]["team"], "edge");
  for (const Resource& resource : {kPolicies, kBindings}) {
    const Json live = get(world.cluster, resource, {"", std::string(kSafeUpgrades)}).value();
    for (const Json& entry : array_at(live, "metadata", "managedFields")) {
      EXPECT_NE(entry.at("manager"), "gatelift") << entry;
    }
  }
}

TEST(Suspension, DoesNotBeginWithoutConsent) {
  SuspensionWorld world;
  world.create_migration("up");
  const ReconcileResult result = world.run("up");
  EXPECT_TRUE(result.stalled);
  EXPECT_NE(result.message.find("SafeUpgradesDenies"), std::string::npos) << result.message;
  EXPECT_TRUE(world.has_original());
  EXPECT_EQ(order_of_writes(world), std::vector<std::string>());
}

TEST(Suspension, LeavesNoPolicyWhereTheTargetHasNoneAndTheOldOneWouldDenyIt) {
  SuspensionWorld world(Target::WithoutPolicy);
  world.create_consenting("up");
  const ReconcileResult result = world.run("up");
  EXPECT_EQ(result.outcome, PassOutcome::Finished) << result.reason << ": " << result.message;
  EXPECT_FALSE(has_safe_upgrades(world.cluster));
  EXPECT_FALSE(world.migration("up").at("status").contains("admission"));
}

TEST(Suspension, HoldsThePolicyInTheBackup) {
  SuspensionWorld world;
  world.create_consenting("up");
  world.run("up");
  BackupStore store(world.cluster, world.clock, "gatelift-system");
  const auto summaries = store.list().value();
  ASSERT_EQ(summaries.size(), 1U);
  const VerifiedBackup backup = store.open(summaries.front().ref).value().value();
  const BackupEntry* entry =
      backup.entry(BackupRole::Policy, kPolicies.plural + "." + kPolicies.group,
                   {"", std::string(kSafeUpgrades)});
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(SuspensionWorld::content(backup.document(*entry).value()), world.original);
}

TEST(Suspension, PutsThePolicyBackWhereTheRunStalls) {
  SuspensionWorld world;
  world.deny_crd(world::kGrpcRouteCrd);
  world.create_consenting("up");
  const ReconcileResult result = world.run("up");
  EXPECT_TRUE(result.stalled);
  EXPECT_NE(result.message.find("not this one"), std::string::npos) << result.message;
  EXPECT_NE(result.message.find("is back meanwhile"), std::string::npos) << result.message;
  EXPECT_TRUE(world.has_original()) << world.policy_now();
  EXPECT_FALSE(world.migration("up").at("status").contains("admission"));
}

TEST(Suspension, TakesItAwayAgainWhenWorkGoesOn) {
  SuspensionWorld world;
  world.deny_crd(world::kGrpcRouteCrd);
  world.create_consenting("up");
  ASSERT_TRUE(world.run("up").stalled);
  world.deny_nothing_else();
  const ReconcileResult result = world.run("up");
  EXPECT_EQ(result.outcome, PassOutcome::Finished) << result.reason << ": " << result.message;
  EXPECT_NE(world.rules_now().find("v0.0.0-dev"), std::string::npos);
}

TEST(Suspension, KeepsThePolicyForAMinuteAfterAStop) {
  SuspensionWorld world;
  world.deny_crd(world::kGrpcRouteCrd);
  world.create_consenting("up");
  MigrationReconciler reconciler(world.cluster, world.clock, world.sources, {});
  const auto run_until_it_waits = [&] {
    ReconcileResult result;
    for (int pass = 0; pass < 100; ++pass) {
      result = reconciler.reconcile("up").value();
      if (result.outcome != PassOutcome::Progressed) break;
      world.clock.advance(result.requeue_after.value_or(std::chrono::milliseconds(0)));
    }
    return result;
  };
  const ReconcileResult stopped = run_until_it_waits();
  ASSERT_TRUE(stopped.stalled);
  world.cluster.forget_writes();
  world.clock.advance(std::chrono::seconds(30));
  const ReconcileResult again = run_until_it_waits();
  EXPECT_TRUE(again.stalled);
  EXPECT_EQ(again.message, stopped.message);
  EXPECT_EQ(order_of_writes(world), std::vector<std::string>()) << "the policy was touched";
  world.deny_nothing_else();
  world.clock.advance(std::chrono::seconds(31));
  EXPECT_EQ(run_until_it_waits().outcome, PassOutcome::Finished);
}

TEST(Suspension, IsNotRepeatedForAStopAfterTheLastCrd) {
  SuspensionWorld world;
  world.cluster.policy().deny_writes(
      [](const Request& request, const Json& object) {
        return request.resource == world::kNewPolicies && !request.dry_run &&
               key_of(object).name == "policy-2";
      },
      "policy-2 is not wanted");
  world.create_consenting("up");
  ASSERT_TRUE(world.run("up").stalled);
  EXPECT_TRUE(world.has_original());
  world.cluster.forget_writes();
  ASSERT_TRUE(world.run("up").stalled);
  EXPECT_EQ(order_of_writes(world), std::vector<std::string>());
  EXPECT_TRUE(world.has_original());
  world.deny_nothing_else();
  EXPECT_EQ(world.run("up").outcome, PassOutcome::Finished);
  EXPECT_NE(world.rules_now().find("v0.0.0-dev"), std::string::npos);
}

TEST(Suspension, DoesNotFightOverThePolicy) {
  SuspensionWorld world;
  world.create_consenting("up");
  int put_back = 0;
  world.cluster.before_call([&](const Request& request) {
    const bool is_crd_write = is_write(request.verb) && !request.dry_run &&
                              is_bundle_crd(request.resource, request.key) &&
                              request.subresource.empty();
    if (!is_crd_write || has_safe_upgrades(world.cluster)) return;
    ++put_back;
    install_safe_upgrades(world.cluster, SafeUpgradesRules::V1_5, "flux");
  });
  const ReconcileResult result = world.run("up");
  EXPECT_TRUE(result.stalled);
  EXPECT_EQ(result.reason, "PolicyReverted") << result.message;
  EXPECT_EQ(put_back, 1);
  EXPECT_TRUE(has_safe_upgrades(world.cluster));
}

TEST(Suspension, HoldsAPolicyThatChangedSinceTheBackup) {
  SuspensionWorld world;
  world.deny_crd(world::kGrpcRouteCrd);
  world.create_consenting("up");
  bool changed = false;
  world.cluster.before_call([&](const Request& request) {
    if (changed || request.verb != Verb::Delete || request.resource != kBindings) return;
    changed = true;
    (void)merge_patch(world.cluster, kPolicies,
                      {
                          "", std::string(kSafeUpgrades)
    },
                      {{"metadata", {{"labels", {{"changed", "late"}}}}}});
  });
  ASSERT_TRUE(world.run("up").stalled);
  ASSERT_TRUE(changed);
  EXPECT_EQ(world.policy_now()["labels"]["changed"], "late");
}

TEST(Suspension, StallsWhereTheServerGoesOnRefusing) {
  SuspensionWorld world(Target::WithPolicy, std::chrono::hours(1));
  world.create_consenting("up");
  const ReconcileResult result = world.run("up");
  EXPECT_TRUE(result.stalled);
  EXPECT_EQ(result.reason, "StillDenied") << result.message;
  EXPECT_TRUE(world.has_original());
  const std::vector<std::string> order = order_of_writes(world);
  EXPECT_EQ(std::ranges::count(order, "crd"), 0);
}

TEST(Suspension, IsRolledBackToThePolicyThatWas) {
  SuspensionWorld world;
  world.create_consenting("up");
  ASSERT_EQ(world.run("up").outcome, PassOutcome::Finished);
  ASSERT_FALSE(world.has_original());
  ASSERT_TRUE(merge_patch(world.cluster, kMigrations,
                          {
                              "", "up"
  },
                          {{"metadata", {{"annotations", {{"gatelift.dev/rollback", "true"}}}}}}));
  const ReconcileResult result = world.run("up");
  EXPECT_EQ(result.outcome, PassOutcome::Finished) << result.reason << ": " << result.message;
  const Json now = world.policy_now();
  EXPECT_EQ(policy_spec(now), policy_spec(world.original));  // nobody adds defaults here
  EXPECT_EQ(now["annotations"], world.original["annotations"]);
  EXPECT_EQ(now["labels"]["team"], "edge");
}

TEST(Suspension, IsRolledBackByItselfWhereARunFails) {
  SuspensionWorld world;
  world.cluster.policy().deny_writes(
      [](const Request& request, const Json& object) {
        return request.resource == world::kNewPolicies && !request.dry_run &&
               key_of(object).name == "policy-2";
      },
      "policy-2 is not wanted");
  world.create_consenting("up", {
                                    {"onFailure", "Rollback"}
  });
  const ReconcileResult result = world.run("up");
  EXPECT_EQ(result.reason, "RolledBack") << result.message;
  EXPECT_TRUE(has_safe_upgrades(world.cluster));
  EXPECT_EQ(world.policy_now()["spec"], world.original["spec"]);
  EXPECT_FALSE(world.migration("up").at("status").contains("admission"));
}

}  // namespace
}  // namespace gatelift
