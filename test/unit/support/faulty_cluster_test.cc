// SPDX-License-Identifier: Apache-2.0
#include "test/support/faulty_cluster.h"

#include <gtest/gtest.h>

#include "test/support/builders.h"
#include "test/support/calls.h"
#include "test/support/fake_cluster.h"

namespace gatelift {
namespace {

class FaultyClusterTest : public testing::Test {
 protected:
  FaultyClusterTest() { inner_.add_namespace("a"); }

  Result<Json> make(const std::string& name, bool dry_run = false) {
    Request request;
    request.verb = Verb::Create;
    request.resource = resources::kConfigMaps;
    request.key.ns = "a";
    request.body = object("v1", "ConfigMap", {"a", name}).build();
    request.dry_run = dry_run;
    return cluster_.send(request);
  }
  bool exists(const std::string& name) const {
    return inner_.stored(resources::kConfigMaps, {"a", name}).has_value();
  }

  ManualClock clock_;
  FakeCluster inner_{clock_};
  FaultyCluster cluster_{inner_};
};

TEST_F(FaultyClusterTest, CountsWritesButNoReadsAndNoDryRuns) {
  ASSERT_TRUE(make("x").has_value());
  ASSERT_TRUE(make("y", true).has_value());
  ASSERT_TRUE(get(cluster_, resources::kConfigMaps, {"a", "x"}).has_value());
  EXPECT_EQ(cluster_.num_writes(), 1);
}

TEST_F(FaultyClusterTest, FailsTheNthWriteBeforeItIsSent) {
  cluster_.plan(Fault::FailBefore, 2);
  ASSERT_TRUE(make("x").has_value());
  auto answer = make("y");
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().kind, ErrorKind::Unavailable);
  EXPECT_TRUE(answer.error().not_sent);
  EXPECT_FALSE(exists("y"));
  EXPECT_TRUE(make("y").has_value());
}

TEST_F(FaultyClusterTest, LosesTheAnswerOfAWriteThatWasDone) {
  cluster_.plan(Fault::FailAfter, 1);
  auto answer = make("x");
  ASSERT_FALSE(answer.has_value());
  EXPECT_FALSE(answer.error().not_sent);
  EXPECT_TRUE(exists("x"));
}

TEST_F(FaultyClusterTest, CrashesOnEitherSideOfAWrite) {
  cluster_.plan(Fault::CrashBefore, 1);
  EXPECT_THROW(static_cast<void>(make("x")), CrashNow);
  EXPECT_FALSE(exists("x"));
  cluster_.plan(Fault::CrashAfter, 1);
  EXPECT_THROW(static_cast<void>(make("y")), CrashNow);
  EXPECT_TRUE(exists("y"));
}

TEST_F(FaultyClusterTest, FailsEveryWriteFromTheNthOnUntilCleared) {
  cluster_.fail_all_from(2);
  EXPECT_TRUE(make("x").has_value());
  EXPECT_FALSE(make("y").has_value());
  EXPECT_FALSE(make("z").has_value());
  cluster_.clear();
  EXPECT_TRUE(make("z").has_value());
}

TEST(CountingCluster, CountsCallsByVerbAndCollection) {
  ManualClock clock;
  FakeCluster inner(clock);
  CountingCluster cluster(inner);
  static_cast<void>(get(cluster, resources::kNamespaces, {"", "default"}));
  static_cast<void>(list_all(cluster, resources::kNamespaces));
  static_cast<void>(list_all(cluster, resources::kSecrets));
  EXPECT_EQ(cluster.count(Verb::List), 2);
  EXPECT_EQ(cluster.count(Verb::List, resources::kSecrets), 1);
  EXPECT_EQ(cluster.count(Verb::Get, resources::kNamespaces), 1);
  EXPECT_EQ(cluster.num_writes(), 0);
}

}  // namespace
}  // namespace gatelift
