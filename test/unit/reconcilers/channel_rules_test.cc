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
  const Json more = schema_with_spec({
      {"a", {{"type", "string"}}},
      {"b", {{"type", "string"}}}
  });
  EXPECT_EQ(check(routes().storing("v1", with_field("a")).unserved("v1alpha2"),
                  routes().storing("v1", more).serving("v1alpha2")),
            "X1 Allowed  \nX2 Allowed  \nX3 Allowed  \n");
}

TEST(Channels, ExperimentalLacksNothingOfStandard) {
  EXPECT_EQ(check(routes().storing("v1", with_field("a")), routes().storing("v1", with_field("b"))),
            "X1 Violates v1 spec.a\nX2 Allowed  \nX3 Allowed  \n");
  EXPECT_EQ(
      check(routes().storing("v1").serving("v1beta1"), routes().storing("v1").unserved("v1beta1")),
      "X1 Violates v1beta1 \nX2 Allowed  \nX3 Allowed  \n");
  EXPECT_EQ(check(routes().storing("v1"), crd("areas", "Area").group(kGroup).storing("v1")),
            "X1 Violates  \nX2 Allowed  \nX3 Allowed  \n");
}

TEST(Channels, StandardServesNoAlpha) {
  EXPECT_EQ(
      check(routes().storing("v1").serving("v1alpha2"), routes().storing("v1").serving("v1alpha2")),
      "X1 Allowed  \nX2 Violates v1alpha2 \nX3 Allowed  \n");
}

class ChannelValidity : public ::testing::Test {
 protected:
  static Json refs(const std::vector<std::string>& fields, const std::string& rule) {
    Json properties = Json::object();
    for (const std::string& field : fields) {
      properties[field] = {
          {"type", "string"}
      };
    }
    Json schema{
        {"type",       "object"  },
        {"properties", properties}
    };
    if (!rule.empty()) {
      schema["x-kubernetes-validations"] = Json::array({
          {{"rule", rule}, {"message", "names are unique"}}
      });
    }
    return schema_with_spec({
        {"ref", schema}
    });
  }

  /// What X3 says of v1 with these two schemas.
  static std::string x3(const Json& standard, const Json& experimental) {
    const std::string text =
        check(routes().storing("v1", standard), routes().storing("v1", experimental));
    return text.substr(text.find("X3"));
  }
};

TEST_F(ChannelValidity, IsLostWhereExperimentalRefusesMore) {
  const Json open = refs({"a"}, "");
  Json closed = open;
  closed["properties"]["spec"]["properties"]["ref"]["properties"]["a"]["pattern"] = "^x$";
  EXPECT_EQ(x3(open, closed), "X3 Violates v1 spec.ref.a\n");
  EXPECT_EQ(x3(closed, open), "X3 Allowed  \n");
  EXPECT_EQ(x3(open, refs({"a"}, "self.a != 'x'")), "X3 Violates v1 spec.ref\n");
}

TEST_F(ChannelValidity, IsNotTouchedByRulesAboutFieldsThatStandardLacks) {
  EXPECT_EQ(x3(refs({"a"}, ""), refs({"a", "port"}, "self.port != 'x'")), "X3 Allowed  \n");
  const std::string rule = "self.a == self.a";
  const std::string wider = "self.a == self.a && self.port != 'x'";
  EXPECT_EQ(x3(refs({"a"}, rule), refs({"a", "port"}, wider)), "X3 Allowed  \n");
}

TEST_F(ChannelValidity, IsNotDecidedByARuleThatReadsMoreOfWhatStandardHas) {
  const std::string rule = "self.a == self.a";
  const std::string wider = "self.a == self.a && self.port != 'x'";
  EXPECT_EQ(x3(refs({"a", "port"}, rule), refs({"a", "port"}, wider)),
            "X3 NotDecidable v1 spec.ref\n");
}

TEST_F(ChannelValidity, IsOnlyAskedOfVersionsThatStandardServes) {
  EXPECT_EQ(check(routes().storing("v1").unserved("v1alpha2", refs({"a"}, "")),
                  routes().storing("v1").serving("v1alpha2", refs({"a"}, "self.a != 'x'"))),
            "X1 Allowed  \nX2 Allowed  \nX3 Allowed  \n");
}

TEST(Channels, SayWhatCouldNotBeChecked) {
  const Bundle standard = bundle("standard", routes().storing("v1"));
  const Bundle experimental = bundle("experimental", routes().storing("v1"));
  EXPECT_EQ(lines(check_channels("v1.5.1", &standard, nullptr)),
            "X1 NotDecidable  \nX2 Allowed  \nX3 NotDecidable  \n");
  EXPECT_EQ(lines(check_channels("v1.5.1", nullptr, &experimental)),
            "X1 NotDecidable  \nX2 NotDecidable  \nX3 NotDecidable  \n");
}

}  // namespace
}  // namespace gatelift
