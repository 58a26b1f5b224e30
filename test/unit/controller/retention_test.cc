// SPDX-License-Identifier: Apache-2.0
#include "controller/retention.h"

#include <sstream>

#include "test/unit/controller/commands_fixture.h"

namespace gatelift {
namespace {

class RetentionTest : public CommandsTest {
 protected:
  RetentionTest() {
    world_.populate(2);
    EXPECT_EQ(migrate(), 0) << err();
  }

  int sweep() {
    const auto removed = remove_expired_backups(world_.cluster, store_, world_.clock.now(), log_);
    EXPECT_TRUE(removed) << removed.error().message;
    return removed.value_or(-1);
  }

  std::ostringstream text_;
  Log log_{text_, LogFormat::Text, LogLevel::Info};
  BackupStore store_{world_.cluster, world_.clock, "gatelift-system"};
};

TEST_F(RetentionTest, KeepsABackupAsLongAsAskedAndNoLonger) {
  world_.clock.advance(std::chrono::hours(719));
  EXPECT_EQ(sweep(), 0);
  world_.clock.advance(std::chrono::hours(2));
  EXPECT_EQ(sweep(), 1);
  EXPECT_TRUE(store_.list().value().empty());
}

TEST_F(RetentionTest, KeepsWhatARollbackNeeds) {
  world_.clock.advance(std::chrono::hours(1000));
  const Json patch = {
      {"metadata", {{"annotations", {{kRollbackAnnotation, "true"}}}}}
  };
  ASSERT_TRUE(merge_patch(world_.cluster, kMigrations, {"", kName}, patch));
  EXPECT_EQ(sweep(), 0) << "asked for, not yet begun";
  const auto status = [this] { return world_.migration(kName)["status"]; };
  while (string_at(status(), "operation") != "Rollback") world_.run(kName, 1);
  ASSERT_FALSE(status().contains("finishedAt"));
  EXPECT_EQ(sweep(), 0) << "half-way";
  EXPECT_TRUE(world_.lost_policies().empty());
}

TEST_F(RetentionTest, RemovesNothingWhereMigrationsCannotBeRead) {
  world_.clock.advance(std::chrono::hours(1000));
  Json broken = world_.migration(kName);
  broken["metadata"]["name"] = "broken";
  broken["metadata"].erase("uid");
  broken["status"]["phase"] = "FromTheFuture";
  world_.cluster.seed(kMigrations, broken);
  EXPECT_FALSE(remove_expired_backups(world_.cluster, store_, world_.clock.now(), log_));
  EXPECT_EQ(store_.list().value().size(), 1U);
}

}  // namespace
}  // namespace gatelift
