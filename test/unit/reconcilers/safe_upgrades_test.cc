// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/admission/safe_upgrades.h"

#include <gtest/gtest.h>

#include "test/support/safe_upgrades.h"

namespace gatelift {
namespace {

using Rules = std::vector<SafeUpgradesRule>;

constexpr auto kChannel = SafeUpgradesRule::Channel;
constexpr auto kVersion = SafeUpgradesRule::Version;
constexpr auto kGroup = "gateway.networking.k8s.io";

const SafeUpgradesVariant& variant(SafeUpgradesRules rules) {
  const Json binding = safe_upgrades_binding();
  const SafeUpgradesVariant* found = variant_in_force(safe_upgrades_policy(rules), {&binding});
  if (found == nullptr) throw std::runtime_error("not recognised");
  return *found;
}

CrdChange creation(std::optional<std::string> version) {
  return {kGroup, std::nullopt, "standard", std::move(version), false};
}

CrdChange update(std::optional<std::string> before, std::optional<std::string> after) {
  return {kGroup, std::move(before), std::move(after), "v1.6.1", true};
}

TEST(SafeUpgrades, JudgesVersionsAsEachReleaseOfItDoes) {
  struct Row {
    std::optional<std::string> version;
    bool by_1_5, by_1_6_standard, by_1_6_experimental;  // taken
  };
  const std::vector<Row> rows = {
      {"v0.6.2",          false, false, false},
      {"v0.8.1",          false, false, false},
      {"v1.0.0",          false, false, false},
      {"v1.1.0",          false, false, false},
      {"v1.4.1",          false, false, false},
      {"v1.4.0-rc.1",     false, true,  false},
      {"v1.5.0",          true,  false, true },
      {"v1.5.1",          true,  false, true },
      {"v1.5.0-dev",      true,  false, true },
      {"v1.5.0-rc.2",     true,  true,  true },
      {"v1.6.0",          true,  true,  true },
      {"v1.6.1",          true,  true,  true },
      {"v1.10.0",         true,  true,  true },
      {"v2.0.0",          true,  true,  false},
      {"v2.0.0-rc.1",     true,  true,  false},
      {"monthly-2026.01", true,  true,  false},
      {"v0.0.0-dev",      false, false, true },
 // Patterns that are not anchored, and whose dots are any character.
      {"monthly-v1.4.1",  false, false, false},
      {"xv1-4-1",         false, false, false},
      {"v1.4",            true,  true,  false},
      {"v1.45.1",         true,  true,  true },
      {"v1.4x",           true,  true,  true },
      {"",                true,  true,  false},
      {std::nullopt,      false, false, false},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.version.value_or("(none)"));
    const std::pair<SafeUpgradesRules, bool> columns[] = {
        {SafeUpgradesRules::V1_5,             row.by_1_5             },
        {SafeUpgradesRules::V1_6Standard,     row.by_1_6_standard    },
        {SafeUpgradesRules::V1_6Experimental, row.by_1_6_experimental},
    };
    for (const auto& [rules, taken] : columns) {
      EXPECT_EQ(broken_rules(variant(rules), creation(row.version)),
                taken ? Rules() : Rules{kVersion})
          << variant(rules).name;
    }
  }
}

TEST(SafeUpgrades, JudgesTheChannelOfUpdatesOnly) {
  struct Row {
    std::optional<std::string> before, after;
    bool taken;
  };
  const std::vector<Row> rows = {
      {"standard",     "standard",     true },
      {"standard",     "experimental", false},
      {"experimental", "experimental", true },
      {"experimental", "standard",     true },
      {std::nullopt,   "experimental", false},
      {std::nullopt,   "standard",     true },
      {"standard",     std::nullopt,   false},
      {"experimental", std::nullopt,   true },
  };
  for (const SafeUpgradesRules rules : {SafeUpgradesRules::V1_5, SafeUpgradesRules::V1_6Standard,
                                        SafeUpgradesRules::V1_6Experimental}) {
    for (const Row& row : rows) {
      SCOPED_TRACE(row.before.value_or("(none)") + " to " + row.after.value_or("(none)"));
      EXPECT_EQ(broken_rules(variant(rules), update(row.before, row.after)),
                row.taken ? Rules() : Rules{kChannel});
      CrdChange created = update(row.before, row.after);
      created.is_update = false;
      EXPECT_EQ(broken_rules(variant(rules), created), Rules());
    }
  }
}

TEST(SafeUpgrades, BreaksBothRulesAtOnce) {
  CrdChange change = update("standard", "experimental");
  change.version = "v1.4.1";
  EXPECT_EQ(broken_rules(variant(SafeUpgradesRules::V1_5), change), (Rules{kChannel, kVersion}));
}

TEST(SafeUpgrades, DoesNotLookAtTheExperimentalGroup) {
  CrdChange change = update("standard", "experimental");
  change.group = "gateway.networking.x-k8s.io";
  change.version = "v1.4.1";
  EXPECT_EQ(broken_rules(variant(SafeUpgradesRules::V1_5), change), Rules());
}

bool is_recognised(const Json& policy, const Json& binding) {
  return variant_in_force(policy, {&binding}) != nullptr;
}

TEST(SafeUpgrades, IsRecognisedWithWhatTheServerAdds) {
  Json policy = safe_upgrades_policy(SafeUpgradesRules::V1_6Standard);
  Json& match = policy["spec"]["matchConstraints"];
  match["matchPolicy"] = "Equivalent";
  match["namespaceSelector"] = match["objectSelector"] = Json::object();
  match["resourceRules"][0]["scope"] = "*";
  Json binding = safe_upgrades_binding();
  binding["spec"]["matchResources"]["matchPolicy"] = "Equivalent";
  EXPECT_TRUE(is_recognised(policy, binding));
}

TEST(SafeUpgrades, IsNotRecognisedWhereItIsAnotherPolicy) {
  const Json binding = safe_upgrades_binding();
  const std::pair<const char*, Json> changes[] = {
      {"another pattern",
       {{"validations", {Json::object(), {{"expression", "!matches(v, 'v1.[0-3].')"}}}}}               },
      {"a condition",
       {{"matchConditions", Json::array({{{"name", "x"}, {"expression", "true"}}})}}                   },
      {"a variable",      {{"variables", Json::array({{{"name", "x"}, {"expression", "1"}}})}}         },
      {"a parameter",     {{"paramKind", {{"kind", "ConfigMap"}}}}                                     },
      {"a selector",      {{"matchConstraints", {{"objectSelector", {{"matchLabels", {{"a", "b"}}}}}}}}},
      {"no rules",        {{"validations", Json::array()}}                                             },
  };
  for (const auto& [what, change] : changes) {
    SCOPED_TRACE(what);
    Json policy = safe_upgrades_policy(SafeUpgradesRules::V1_5);
    policy["spec"].merge_patch(change);
    EXPECT_FALSE(is_recognised(policy, binding));
  }
  EXPECT_FALSE(is_recognised(Json::object(), binding));
  Json more = safe_upgrades_policy(SafeUpgradesRules::V1_5);
  more["spec"]["validations"].push_back({
      {"expression", "true"}
  });
  EXPECT_FALSE(is_recognised(more, binding));
  Json another = safe_upgrades_policy(SafeUpgradesRules::V1_5);
  Json& rule = another["spec"]["validations"][1]["expression"];
  rule = rule.get<std::string>() + " || request.userInfo.username == 'admin'";
  EXPECT_FALSE(is_recognised(another, binding));
}

TEST(SafeUpgrades, IsNotInForceWithoutABindingThatDenies) {
  const Json policy = safe_upgrades_policy(SafeUpgradesRules::V1_5);
  EXPECT_EQ(variant_in_force(policy, {}), nullptr);
  Json audits = safe_upgrades_binding();
  audits["spec"]["validationActions"] = {"Audit", "Warn"};
  EXPECT_FALSE(is_recognised(policy, audits));
  Json narrow = safe_upgrades_binding();
  narrow["spec"]["matchResources"]["resourceRules"][0]["operations"] = {"CREATE"};
  EXPECT_FALSE(is_recognised(policy, narrow));
  Json named = safe_upgrades_binding();
  named["spec"]["matchResources"]["resourceRules"][0]["resourceNames"] = {"gateways"};
  EXPECT_FALSE(is_recognised(policy, named));
  Json wide = safe_upgrades_binding();
  wide["spec"].erase("matchResources");
  EXPECT_TRUE(is_recognised(policy, wide));
  EXPECT_NE(variant_in_force(policy, {&audits, &wide}), nullptr);
}

}  // namespace
}  // namespace gatelift
