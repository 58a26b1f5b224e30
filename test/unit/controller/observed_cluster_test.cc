// SPDX-License-Identifier: Apache-2.0
#include "controller/observed_cluster.h"

#include <gtest/gtest.h>

#include <map>

#include "test/support/fake_cluster.h"

namespace gatelift {
namespace {

Json config_map(const std::string& name) {
  return {
      {"apiVersion", "v1"                                 },
      {"kind",       "ConfigMap"                          },
      {"metadata",   {{"namespace", "ns"}, {"name", name}}}
  };
}

class ObservedClusterTest : public ::testing::Test {
 protected:
  ObservedClusterTest() { inner_.add_namespace("ns"); }

  Batch creates(std::size_t size, std::map<std::size_t, Result<Json>>& answers) {
    return {.size = size,
            .request =
                [](std::size_t i) {
                  Request request;
                  request.verb = Verb::Create;
                  request.resource = resources::kConfigMaps;
                  request.key.ns = "ns";
                  request.body = config_map("c" + std::to_string(i));
                  return request;
                },
            .done = [&answers](std::size_t i,
                               Result<Json> answer) { answers.emplace(i, std::move(answer)); }};
  }

  ManualClock clock_;
  FakeCluster inner_{clock_};
  bool leads_ = true;
  std::map<std::string, int> calls_;
  ObservedCluster cluster_{
      inner_,
      {.may_write = [this] { return leads_; },
        .call_ended = [this](
                         std::string_view verb,
        int code) { ++calls_[std::string(verb) + " " + std::to_string(code)]; }}
  };
};

TEST_F(ObservedClusterTest, SendsNoWriteWithoutTheLease) {
  leads_ = false;
  const auto written = create(cluster_, resources::kConfigMaps, config_map("a"));
  ASSERT_FALSE(written);
  EXPECT_TRUE(written.error().is(ErrorKind::Cancelled));
  EXPECT_TRUE(inner_.writes().empty());
}

TEST_F(ObservedClusterTest, ReadsAndRehearsesWithoutTheLease) {
  leads_ = false;
  EXPECT_TRUE(get(cluster_, resources::kNamespaces, {"", "ns"}));
  Request rehearsal;
  rehearsal.verb = Verb::Create;
  rehearsal.resource = resources::kConfigMaps;
  rehearsal.key.ns = "ns";
  rehearsal.body = config_map("a");
  rehearsal.dry_run = true;
  EXPECT_TRUE(cluster_.send(rehearsal));
}

TEST_F(ObservedClusterTest, AnswersEveryCallOfABatchThatIsRefused) {
  leads_ = false;
  std::map<std::size_t, Result<Json>> answers;
  cluster_.send_each(creates(3, answers), 2);
  ASSERT_EQ(answers.size(), 3U);
  for (const auto& [i, answer] : answers) {
    ASSERT_FALSE(answer);
    EXPECT_TRUE(answer.error().is(ErrorKind::Cancelled)) << i;
  }
  EXPECT_TRUE(inner_.writes().empty());
}

TEST_F(ObservedClusterTest, SendsEachCallOfABatchOnceAndCountsIt) {
  std::map<std::size_t, Result<Json>> answers;
  cluster_.send_each(creates(3, answers), 2);
  ASSERT_EQ(answers.size(), 3U);
  for (const auto& [i, answer] : answers) {
    ASSERT_TRUE(answer) << i;
    EXPECT_EQ(key_of(*answer).name, "c" + std::to_string(i));
  }
  EXPECT_EQ(calls_.begin()->second, 3);
  cluster_.send_each(creates(0, answers), 2);
}

TEST_F(ObservedClusterTest, TellsHowCallsEnded) {
  ASSERT_FALSE(get(cluster_, resources::kConfigMaps, {"ns", "absent"}));
  int not_found = 0;
  for (const auto& [call, count] : calls_) {
    if (call.ends_with(" 404")) not_found += count;
  }
  EXPECT_EQ(not_found, 1);
}

}  // namespace
}  // namespace gatelift
