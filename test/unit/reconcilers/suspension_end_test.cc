// SPDX-License-Identifier: Apache-2.0
// A policy that is away comes back, whatever ends the run: another migration, a process that is
// told to end, a backup that is gone, a record that could not be written.
#include <gtest/gtest.h>

#include "reconcilers/steps/policy_restoration.h"
#include "test/support/faulty_cluster.h"
#include "test/unit/reconcilers/suspension_fixture.h"

namespace gatelift {
namespace {

const Resource kPolicies = resources::kAdmissionPolicies;
const Resource kBindings = resources::kAdmissionPolicyBindings;
const ReconcilerSettings kSettings;

bool is_crd_write(const Request& request) {
  return is_write(request.verb) && !request.dry_run && request.subresource.empty() &&
         is_bundle_crd(request.resource, request.key);
}

/// The run dies at its first write of a CRD: policy and binding are away.
void die_without_policy(SuspensionWorld& world) {
  world.create_consenting("up");
  world.cluster.before_call([](const Request& request) {
    if (is_crd_write(request)) throw CrashNow{};
  });
  EXPECT_THROW(world.run("up"), CrashNow);
  world.cluster.before_call(nullptr);
  ASSERT_FALSE(has_safe_upgrades(world.cluster));
  ASSERT_TRUE(world.migration("up").at("status").contains("admission"));
}

void change_resource(SuspensionWorld& world, const char* value) {
  (void)merge_patch(world.cluster, kMigrations,
                    {
                        "", "up"
  },
                    {{"metadata", {{"labels", {{"touched", value}}}}}});
}

TEST(SuspensionEnd, PutsThePolicyBackWhereSpecSuspends) {
  SuspensionWorld world;
  world.create_consenting("up");
  bool suspended = false;
  world.cluster.before_call([&](const Request& request) {
    if (suspended || request.verb != Verb::Delete || request.resource != kPolicies) return;
    suspended = true;
    (void)merge_patch(world.cluster, kMigrations,
                      {
                          "", "up"
    },
                      {{"spec", {{"suspend", true}}}});
  });
  const ReconcileResult result = world.run("up");
  ASSERT_TRUE(suspended);
  EXPECT_EQ(result.reason, "Suspended");
  EXPECT_TRUE(world.has_original());
  ASSERT_TRUE(merge_patch(world.cluster, kMigrations,
                          {
                              "", "up"
  },
                          {{"spec", {{"suspend", false}}}}));
  EXPECT_EQ(world.run("up").outcome, PassOutcome::Finished);
}

TEST(SuspensionEnd, PutsThePolicyBackBeforeTheResourceGoes) {
  SuspensionWorld world;
  world.create_consenting("up");
  bool deleted = false;
  world.cluster.before_call([&](const Request& request) {
    if (deleted || request.verb != Verb::Delete || request.resource != kPolicies) return;
    deleted = true;
    Request removal;
    removal.verb = Verb::Delete;
    removal.resource = kMigrations;
    removal.key = {"", "up"};
    (void)world.cluster.send(removal);
  });
  EXPECT_EQ(world.run("up").outcome, PassOutcome::Gone);
  ASSERT_TRUE(deleted);
  EXPECT_TRUE(world.has_original());
  EXPECT_FALSE(get_if_exists(world.cluster, kMigrations, {"", "up"}).value());
}

TEST(SuspensionEnd, SaysThatThePolicyIsNotBackWhereThatFails) {
  SuspensionWorld world;
  world.deny_crd(world::kGrpcRouteCrd);
  world.cluster.policy().deny_writes(
      [](const Request& request, const Json&) {
        return request.resource == kBindings && request.verb != Verb::Delete;
      },
      "no bindings today");
  world.create_consenting("up");
  const ReconcileResult result = world.run("up");
  EXPECT_TRUE(result.stalled);
  EXPECT_NE(result.message.find("is not back"), std::string::npos) << result.message;
  EXPECT_NE(result.message.find("no bindings today"), std::string::npos) << result.message;
  EXPECT_EQ(world.migration("up").at("status").at("admission").at("suspendedPolicy"),
            kSafeUpgrades);
  EXPECT_NE(array_at(world.migration("up"), "metadata", "finalizers"), Json::array());
  world.cluster.policy().clear_admission();
  enforce_safe_upgrades(world.cluster, world.clock);
  world.deny_crd(world::kGrpcRouteCrd);
  ASSERT_TRUE(world.run("up").stalled);
  EXPECT_TRUE(world.has_original());
}

TEST(SuspensionEnd, PutsThePolicyBackForAProcessThatIsToldToEnd) {
  SuspensionWorld world;
  die_without_policy(world);
  const auto put_back = put_back_policies(world.cluster, world.clock, kSettings);
  ASSERT_TRUE(put_back) << put_back.error().message;
  EXPECT_TRUE(world.has_original()) << world.policy_now();
  EXPECT_FALSE(world.migration("up").at("status").contains("admission"));
  const ReconcileResult result = world.run("up");
  EXPECT_EQ(result.outcome, PassOutcome::Finished) << result.reason << ": " << result.message;
  EXPECT_NE(world.rules_now().find("v0.0.0-dev"), std::string::npos);
}

TEST(SuspensionEnd, WritesNothingForAProcessThatEndsWithNothingSuspended) {
  SuspensionWorld world;
  world.create_migration("up");
  ASSERT_TRUE(world.run("up").stalled);
  world.cluster.forget_writes();
  ASSERT_TRUE(put_back_policies(world.cluster, world.clock, kSettings));
  EXPECT_TRUE(world.cluster.writes().empty());
}

TEST(SuspensionEnd, PutsThePolicyBackWhereAnotherMigrationGoesFirst) {
  SuspensionWorld world;
  world.create_migration("first", {
                                      {"suspend", true}
  });
  world.clock.advance(std::chrono::seconds(5));
  die_without_policy(world);
  Json started = world.migration("first");
  started["status"]["phase"] = "BackUp";
  started["status"]["startedAt"] = "2026-01-01T00:00:00Z";
  Request replace;
  replace.verb = Verb::Replace;
  replace.resource = kMigrations;
  replace.key = {"", "first"};
  replace.subresource = "status";
  replace.body = std::move(started);
  ASSERT_TRUE(world.cluster.send(replace));
  ASSERT_TRUE(merge_patch(world.cluster, kMigrations,
                          {
                              "", "first"
  },
                          {{"spec", {{"suspend", false}}}}));
  const ReconcileResult result = world.run("up");
  EXPECT_EQ(result.reason, "WaitingForOther") << result.message;
  EXPECT_TRUE(world.has_original()) << world.policy_now();
}

TEST(SuspensionEnd, TakesItsOwnRestorationForItsOwnWhereTheRecordWasInConflict) {
  SuspensionWorld world;
  world.deny_crd(world::kGrpcRouteCrd);
  world.create_consenting("up");
  bool was_away = false;
  bool changed = false;
  world.cluster.before_call([&](const Request& request) {
    const bool is_there = has_safe_upgrades(world.cluster);
    was_away = was_away || !is_there;
    const bool is_record = request.resource == kMigrations && request.subresource == "status";
    if (changed || !was_away || !is_there || !is_record || request.verb != Verb::Replace) return;
    changed = true;
    change_resource(world, "after the restoration");
  });
  const ReconcileResult result = world.run("up");
  ASSERT_TRUE(changed);
  EXPECT_TRUE(result.stalled);
  EXPECT_NE(result.reason, "PolicyReverted") << result.message;
  EXPECT_NE(result.message.find("not this one"), std::string::npos) << result.message;
  EXPECT_TRUE(world.has_original()) << world.policy_now();
}

TEST(SuspensionEnd, LetsTheResourceGoWhereTheBackupIsGoneAndSomebodyPutThePolicyBack) {
  SuspensionWorld world;
  die_without_policy(world);
  Request list;
  list.verb = Verb::List;
  list.resource = resources::kSecrets;
  const Json secrets = world.cluster.send(list).value();
  for (const Json& secret : array_at(secrets, "items")) {
    Request removal;
    removal.verb = Verb::Delete;
    removal.resource = resources::kSecrets;
    removal.key = key_of(secret);
    ASSERT_TRUE(world.cluster.send(removal));
  }
  Request removal;
  removal.verb = Verb::Delete;
  removal.resource = kMigrations;
  removal.key = {"", "up"};
  ASSERT_TRUE(world.cluster.send(removal));
  const ReconcileResult held = world.run("up");
  EXPECT_EQ(held.reason, "RestoringPolicy");
  EXPECT_NE(held.message.find("by hand"), std::string::npos) << held.message;
  install_safe_upgrades(world.cluster, SafeUpgradesRules::V1_5);
  EXPECT_EQ(world.run("up").outcome, PassOutcome::Gone);
}

}  // namespace
}  // namespace gatelift
