// SPDX-License-Identifier: Apache-2.0
// Two candidates and one Lease on a fake cluster, with real threads. Nothing is slept for: tests
// wait for events.
#include "controller/lease_runner.h"

#include <gtest/gtest.h>

#include <atomic>

#include "test/support/fake_cluster.h"

namespace gatelift {
namespace {

using std::chrono::milliseconds;

LeaseSettings quick(const std::string& identity) {
  LeaseSettings settings;
  settings.ns = "ns";
  settings.identity = identity;
  settings.retry_period = milliseconds(2);
  return settings;
}

class LeaseRunnerTest : public ::testing::Test {
 protected:
  LeaseRunnerTest() { cluster_.add_namespace("ns"); }

  std::string holder() {
    const auto lease = cluster_.stored(resources::kLeases, {"ns", "gatelift"});
    return lease ? string_at(*lease, "spec", "holderIdentity") : "<none>";
  }

  ManualClock clock_;
  FakeCluster cluster_{clock_};
  std::stop_source never_;
};

TEST_F(LeaseRunnerTest, LetsOneLeadAndTheNextWhenItIsGivenBack) {
  LeaseRunner first(cluster_, quick("first"), {});
  LeaseRunner second(cluster_, quick("second"), {});
  first.start();
  ASSERT_TRUE(first.wait_until_leading(never_.get_token()));
  second.start();
  EXPECT_TRUE(first.may_write());
  EXPECT_FALSE(second.may_write());
  EXPECT_EQ(holder(), "first");
  first.release();
  EXPECT_FALSE(first.may_write());
  ASSERT_TRUE(second.wait_until_leading(never_.get_token()));
  EXPECT_EQ(holder(), "second");
  second.release();
  EXPECT_EQ(holder(), "");
}

TEST_F(LeaseRunnerTest, SaysWhenItsLeaseIsTaken) {
  std::atomic<bool> lost{false};
  LeaseRunner runner(cluster_, quick("me"), [&lost](const LeaseRunner::View& view) {
    if (!view.lost) return;
    lost = true;
    lost.notify_all();
  });
  runner.start();
  ASSERT_TRUE(runner.wait_until_leading(never_.get_token()));
  // As after a pause that was longer than the lease.
  Request overwrite;
  overwrite.verb = Verb::MergePatch;
  overwrite.resource = resources::kLeases;
  overwrite.key = {"ns", "gatelift"};
  overwrite.body = {
      {"spec", {{"holderIdentity", "other"}}}
  };
  ASSERT_TRUE(cluster_.send(overwrite));
  lost.wait(false);
  EXPECT_FALSE(runner.may_write());
  EXPECT_EQ(runner.view().other_holder, "other");
  EXPECT_FALSE(runner.wait_until_leading(never_.get_token()));
  runner.release();
  EXPECT_EQ(holder(), "other") << "what is not ours is not given back";
}

TEST_F(LeaseRunnerTest, SeesThatAnotherIsAtWork) {
  LeaseRunner worker(cluster_, quick("worker"), {});
  worker.start();
  ASSERT_TRUE(worker.wait_until_leading(never_.get_token()));
  std::atomic<bool> alive{false};
  LeaseRunner onlooker(cluster_, quick("onlooker"), [&alive](const LeaseRunner::View& view) {
    if (!view.other_is_alive) return;
    alive = true;
    alive.notify_all();
  });
  onlooker.start();
  alive.wait(false);
  EXPECT_EQ(onlooker.view().other_holder, "worker");
}

TEST_F(LeaseRunnerTest, StopsWaitingWhenAskedTo) {
  LeaseRunner first(cluster_, quick("first"), {});
  first.start();
  ASSERT_TRUE(first.wait_until_leading(never_.get_token()));
  LeaseRunner second(cluster_, quick("second"), {});
  second.start();
  std::stop_source stop;
  stop.request_stop();
  EXPECT_FALSE(second.wait_until_leading(stop.get_token()));
}

TEST_F(LeaseRunnerTest, SaysWhyTheLeaseCannotBeTaken) {
  ManualClock clock;
  FakeCluster without_namespace(clock);
  std::atomic<bool> told{false};
  std::string problem;
  LeaseRunner runner(without_namespace, quick("me"), [&](const LeaseRunner::View& view) {
    if (view.problem.empty() || told) return;
    problem = view.problem;
    told = true;
    told.notify_all();
  });
  runner.start();
  told.wait(false);
  EXPECT_NE(problem.find("ns"), std::string::npos) << problem;
  EXPECT_FALSE(runner.may_write());
}

}  // namespace
}  // namespace gatelift
