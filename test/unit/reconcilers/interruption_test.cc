// SPDX-License-Identifier: Apache-2.0
// What others do to the resource, and deaths of the process, in the middle of what may not rest.
#include <gtest/gtest.h>

#include "reconcilers/backup/backup.h"
#include "test/support/faulty_cluster.h"
#include "test/support/gateway_world.h"

namespace gatelift {
namespace {

void delete_migration(GatewayWorld& world) {
  Request request;
  request.verb = Verb::Delete;
  request.resource = kMigrations;
  request.key = {"", "up"};
  ASSERT_TRUE(world.cluster.send(request));
}

bool is_gone(GatewayWorld& world) {
  return !get_if_exists(world.cluster, kMigrations, {"", "up"}).value();
}

/// The write of the CRD with which a route's field goes elsewhere.
bool is_write_of_route_crd(const Request& request) {
  return is_write(request.verb) && !request.dry_run && request.resource == resources::kCrds &&
         request.key.name == world::kRouteCrd && request.subresource.empty();
}

Json codes_of_retried(GatewayWorld& world) {
  const Json route = get(world.cluster, world::kRoutes, {"b", "retried"}).value();
  return route.at("spec").at("rules").at(0).at("retry").at("codes");
}

const Json kMended = Json::array({500, 502});
const Json kAsItWas = Json::array({500, 502, 500});

class InterruptedCarry : public testing::Test {
 protected:
  InterruptedCarry() {
    world.populate(1);
    world.populate_moves();
  }

  GatewayWorld world;
};

TEST_F(InterruptedCarry, ComesToItsEndWhereTheResourceIsDeletedWhileTheCrdIsWritten) {
  world.create_migration("up");
  bool deleted = false;
  world.cluster.before_call([&](const Request& request) {
    if (deleted || !is_write_of_route_crd(request)) return;
    deleted = true;
    delete_migration(world);
    world.clock.advance(std::chrono::seconds(2));  // so that the record is written after it
  });
  EXPECT_EQ(world.run("up").outcome, PassOutcome::Gone);
  ASSERT_TRUE(deleted);
  EXPECT_EQ(codes_of_retried(world), kMended);
  EXPECT_TRUE(is_gone(world));
}

TEST_F(InterruptedCarry, ComesToItsEndWhereTheProcessDiesAndTheResourceIsDeleted) {
  world.create_migration("up");
  bool written = false;
  world.cluster.before_call([&](const Request& request) {
    if (written && request.verb == Verb::List) throw CrashNow{};
    written = written || is_write_of_route_crd(request);
  });
  EXPECT_THROW(world.run("up"), CrashNow);
  world.cluster.before_call(nullptr);
  delete_migration(world);
  EXPECT_EQ(world.run("up").outcome, PassOutcome::Gone);
  EXPECT_EQ(codes_of_retried(world), kMended);
}

TEST_F(InterruptedCarry, DoesNotBeginWhereTheResourceIsDeletedBefore) {
  world.create_migration("up");
  bool deleted = false;
  world.cluster.before_call([&](const Request& request) {
    const bool begins = request.resource == kMigrations && request.verb == Verb::Replace &&
                        request.body.at("status").dump().find("\"Replace\"") != std::string::npos;
    if (deleted || !begins) return;
    deleted = true;
    delete_migration(world);
  });
  const Json before = get(world.cluster, resources::kCrds, {"", world::kRouteCrd}).value();
  EXPECT_EQ(world.run("up").outcome, PassOutcome::Gone);
  ASSERT_TRUE(deleted);
  EXPECT_EQ(codes_of_retried(world), kAsItWas);
  EXPECT_EQ(get(world.cluster, resources::kCrds, {"", world::kRouteCrd}).value(), before);
}

class InterruptedBackUp : public testing::Test {
 protected:
  InterruptedBackUp() {
    world.populate(3);
    before = world.end_state();
    world.create_migration("up");
  }

  void expect_that_the_backup_is_known() {
    const ReconcileResult done = world.run("up");
    ASSERT_EQ(done.outcome, PassOutcome::Finished) << done.reason << ": " << done.message;
    EXPECT_EQ(world.condition("up", "BackedUp", "status"), "True");
    BackupStore store(world.cluster, world.clock, "gatelift-system");
    const std::vector<BackupSummary> backups = store.list().value();
    ASSERT_EQ(backups.size(), 1U);
    EXPECT_EQ(string_at(world.migration("up"), "status", "backup", "ref"), backups[0].ref);
    EXPECT_NE(backups[0].retain_until, "");
    const Json patch = {
        {"metadata", {{"annotations", {{"gatelift.dev/rollback", "true"}}}}}
    };
    ASSERT_TRUE(merge_patch(world.cluster, kMigrations, {"", "up"}, patch));
    EXPECT_EQ(world.run("up").reason, "RolledBack");
    EXPECT_EQ(first_unequal(world.end_state().at(world::kPolicyCrd), before.at(world::kPolicyCrd)),
              "");
    EXPECT_NE(string_at(world.migration("up"), "status", "backup", "ref"), backups[0].ref);
  }

  GatewayWorld world;
  Json before;
};

TEST_F(InterruptedBackUp, IsKnownToTheRecordWhereTheResourceIsTouched) {
  bool touched = false;
  world.cluster.before_call([&](const Request& request) {
    if (touched || request.verb != Verb::Create || request.resource != resources::kSecrets) return;
    touched = true;
    const Json label = {
        {"metadata", {{"labels", {{"seen", "yes"}}}}}
    };
    ASSERT_TRUE(merge_patch(world.cluster, kMigrations, {"", "up"}, label));
  });
  expect_that_the_backup_is_known();
  EXPECT_TRUE(touched);
}

TEST_F(InterruptedBackUp, IsKnownToTheRecordWhereTheProcessDiesBeforeItIsRecorded) {
  bool written = false;
  world.cluster.before_call([&](const Request& request) {
    if (written && request.resource == kMigrations) throw CrashNow{};
    written = written || (request.verb == Verb::Create && request.resource == resources::kSecrets);
  });
  EXPECT_THROW(world.run("up"), CrashNow);
  world.cluster.before_call(nullptr);
  expect_that_the_backup_is_known();
}

/// When, after a rollback has begun, the resource is deleted.
enum class Moment { AtOnce, InBackUp };

class InterruptedRollback : public testing::TestWithParam<Moment> {
 protected:
  InterruptedRollback() {
    world.populate(3);
    world.populate_moves();
    before = world.end_state();
  }

  /// Somebody denies this write for as long as nothing is rolled back.
  void deny_before(const Resource& resource, const std::string& name) {
    world.cluster.policy().deny_writes(
        [this, resource, name](const Request& request, const Json& object) {
          return !rolls_back && !request.dry_run && request.resource == resource &&
                 request.verb != Verb::Delete && key_of(object).name == name;
        },
        name + " is not wanted");
  }

  void run_and_delete() {
    world.create_migration("up", {
                                     {"onFailure", "Rollback"}
    });
    world.cluster.before_call([this](const Request& request) {
      const bool is_moment =
          GetParam() == Moment::AtOnce ||
          (request.verb == Verb::Create && request.resource == resources::kSecrets);
      if (rolls_back && !deleted && is_moment) {
        deleted = true;
        delete_migration(world);
      }
      const bool is_record = request.resource == kMigrations && request.verb == Verb::Replace;
      rolls_back = rolls_back || (is_record && string_at(request.body, "status", "operation") ==
                                                   to_string(Operation::Rollback));
    });
    EXPECT_EQ(world.run("up").outcome, PassOutcome::Gone);
    ASSERT_TRUE(deleted);
    EXPECT_TRUE(is_gone(world));
  }

  GatewayWorld world;
  Json before;
  bool rolls_back = false;
  bool deleted = false;
};

TEST_P(InterruptedRollback, BringsAbsentObjectsBack) {
  deny_before(world::kNewPolicies, "policy-2");
  run_and_delete();
  EXPECT_EQ(first_unequal(world.end_state().at(world::kPolicyCrd), before.at(world::kPolicyCrd)),
            "");
}

TEST_P(InterruptedRollback, BringsFieldsBackThatWereOnTheirWay) {
  deny_before(world::kRoutes, "retried");
  run_and_delete();
  EXPECT_EQ(first_unequal(world.end_state().at(world::kRouteCrd).at("spec"),
                          before.at(world::kRouteCrd).at("spec")),
            "");
  EXPECT_EQ(codes_of_retried(world), kAsItWas);
}

INSTANTIATE_TEST_SUITE_P(Moments, InterruptedRollback,
                         testing::Values(Moment::AtOnce, Moment::InBackUp),
                         [](const testing::TestParamInfo<Moment>& moment) {
                           return moment.param == Moment::AtOnce ? "AtOnce" : "InBackUp";
                         });

}  // namespace
}  // namespace gatelift
