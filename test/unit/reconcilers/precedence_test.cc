// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/steps/precedence.h"

#include <gtest/gtest.h>

namespace gatelift {
namespace {

Contender contender(std::string name, std::string created, std::vector<std::string> targets) {
  return {std::move(targets), std::move(created), {"ns", std::move(name)}};
}

TEST(Precedence, ObjectsWithoutARivalAreCreatedTogether) {
  auto places = creation_places({contender("a", "2024-01-01T00:00:00Z", {"s1"}),
                                 contender("b", "2024-01-01T00:00:01Z", {"s2"}),
                                 contender("c", "2024-01-01T00:00:02Z", {})});
  for (const Place& place : places) {
    EXPECT_EQ(place.wave, 0);
    EXPECT_FALSE(place.after_a_second);
  }
}

TEST(Precedence, TheYoungerRivalComesInALaterWaveWhateverTheOrderGiven) {
  auto places = creation_places({contender("a", "2024-01-01T00:00:09Z", {"s"}),
                                 contender("b", "2024-01-01T00:00:01Z", {"s"})});
  EXPECT_EQ(places[1].wave, 0);
  EXPECT_EQ(places[0].wave, 1);
}

TEST(Precedence, WaitsASecondOnlyWhereTheNameWouldTurnTheOrderRound) {
  auto against = creation_places({contender("a", "2024-01-01T00:00:09Z", {"s"}),
                                  contender("b", "2024-01-01T00:00:01Z", {"s"})});
  EXPECT_TRUE(against[0].after_a_second);
  auto along = creation_places({contender("a", "2024-01-01T00:00:01Z", {"s"}),
                                contender("b", "2024-01-01T00:00:09Z", {"s"})});
  EXPECT_EQ(along[1].wave, 1);
  EXPECT_FALSE(along[1].after_a_second);
}

TEST(Precedence, OneObjectIsBehindTheOldestOfEachOfItsTargets) {
  auto places = creation_places({contender("one", "2024-01-01T00:00:01Z", {"s"}),
                                 contender("two", "2024-01-01T00:00:02Z", {"s", "t"}),
                                 contender("three", "2024-01-01T00:00:03Z", {"t"})});
  EXPECT_EQ(places[0].wave, 0);
  EXPECT_EQ(places[1].wave, 1);
  EXPECT_EQ(places[2].wave, 2);
}

TEST(Precedence, SectionNamesAndNamespacesAreDifferentTargets) {
  Json whole = {{"metadata", {{"namespace", "a"}}},
                {"spec", {{"targetRefs", Json::array({{{"kind", "Service"}, {"name", "s"}}})}}}};
  Json port = whole;
  port["spec"]["targetRefs"][0]["sectionName"] = "https";
  Json elsewhere = whole;
  elsewhere["metadata"]["namespace"] = "b";
  EXPECT_NE(contested_targets(whole), contested_targets(port));
  EXPECT_NE(contested_targets(whole), contested_targets(elsewhere));
}

}  // namespace
}  // namespace gatelift
