// SPDX-License-Identifier: Apache-2.0
// The union over the schemas of released bundles: which kinds have one, that it takes what each of
// them takes, and the bridges that BackendTLSPolicies cross.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "reconcilers/bundle/bundle_diff.h"
#include "reconcilers/convert/convert.h"
#include "reconcilers/inplace/bridge_crd.h"
#include "test/manifests/released_bundles.h"
#include "test/support/schema_validation.h"
#include "test/support/valid_objects.h"

namespace gatelift {
namespace {

constexpr const char* kPolicies = "backendtlspolicies.gateway.networking.k8s.io";
constexpr BridgeStage kStages[] = {BridgeStage::Expand, BridgeStage::ServeBoth,
                                   BridgeStage::Contract};

Bundle bundle(const BundleRef& ref) {
  auto read = BundleSources({released_bundles()}).load(ref);
  if (!read) throw std::runtime_error(read.error().message);
  return *std::move(read);
}

/// The CRD of BackendTLSPolicies; of an installed one with what it has stored.
Json policies_crd(const std::string& release) {
  const Bundle held = bundle(released_ref(release));
  const BundleCrd* crd = held.crd(kPolicies);
  if (crd == nullptr) throw std::runtime_error(release + " has no BackendTLSPolicy");
  Json manifest = crd->json();
  manifest["status"] = {
      {"storedVersions", Json::array({crd->summary.storage_version()})}
  };
  return manifest;
}

/// Without what has no effect, so that schemas that are alike count once.
Json bare(Json schema) {
  if (schema.is_object()) {
    if (schema.contains("description") && schema["description"].is_string()) {
      schema.erase("description");
    }
    for (auto& [keyword, value] : schema.items()) value = bare(std::move(value));
  }
  return schema;
}

/// Every schema that some release has of each kind, the oldest first.
std::map<std::string, std::vector<Json>> released_schemas() {
  std::map<std::string, std::vector<Json>> schemas;
  std::set<std::string> known;
  for (const BundleSources::Entry& entry : BundleSources({released_bundles()}).list()) {
    for (const BundleCrd& crd : bundle(entry.ref).crds) {
      const Json manifest = crd.json();
      for (const Json& version : manifest.at("spec").at("versions")) {
        Json schema = bare(schema_of_version(version));
        if (!known.insert(crd.summary.plural + schema.dump()).second) continue;
        schemas[crd.summary.plural].push_back(std::move(schema));
      }
    }
  }
  return schemas;
}

std::string causes_text(const std::vector<Cause>& causes) {
  std::string text;
  for (const Cause& cause : causes) text += cause.field + ": " + cause.message + "\n";
  return text;
}

void expect_valid(const Json& object, const Json& schema) {
  EXPECT_EQ(causes_text(fake::validate(object, nullptr, schema)), "") << object.dump();
}

/// In these it changed who owns what is in a list or an object. None of these kinds changes its
/// shape, so that none needs a bridge.
const std::set<std::string> kConflicts{
    "gatewayclasses status.supportedFeatures: set before, list by name after",
    "gateways spec.listeners[].allowedRoutes.namespaces.selector: object before, atomic "
    "object after",
    "grpcroutes spec.rules[].backendRefs[].filters[].requestHeaderModifier.remove: list "
    "before, set after",
    "grpcroutes spec.rules[].backendRefs[].filters[].responseHeaderModifier.remove: list "
    "before, set after",
    "grpcroutes spec.rules[].filters[].requestHeaderModifier.remove: list before, set after",
    "grpcroutes spec.rules[].filters[].responseHeaderModifier.remove: list before, set after",
    "httproutes spec.rules[].backendRefs[].filters[].requestHeaderModifier.remove: list "
    "before, set after",
    "httproutes spec.rules[].backendRefs[].filters[].responseHeaderModifier.remove: list "
    "before, set after",
    "httproutes spec.rules[].filters[].requestHeaderModifier.remove: list before, set after",
    "httproutes spec.rules[].filters[].responseHeaderModifier.remove: list before, set after",
    "httproutes spec.rules[].retry.codes: list before, set after",
};

TEST(ReleasedSchemas, HaveUnionsButWhereListsChangedTheirType) {
  std::set<std::string> conflicts;
  std::size_t pairs = 0;
  for (const auto& [plural, schemas] : released_schemas()) {
    for (std::size_t newer = 1; newer < schemas.size(); ++newer) {
      for (std::size_t older = 0; older < newer; ++older) {
        const SchemaUnion both = union_schema(schemas[older], schemas[newer]);
        for (const SchemaConflict& each : both.conflicts) {
          conflicts.insert(plural + " " + each.display());
        }
        if (both.ok() && newer == older + 1) {
          EXPECT_EQ(union_schema(both.schema, schemas[newer]).schema, both.schema) << plural;
        }
        ++pairs;
      }
    }
  }
  EXPECT_EQ(conflicts, kConflicts);
  EXPECT_GT(pairs, 500U);
}

TEST(ReleasedSchemas, HaveUnionsThatTakeWhatEachTakes) {
  std::mt19937 random(20261126);
  int taken = 0;
  for (const auto& [plural, schemas] : released_schemas()) {
    SCOPED_TRACE(plural);
    for (std::size_t newer = 1; newer < schemas.size(); ++newer) {
      const SchemaUnion both = union_schema(schemas[newer - 1], schemas[newer]);
      if (!both.ok()) continue;
      for (const Json* side : {&schemas[newer - 1], &schemas[newer]}) {
        const std::optional<Json> object = fake::valid_value(*side, random);
        if (!object) continue;
        expect_valid(*object, both.schema);
        ++taken;
      }
    }
  }
  EXPECT_GT(taken, 100);
}

class PoliciesBridge : public testing::TestWithParam<const char*> {
 protected:
  const Json live_ = policies_crd("e1.0.0");
  const Json target_ = policies_crd(GetParam());
  const Json old_schema_ = schema_of_version(live_.at("spec").at("versions")[0]);
  const std::string new_version_ = summarize_crd(target_)->storage_version();
  const Json new_schema_ = schema_of_version(*version_entry(target_, new_version_));
  const SchemaUnion joint_ = bridge_schema(live_, target_);
};

TEST_P(PoliciesBridge, TakesTheOldTheNewAndBothInOne) {
  ASSERT_TRUE(joint_.ok());
  std::mt19937 random(7);
  int converted = 0;
  for (int round = 0; round < 300; ++round) {
    Json old = fake::valid_value(old_schema_, random).value();
    old["apiVersion"] = "gateway.networking.k8s.io/v1alpha2";
    old["kind"] = "BackendTLSPolicy";
    old["metadata"] = {
        {"name",      "x" },
        {"namespace", "ns"}
    };
    old["spec"]["targetRef"].erase("namespace");
    expect_valid(old, joint_.schema);
    const ConversionOutcome outcome = convert_object(old, new_version_);
    ASSERT_TRUE(outcome.ok());
    expect_valid(outcome.object, joint_.schema);
    Json merged = old;
    merged.merge_patch(outcome.object);
    expect_valid(merged, joint_.schema);
    if (merged["spec"].size() >= 4) ++converted;
    expect_valid(fake::valid_value(new_schema_, random).value(), joint_.schema);
  }
  EXPECT_EQ(converted, 300);
}

TEST_P(PoliciesBridge, RefusesHalvesThatTheirVersionRefuses) {
  std::mt19937 random(7);
  Json old = fake::valid_value(old_schema_, random).value();
  Json policy = convert_object(
                    {
                        {"apiVersion", "gateway.networking.k8s.io/v1alpha2"},
                        {"kind",       "BackendTLSPolicy"                  },
                        {"spec",       old.at("spec")                      }
  },
                    new_version_)
                    .object;
  old["spec"]["tls"].erase("hostname");
  policy["spec"]["targetRefs"][0]["kind"] = "not a kind";
  policy["spec"]["validation"].erase("hostname");
  const auto refused = [&](const Json& object) {
    std::set<std::string> fields;
    for (const Cause& cause : fake::validate(object, nullptr, joint_.schema)) {
      fields.insert(cause.field);
    }
    return fields;
  };
  EXPECT_EQ(refused(old), std::set<std::string>{"spec.tls.hostname"});
  EXPECT_EQ(refused(policy),
            (std::set<std::string>{"spec.targetRefs[0].kind", "spec.validation.hostname"}));
}

TEST_P(PoliciesBridge, KeepsEveryRuleOfEitherHalfAndAddsOne) {
  const auto rules_at = [](const Json& schema, const char* field) {
    return array_at(schema, "properties", "spec", "properties", field, "x-kubernetes-validations");
  };
  EXPECT_EQ(rules_at(joint_.schema, "tls"), rules_at(old_schema_, "tls"));
  EXPECT_EQ(rules_at(joint_.schema, "validation"), rules_at(new_schema_, "validation"));
  const Json& own = array_at(joint_.schema, "properties", "spec", "x-kubernetes-validations");
  ASSERT_EQ(own.size(), 1U);
  EXPECT_EQ(own[0].at("rule"),
            "(has(self.targetRef) && has(self.tls)) || "
            "(has(self.targetRefs) && has(self.validation))");
}

TEST_P(PoliciesBridge, IsFoundAtEveryStage) {
  for (const BridgeStage stage : kStages) {
    const Json bridge = bridge_crd({.live = live_, .before = live_, .target = target_}, stage,
                                   released_ref(GetParam()))
                            .value();
    EXPECT_EQ(bridge_stage_of(bridge, target_), stage);
    // The way back: at Expand only the old version is served, as it shall be at its end.
    EXPECT_EQ(bridge_stage_of(bridge, live_),
              stage == BridgeStage::Expand ? BridgeStage::Contract : BridgeStage::Expand);
    EXPECT_EQ(bridge.at("spec").at("versions")[0].at("name"), "v1alpha2");
  }
  EXPECT_EQ(bridge_stage_of(live_, target_), std::nullopt);
  EXPECT_EQ(bridge_stage_of(target_, target_), std::nullopt);
}

INSTANTIATE_TEST_SUITE_P(Releases, PoliciesBridge,
                         testing::Values("e1.1.1", "e1.2.1", "e1.3.0", "e1.4.1", "e1.5.1", "e1.6.1",
                                         "s1.4.1", "s1.6.1"));

}  // namespace
}  // namespace gatelift
