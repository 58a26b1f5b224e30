// SPDX-License-Identifier: Apache-2.0
// What a bridge serves and stores at each of its stages, and by what it is found again. With real
// schemas: test/manifests/union_test.cc.
#include "reconcilers/inplace/bridge_crd.h"

#include <gtest/gtest.h>

#include "client/yaml.h"
#include "reconcilers/bundle/bundle_diff.h"
#include "test/support/builders.h"

namespace gatelift {
namespace {

const BundleRef kMarks{"v2.0.0", "experimental"};
constexpr BridgeStage kStages[] = {BridgeStage::Expand, BridgeStage::ServeBoth,
                                   BridgeStage::Contract};

Json yaml(const std::string& text) { return parse_yaml(text, "test").value().front(); }

/// An object with a spec that requires these fields, all of them texts.
Json requiring(const std::vector<std::string>& fields) {
  Json properties = Json::object();
  for (const std::string& field : fields) {
    properties[field] = {
        {"type", "string"}
    };
  }
  return schema_with_spec(std::move(properties), fields);
}

Json column(const std::string& name) {
  return Json::array({
      {{"name", name}, {"type", "string"}, {"jsonPath", ".spec." + name}}
  });
}

/// As installed: v1 is stored and served; v0 is served as well.
Json installed() {
  Json live = crd("widgets", "Widget")
                  .annotation("api-approved.kubernetes.io", "https://example.com/1")
                  .annotation("gateway.networking.k8s.io/bundle-version", "v1.0.0")
                  .annotation("gateway.networking.k8s.io/channel", "standard")
                  .label("team", "a")
                  .serving("v0", requiring({"ref"}))
                  .storing("v1", requiring({"ref", "tls"}))
                  .unserved("v0alpha1", requiring({"never"}))
                  .build();
  live["metadata"]["uid"] = "u-1";
  live["metadata"]["resourceVersion"] = "7";
  live["spec"]["versions"][1]["additionalPrinterColumns"] = column("ref");
  live["spec"]["conversion"] = {
      {"strategy", "Webhook"}
  };
  live["status"]["storedVersions"] = {"v1"};
  return live;
}

/// v3 is to be stored, v2 served beside it and v4 not.
Json wanted() {
  Json target = crd("widgets", "Widget")
                    .serving("v2", requiring({"refs", "validation"}))
                    .storing("v3", requiring({"refs", "validation"}))
                    .unserved("v4", requiring({"refs", "validation"}))
                    .build();
  target["spec"]["names"]["shortNames"] = {"wdg"};
  target["spec"]["versions"][0]["deprecated"] = true;
  target["spec"]["versions"][1]["additionalPrinterColumns"] = column("refs");
  target.erase("status");
  return target;
}

Json bridge_of(const Json& live, const Json& before, const Json& target, BridgeStage stage) {
  Result<Json> bridge =
      bridge_crd({.live = live, .before = before, .target = target}, stage, kMarks);
  EXPECT_TRUE(bridge) << bridge.error().message;
  return bridge ? *bridge : Json();
}

Json bridge(BridgeStage stage) { return bridge_of(installed(), installed(), wanted(), stage); }

/// "v1 served storage, v2".
std::string flags(const Json& crd) {
  std::string text;
  for (const Json& entry : array_at(crd, "spec", "versions")) {
    text += (text.empty() ? "" : ", ") + string_at(entry, "name");
    if (bool_at(entry, false, "served")) text += " served";
    if (bool_at(entry, false, "storage")) text += " storage";
  }
  return text;
}

Json own_rules(const Json& crd) {
  const Json& schema = schema_of_version(crd.at("spec").at("versions").front());
  return array_at(schema, "properties", "spec", "x-kubernetes-validations");
}

TEST(BridgeCrd, ServesAndStoresWhatItsStageSays) {
  EXPECT_EQ(flags(bridge(BridgeStage::Expand)), "v1 served storage, v0 served, v2, v3, v4");
  EXPECT_EQ(flags(bridge(BridgeStage::ServeBoth)),
            "v1 served, v0 served, v2 served, v3 served storage, v4");
  EXPECT_EQ(flags(bridge(BridgeStage::Contract)), "v1, v0, v2 served, v3 served storage, v4");
}

TEST(BridgeCrd, KeepsVersionsThatObjectsAreStoredAt) {
  Json live = installed();
  live["status"]["storedVersions"] = {"v0alpha1", "v1"};
  EXPECT_EQ(flags(bridge_of(live, live, wanted(), BridgeStage::ServeBoth)),
            "v1 served, v0 served, v0alpha1, v2 served, v3 served storage, v4");
}

TEST(BridgeCrd, LeavesVersionsOfBothServed) {
  Json target = wanted();
  target["spec"]["versions"].push_back(installed()["spec"]["versions"][0]);
  const auto at = [&](BridgeStage stage) {
    return flags(bridge_of(installed(), installed(), target, stage));
  };
  EXPECT_EQ(at(BridgeStage::Expand), "v1 served storage, v0 served, v2, v3, v4");
  EXPECT_EQ(at(BridgeStage::Contract), "v1, v0 served, v2 served, v3 served storage, v4");
}

TEST(BridgeCrd, HasOneSchemaAndAStatusInEveryVersion) {
  const Json joint = bridge_schema(installed(), wanted()).schema;
  for (const BridgeStage stage : kStages) {
    const Json made = bridge(stage);
    for (const Json& entry : made.at("spec").at("versions")) {
      EXPECT_EQ(schema_of_version(entry), joint);
      EXPECT_TRUE(entry.at("subresources").contains("status"));
    }
    EXPECT_EQ(made.at("spec").at("conversion"), yaml("{strategy: None}"));
  }
}

TEST(BridgeCrd, KeepsMetadataAndEachVersionsOwnColumns) {
  const Json made = bridge(BridgeStage::Expand);
  EXPECT_EQ(made.at("metadata"), yaml(R"({name: widgets.example.com, uid: u-1,
      resourceVersion: "7", labels: {team: a}, annotations: {
      api-approved.kubernetes.io: 'https://example.com/1',
      gateway.networking.k8s.io/bundle-version: v2.0.0,
      gateway.networking.k8s.io/channel: experimental}})"));
  EXPECT_EQ(made.at("spec").at("names"), wanted().at("spec").at("names"));
  EXPECT_EQ(version_entry(made, "v1")->at("additionalPrinterColumns"), column("ref"));
  EXPECT_EQ(version_entry(made, "v3")->at("additionalPrinterColumns"), column("refs"));
  EXPECT_FALSE(version_entry(made, "v2")->contains("additionalPrinterColumns"));
  EXPECT_TRUE(version_entry(made, "v2")->at("deprecated").get<bool>());
}

TEST(BridgeCrd, LeavesBundleAnnotationsWhereNoneIsNamed) {
  const Json live = installed();
  const Json target = wanted();
  const Json made =
      bridge_crd({.live = live, .before = live, .target = target}, BridgeStage::Expand, {}).value();
  EXPECT_EQ(made.at("metadata"), live.at("metadata"));
}

TEST(BridgeCrd, RefusesSpecsThatAreWholeInNoVersion) {
  const Json rules = own_rules(bridge(BridgeStage::Expand));
  ASSERT_EQ(rules.size(), 1U);
  EXPECT_EQ(rules[0].at("rule"),
            "(has(self.ref) && has(self.tls)) || (has(self.ref)) || "
            "(has(self.refs) && has(self.validation))");
  EXPECT_EQ(rules[0].at("message"),
            "objects of this kind are being moved to another version: "
            "spec needs ref and tls, or ref, or refs and validation");
}

TEST(BridgeCrd, HasNoRuleWhereAVersionRequiresNothingOfItsOwn) {
  const Json live = crd("widgets", "Widget").storing("v1", requiring({"name"})).build();
  const Json target = crd("widgets", "Widget").storing("v2", requiring({"name", "ref"})).build();
  EXPECT_EQ(own_rules(bridge_of(live, live, target, BridgeStage::Expand)), Json::array());
}

TEST(BridgeCrd, NamesFieldsAsCelDoes) {
  const Json live =
      crd("widgets", "Widget").storing("v1", requiring({"in", "a-b", "c__d", "e.f"})).build();
  const Json target = crd("widgets", "Widget").storing("v2", requiring({"x"})).build();
  EXPECT_EQ(own_rules(bridge_of(live, live, target, BridgeStage::Expand))[0].at("rule"),
            "(has(self.__in__) && has(self.a__dash__b) && has(self.c__underscores__d) && "
            "has(self.e__dot__f)) || (has(self.x))");
  const Json unnameable = crd("widgets", "Widget").storing("v1", requiring({"a b"})).build();
  EXPECT_EQ(own_rules(bridge_of(unnameable, unnameable, target, BridgeStage::Expand)),
            Json::array());
}

TEST(BridgeCrd, DoesNotAskForWhatADefaultFillsIn) {
  Json schema = requiring({"name", "mode"});
  schema["properties"]["spec"]["properties"]["mode"]["default"] = "a";
  const Json live = crd("widgets", "Widget").storing("v1", schema).build();
  const Json target = crd("widgets", "Widget").storing("v2", requiring({"x"})).build();
  EXPECT_EQ(own_rules(bridge_of(live, live, target, BridgeStage::Expand))[0].at("rule"),
            "(has(self.name)) || (has(self.x))");
}

TEST(BridgeCrd, SaysWhichFieldsHaveNoUnion) {
  Json schema = requiring({"ref", "tls"});
  schema["properties"]["spec"]["properties"]["tls"]["type"] = "boolean";
  const Json live = installed();
  const Json target = crd("widgets", "Widget").storing("v3", schema).build();
  const Result<Json> made =
      bridge_crd({.live = live, .before = live, .target = target}, BridgeStage::Expand, kMarks);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().kind, ErrorKind::Invalid);
  EXPECT_EQ(made.error().message,
            "CustomResourceDefinition/widgets.example.com: no schema can describe both the old and "
            "the target's objects: spec.tls: string before, boolean after");
}

TEST(BridgeStageOf, IsTheStageItWasMadeFor) {
  for (const BridgeStage stage : kStages) {
    EXPECT_EQ(bridge_stage_of(bridge(stage), wanted()), stage) << to_string(stage);
  }
  EXPECT_EQ(bridge_stage_of(installed(), wanted()), std::nullopt);
  EXPECT_EQ(bridge_stage_of(wanted(), wanted()), std::nullopt);
}

TEST(BridgeStageOf, DoesNotMindWhatStrangersEdit) {
  for (const BridgeStage stage : kStages) {
    Json edited = bridge(stage);
    edited["metadata"]["annotations"] = Json::object();
    edited["metadata"]["labels"]["team"] = "b";
    edited["spec"]["names"]["shortNames"] = {"w"};
    edited["spec"]["versions"][0].erase("additionalPrinterColumns");
    edited["status"]["storedVersions"] = {"v3"};
    EXPECT_EQ(bridge_stage_of(edited, wanted()), stage) << to_string(stage);
    EXPECT_EQ(bridge_of(edited, installed(), wanted(), stage).at("spec"), bridge(stage).at("spec"));
  }
}

TEST(BridgeStageOf, StepsBackWhereAStageIsNotWhole) {
  Json unserved = bridge(BridgeStage::ServeBoth);
  unserved["spec"]["versions"][3]["served"] = false;
  EXPECT_EQ(bridge_stage_of(unserved, wanted()), BridgeStage::Expand);
  Json half = bridge(BridgeStage::Contract);
  half["spec"]["versions"][1]["served"] = true;
  EXPECT_EQ(bridge_stage_of(half, wanted()), BridgeStage::ServeBoth);
}

TEST(BridgeStageOf, IsNoneWhereTheSchemaIsNoUnion) {
  Json edited = bridge(BridgeStage::Expand);
  Json& first = edited["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
  first["properties"]["spec"]["required"] = {"ref"};
  EXPECT_EQ(bridge_stage_of(edited, wanted()), std::nullopt) << "versions differ";
  for (Json& entry : edited["spec"]["versions"]) entry["schema"]["openAPIV3Schema"] = first;
  EXPECT_EQ(bridge_stage_of(edited, wanted()), std::nullopt) << "refuses what the target has";
  Json without_rule = bridge(BridgeStage::Expand);
  for (Json& entry : without_rule["spec"]["versions"]) {
    entry["schema"]["openAPIV3Schema"]["properties"]["spec"].erase("x-kubernetes-validations");
  }
  EXPECT_EQ(bridge_stage_of(without_rule, wanted()), BridgeStage::Expand)
      << "whether there was a rule of ours nobody can tell any more";
}

TEST(BridgeCrd, GoesOnFromABridgeThatWasFound) {
  for (const BridgeStage from : kStages) {
    const Json found = bridge(from);
    for (const BridgeStage to : kStages) {
      EXPECT_EQ(bridge_of(found, installed(), wanted(), to).at("spec"), bridge(to).at("spec"));
      EXPECT_EQ(bridge_of(found, found, wanted(), to).at("spec"), bridge(to).at("spec"))
          << "without knowing what was before";
    }
  }
}

TEST(BridgeCrd, TakesABridgeToAnotherTargetForWhatWasBefore) {
  const Json found = bridge(BridgeStage::Expand);
  Json other = wanted();
  for (Json& entry : other["spec"]["versions"]) {
    entry["schema"]["openAPIV3Schema"] = requiring({"refs", "trust"});
  }
  const Json made = bridge_of(found, found, other, BridgeStage::ServeBoth);
  EXPECT_EQ(flags(made), "v1 served, v0 served, v2 served, v3 served storage, v4");
  EXPECT_EQ(own_rules(made)[0].at("rule"),
            "(has(self.ref) && has(self.tls)) || (has(self.ref)) || (has(self.refs) && "
            "has(self.validation)) || (has(self.refs) && has(self.trust))");
}

}  // namespace
}  // namespace gatelift
