// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/bundle/version.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace gatelift {
namespace {

TEST(BundleVersion, OrdersNumbersAsNumbersAndPreReleasesFirst) {
  const std::vector<std::string> ordered = {
      "main",        "monthly-2026.01", "v0.8.1", "v1.2",   "v1.2.0-alpha", "v1.2.0-rc.1",
      "v1.2.0-rc.2", "v1.2.0-rc.10",    "v1.2.0", "v1.2.9", "v1.2.10",      "v1.10.0",
  };
  for (std::size_t i = 0; i < ordered.size(); ++i) {
    for (std::size_t j = 0; j < ordered.size(); ++j) {
      EXPECT_EQ(compare_bundle_versions(ordered[i], ordered[j]), i <=> j)
          << ordered[i] << " " << ordered[j];
    }
  }
}

TEST(BundleVersion, KnowsAMinorFromAWholeVersion) {
  EXPECT_FALSE(parse_bundle_version("v1.4")->patch.has_value());
  EXPECT_EQ(parse_bundle_version("1.4.2")->patch, 2);
  EXPECT_EQ(parse_bundle_version("v1.5.0-rc.1")->pre_release, "rc.1");
}

TEST(BundleVersion, TakesNothingElseForAVersion) {
  for (const char* text : {"", "v", "v1", "v1.", "v1.2.", "v1.2.3.4", "v1.2-rc", "v1.2.3-", "1.x",
                           "v-1.2", "v1.-2", "vv1.2", "v1.2 ", "v99999999999.1"}) {
    EXPECT_FALSE(parse_bundle_version(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace gatelift
