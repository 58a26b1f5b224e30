// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/bundle/channel_rules.h"

#include <gtest/gtest.h>

#include "test/support/builders.h"

namespace gatelift {
namespace {

constexpr const char* kGroup = "gateway.networking.k8s.io";

CrdBuilder routes() { return crd("routes", "Route").group(kGroup); }

Json with_field(const std::string& name) {
  return schema_with_spec({
      {name, {{"type", "string"}}}
  });
}

Bundle bundle(const std::string& channel, const CrdBuilder& crd) {
  return bundle_from_documents({"v1.5.1", channel}, {crd.build()}, "test").value();
}

/// "X1 Violates v1 spec.a", one line per finding.
std::string lines(const std::vector<ReleaseFinding>& findings) {
  std::string text;
  for (const ReleaseFinding& finding : findings) {
    EXPECT_EQ(finding.release, "v1.5.1");
    text += std::string(to_string(*finding.verdict.rule)) + " " +
            std::string(to_string(finding.verdict.ruling)) + " " + finding.version + " " +
            finding.path + "\n";
  }
  return text;
}

std::string check(const CrdBuilder& standard, const CrdBuilder& experimental) {
  const Bundle left = bundle("standard", standard);
  const Bundle right = bundle("experimental", experimental);
  return lines(check_channels("v1.5.1", &left, &right));
}

TEST(Channels, HoldWhereExperimentalHasMore) {
  EXPECT_EQ(check(routes().storing("v1").unserved("v1alpha2"),
                  routes().storing("v1", with_field("a")).serving("v1alpha2")),
            "X1 Allowed  \nX2 Allowed  \n");
}

TEST(Channels, ExperimentalLacksNothingOfStandard) {
  EXPECT_EQ(check(routes().storing("v1", with_field("a")), routes().storing("v1", with_field("b"))),
            "X1 Violates v1 spec.a\nX2 Allowed  \n");
  EXPECT_EQ(
      check(routes().storing("v1").serving("v1beta1"), routes().storing("v1").unserved("v1beta1")),
      "X1 Violates v1beta1 \nX2 Allowed  \n");
  EXPECT_EQ(check(routes().storing("v1"), crd("areas", "Area").group(kGroup).storing("v1")),
            "X1 Violates  \nX2 Allowed  \n");
}

TEST(Channels, StandardServesNoAlpha) {
  EXPECT_EQ(
      check(routes().storing("v1").serving("v1alpha2"), routes().storing("v1").serving("v1alpha2")),
      "X1 Allowed  \nX2 Violates v1alpha2 \n");
}

TEST(Channels, SayWhatCouldNotBeChecked) {
  const Bundle standard = bundle("standard", routes().storing("v1"));
  const Bundle experimental = bundle("experimental", routes().storing("v1"));
  EXPECT_EQ(lines(check_channels("v1.5.1", &standard, nullptr)),
            "X1 NotDecidable  \nX2 Allowed  \n");
  EXPECT_EQ(lines(check_channels("v1.5.1", nullptr, &experimental)),
            "X1 NotDecidable  \nX2 NotDecidable  \n");
}

}  // namespace
}  // namespace gatelift
