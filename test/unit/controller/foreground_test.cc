// SPDX-License-Identifier: Apache-2.0
#include "controller/foreground.h"

#include <gtest/gtest.h>

#include <deque>
#include <sstream>

#include "client/yaml.h"
#include "controller/prerequisites.h"
#include "reconcilers/migration_json.h"
#include "test/support/fake_cluster.h"

namespace gatelift {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

ReconcileResult pass(PassOutcome outcome, bool stalled = false, std::string message = "") {
  ReconcileResult result;
  result.outcome = outcome;
  result.stalled = stalled;
  result.message = std::move(message);
  return result;
}

Error error_of(ErrorKind kind, std::string message) {
  Error error;
  error.kind = kind;
  error.message = std::move(message);
  return error;
}

Condition condition(std::string type, Time since) {
  Condition condition;
  condition.type = std::move(type);
  condition.status = "True";
  condition.reason = "Because";
  condition.message = "a message";
  condition.observed_generation = 1;
  condition.last_transition = since;
  return condition;
}

class ForegroundTest : public ::testing::Test {
 protected:
  ForegroundTest() {
    cluster_.install_crd(parse_yaml(migration_crd_manifest(), "crd").value().front());
    MigrationSpec spec;
    spec.target = {"v1.1.1", "experimental"};
    EXPECT_TRUE(create(cluster_, kMigrations, migration_manifest("m", spec)));
    lease_.leading = true;
  }

  void set_record(const Record& record) {
    Json patch = {
        {"status", status_json(record)}
    };
    ASSERT_TRUE(merge_patch(cluster_, kMigrations, {"", "m"}, std::move(patch), "status"));
  }

  Result<ForegroundResult> run(Operation operation = Operation::Upgrade,
                               std::optional<milliseconds> timeout = std::nullopt) {
    Progress progress(terminal_);
    Foreground foreground({.cluster = cluster_,
                           .clock = clock_,
                           .progress = progress,
                           .reconcile =
                               [this](const std::string& name) {
                                 EXPECT_EQ(name, "m");
                                 ++num_passes_;
                                 return next_pass();
                               },
                           .lease =
                               [this] {
                                 if (on_lease_) on_lease_();
                                 return lease_;
                               }});
    return foreground.run({.name = "m", .operation = operation, .timeout = timeout});
  }

  Result<ReconcileResult> next_pass() {
    if (passes_.empty()) return pass(PassOutcome::Finished);
    auto next = std::move(passes_.front());
    passes_.pop_front();
    return next;
  }

  ManualClock clock_;
  FakeCluster cluster_{clock_};
  LeaseRunner::View lease_;
  std::function<void()> on_lease_;
  std::deque<Result<ReconcileResult>> passes_;
  int num_passes_ = 0;
  std::istringstream in_;
  std::ostringstream out_;
  std::ostringstream err_;
  Terminal terminal_{.in = in_, .out = out_, .err = err_};
};

TEST_F(ForegroundTest, ReconcilesUntilItIsFinished) {
  passes_ = {pass(PassOutcome::Progressed), pass(PassOutcome::Progressed),
             pass(PassOutcome::Finished)};
  const auto result = run();
  ASSERT_TRUE(result);
  EXPECT_EQ(result->end, ForegroundEnd::Done);
  EXPECT_EQ(num_passes_, 3);
  ASSERT_TRUE(result->migration.has_value());
  EXPECT_EQ(result->migration->name, "m");
}

TEST_F(ForegroundTest, WaitsForWhatIsOutsideAndSaysSoOnce) {
  passes_ = {pass(PassOutcome::Waiting, false, "another is at work"),
             pass(PassOutcome::Waiting, false, "another is at work"), pass(PassOutcome::Finished)};
  ASSERT_TRUE(run());
  EXPECT_EQ(err_.str(), "waiting: another is at work\n");
}

TEST_F(ForegroundTest, EndsWhereAPersonIsNeeded) {
  passes_ = {pass(PassOutcome::Progressed),
             pass(PassOutcome::Waiting, true, "remove the finalizer")};
  const auto result = run();
  ASSERT_TRUE(result);
  EXPECT_EQ(result->end, ForegroundEnd::NeedsPerson);
  EXPECT_EQ(result->message, "remove the finalizer");
}

TEST_F(ForegroundTest, EndsWhenTheResourceIsGone) {
  passes_ = {pass(PassOutcome::Gone)};
  EXPECT_EQ(run()->end, ForegroundEnd::Gone);
}

TEST_F(ForegroundTest, IsInterruptedBetweenTwoPasses) {
  passes_ = {pass(PassOutcome::Progressed), pass(PassOutcome::Progressed)};
  on_lease_ = [this] {
    if (num_passes_ == 1) clock_.stop();
  };
  const auto result = run();
  ASSERT_TRUE(result);
  EXPECT_EQ(result->end, ForegroundEnd::Interrupted);
  EXPECT_EQ(num_passes_, 2) << "the pass that had begun is not cut short by us";
}

TEST_F(ForegroundTest, IsInterruptedInsideAPass) {
  passes_ = {fail(error_of(ErrorKind::Cancelled, "cancelled"))};
  EXPECT_EQ(run()->end, ForegroundEnd::Interrupted);
}

TEST_F(ForegroundTest, TriesAgainThroughABadMinuteAndNoLonger) {
  passes_ = {fail(error_of(ErrorKind::Unavailable, "connection refused")),
             fail(error_of(ErrorKind::Conflict, "changed")), pass(PassOutcome::Finished)};
  EXPECT_EQ(run()->end, ForegroundEnd::Done);

  for (int i = 0; i < 1000; ++i)
    passes_.push_back(fail(error_of(ErrorKind::Unavailable, "refused")));
  num_passes_ = 0;
  const Time before = clock_.now();
  const auto result = run();
  ASSERT_FALSE(result);
  EXPECT_TRUE(result.error().is(ErrorKind::Unavailable));
  EXPECT_GE(clock_.now() - before, seconds(60));
  EXPECT_LE(clock_.now() - before, seconds(63));
}

TEST_F(ForegroundTest, DoesNotRepeatWhatCannotSucceed) {
  passes_ = {fail(error_of(ErrorKind::Forbidden, "may not")), pass(PassOutcome::Finished)};
  const auto result = run();
  ASSERT_FALSE(result);
  EXPECT_TRUE(result.error().is(ErrorKind::Forbidden));
  EXPECT_EQ(num_passes_, 1);
}

TEST_F(ForegroundTest, TimesOut) {
  for (int i = 0; i < 1000; ++i) passes_.push_back(pass(PassOutcome::Waiting, false, "waiting"));
  const Time before = clock_.now();
  EXPECT_EQ(run(Operation::Upgrade, seconds(30))->end, ForegroundEnd::TimedOut);
  EXPECT_LE(clock_.now() - before, seconds(33));
}

TEST_F(ForegroundTest, StopsWhenTheLeaseIsLost) {
  passes_ = {pass(PassOutcome::Progressed), pass(PassOutcome::Progressed)};
  on_lease_ = [this] {
    if (num_passes_ < 1) return;
    lease_ = {};
    lease_.lost = true;
    lease_.other_holder = "pod-1";
  };
  const auto result = run();
  ASSERT_TRUE(result);
  EXPECT_EQ(result->end, ForegroundEnd::LeaseLost);
  EXPECT_NE(result->message.find("pod-1"), std::string::npos);
  EXPECT_EQ(num_passes_, 1);
}

TEST_F(ForegroundTest, SaysThatTheLeaseIsLostWhereTheWorkIsCancelledWithIt) {
  passes_ = {fail(ErrorKind::Cancelled, "cancelled")};
  on_lease_ = [this] { lease_.lost = num_passes_ > 0; };
  const auto result = run();
  ASSERT_TRUE(result);
  EXPECT_EQ(result->end, ForegroundEnd::LeaseLost);
}

TEST_F(ForegroundTest, FollowsTheStatusWhileADaemonWorks) {
  lease_ = {};
  lease_.other_holder = "pod-1";
  lease_.other_is_alive = true;
  int looks = 0;
  on_lease_ = [&] {
    Record record;
    record.observed_generation = 1;
    record.phase = Phase::Migrate;
    CrdProgress crd;
    crd.name = "backendtlspolicies.gateway.networking.k8s.io";
    crd.step = "Reapply";
    crd.objects = {.found = 4, .done = looks, .unchanged = 0, .skipped = 0, .failed = 0};
    record.crds = {crd};
    if (looks >= 4) record.conditions = {condition("Ready", clock_.now())};
    if (looks >= 4) record.phase = Phase::Done;
    set_record(record);
    ++looks;
  };
  const auto result = run();
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->end, ForegroundEnd::Done);
  EXPECT_EQ(num_passes_, 0) << "two must not work at once";
  EXPECT_NE(err_.str().find("following: pod-1 carries it out\n"), std::string::npos) << err_.str();
  EXPECT_NE(err_.str().find("Migrate: backendtlspolicies: Reapply"), std::string::npos)
      << err_.str();
}

TEST_F(ForegroundTest, TakesOverWhenTheDaemonDies) {
  lease_ = {};
  lease_.other_holder = "pod-1";
  lease_.other_is_alive = true;
  int looks = 0;
  on_lease_ = [&] {
    ++looks;
    if (looks == 3) lease_.other_is_alive = false;
    if (looks == 6) {
      lease_ = {};
      lease_.leading = true;
    }
  };
  EXPECT_EQ(run()->end, ForegroundEnd::Done);
  EXPECT_EQ(num_passes_, 1);
  EXPECT_NE(err_.str().find("waiting for the lease, last held by pod-1"), std::string::npos);
}

TEST_F(ForegroundTest, FollowsNoFurtherWhenTheResourceIsDeleted) {
  lease_ = {};
  lease_.other_holder = "pod-1";
  lease_.other_is_alive = true;
  Request remove;
  remove.verb = Verb::Delete;
  remove.resource = kMigrations;
  remove.key = {"", "m"};
  ASSERT_TRUE(cluster_.send(remove));
  EXPECT_EQ(run()->end, ForegroundEnd::Gone);
}

TEST(EndOf, CountsOnlyWhatWasSaidAboutThisGeneration) {
  Migration migration;
  migration.generation = 2;
  migration.record.phase = Phase::Done;
  const Time now{seconds(1000)};
  migration.record.observed_generation = 1;
  migration.record.conditions = {condition("Ready", now)};
  EXPECT_EQ(end_of(migration, Operation::Upgrade, now, now), std::nullopt);
  migration.record.observed_generation = 2;
  migration.record.conditions[0].observed_generation = 2;
  EXPECT_EQ(end_of(migration, Operation::Upgrade, now, now), ForegroundEnd::Done);
}

TEST(EndOf, ARollbackIsNotOverWithTheUpgradeItUndoes) {
  Migration migration;
  migration.generation = 1;
  migration.record.phase = Phase::Done;
  const Time now{seconds(1000)};
  migration.record.observed_generation = 1;
  migration.record.conditions = {condition("Ready", now)};
  EXPECT_EQ(end_of(migration, Operation::Rollback, now, now), std::nullopt);
  migration.record.operation = Operation::Rollback;
  migration.record.phase = Phase::Plan;
  EXPECT_EQ(end_of(migration, Operation::Rollback, now, now), std::nullopt)
      << "begun, with the Ready of the upgrade";
  migration.record.phase = Phase::Done;
  EXPECT_EQ(end_of(migration, Operation::Rollback, now, now), ForegroundEnd::Done);
}

TEST(EndOf, AnOldStallCountsOnlyIfItIsNotLookedAtAgain) {
  Migration migration;
  migration.generation = 1;
  migration.record.observed_generation = 1;
  const Time started{seconds(1000)};
  migration.record.conditions = {condition("Stalled", started - seconds(500))};
  EXPECT_EQ(end_of(migration, Operation::Upgrade, started, started + seconds(1)), std::nullopt);
  EXPECT_EQ(end_of(migration, Operation::Upgrade, started, started + seconds(60)),
            ForegroundEnd::NeedsPerson);
  migration.record.conditions = {condition("Stalled", started + seconds(1))};
  EXPECT_EQ(end_of(migration, Operation::Upgrade, started, started + seconds(1)),
            ForegroundEnd::NeedsPerson);
}

}  // namespace
}  // namespace gatelift
