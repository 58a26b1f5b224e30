// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/admission/safe_upgrades.h"

#include <algorithm>
#include <array>

namespace gatelift {
namespace {

using Literals = std::vector<std::string>;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// `v1.[0-N].\d+` as RE2 finds it: anywhere, and a dot is any character.
bool has_minor_up_to(std::string_view text, char last) {
  for (std::size_t i = 0; i + 6 <= text.size(); ++i) {
    const std::string_view at = text.substr(i, 6);
    if (at.starts_with("v1") && at[2] != '\n' && at[3] >= '0' && at[3] <= last && at[4] != '\n' &&
        is_digit(at[5])) {
      return true;
    }
  }
  return false;
}

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

bool taken_by_1_5(std::string_view version) {
  return !has_minor_up_to(version, '4') && !has(version, "v0");
}

bool taken_by_1_6_standard(std::string_view version) {
  return has(version, "-rc") || (!has_minor_up_to(version, '5') && !has(version, "v0"));
}

/// Not `^v1\.[0-4](\.|$)`.
bool taken_by_1_6_experimental(std::string_view version) {
  if (version == "v0.0.0-dev") return true;
  if (!version.starts_with("v1.")) return false;
  const bool is_before_1_5 = version.size() > 3 && version[3] >= '0' && version[3] <= '4' &&
                             (version.size() == 4 || version[4] == '.');
  return !is_before_1_5;
}

struct Released {
  SafeUpgradesVariant variant;
  std::array<std::string_view, 3> literals;  // that the version rule compares with
};

constexpr std::array<std::string_view, 2> kChannelLiterals{"standard", "experimental"};

constexpr std::array<Released, 3> kReleased{
    {
     {{"v1.5", "v1.5 and later", taken_by_1_5}, {R"(v1.[0-4].\d+)", "v0", ""}},
     {{"v1.6/standard", "v1.6 and later, and release candidates", taken_by_1_6_standard},
         {"-(rc)", R"(v1.[0-5].\d+)", "v0"}},
     {{"v1.6/experimental", "v1.5 and later of v1, and v0.0.0-dev", taken_by_1_6_experimental},
         {"v0.0.0-dev", "v1.", R"(^v1\.[0-4](\.|$))"}},
     }
};

/// Names that every rule looks at, not what it compares them with.
bool is_name(const std::string& literal) {
  return literal == "gateway.networking.k8s.io" ||
         literal.starts_with("gateway.networking.k8s.io/");
}

/// The strings in a CEL expression, but for names, each once and in order of appearance.
Literals literals_of(const std::string& expression) {
  Literals found;
  for (std::size_t i = 0; i < expression.size(); ++i) {
    const char quote = expression[i];
    if (quote != '\'' && quote != '"') continue;
    std::string literal;
    for (++i; i < expression.size() && expression[i] != quote; ++i) {
      if (expression[i] == '\\' && i + 1 < expression.size()) ++i;
      literal += expression[i];
    }
    if (!is_name(literal) && std::ranges::find(found, literal) == found.end()) {
      found.push_back(std::move(literal));
    }
  }
  return found;
}

template <std::size_t N>
bool are(const Literals& found, const std::array<std::string_view, N>& wanted) {
  const auto num =
      std::ranges::count_if(wanted, [](std::string_view each) { return !each.empty(); });
  return std::ssize(found) == num && std::equal(found.begin(), found.end(), wanted.begin());
}

bool is_empty_or_absent(const Json& json, const char* field) {
  const Json* value = find(json, field);
  return value == nullptr || value->empty();
}

/// True where rules pick CRDs, whatever they are called and labelled.
bool judges_all_crds(const Json& match) {
  const std::vector<AdmittedCall> calls = {
      {"CREATE", resources::kCrds.group, resources::kCrds.plural, resources::kCrds.version},
      {"UPDATE", resources::kCrds.group, resources::kCrds.plural, resources::kCrds.version}
  };
  const bool by_name = std::ranges::any_of(array_at(match, "resourceRules"), [](const Json& rule) {
    return !is_empty_or_absent(rule, "resourceNames");
  });
  return judged_calls(match, calls) == calls && !by_name &&
         is_empty_or_absent(match, "objectSelector") &&
         is_empty_or_absent(match, "namespaceSelector");
}

bool denies(const Json& binding) {
  const Json* match = find(binding, "spec", "matchResources");
  const Json& actions = array_at(binding, "spec", "validationActions");
  return std::ranges::find(actions, Json("Deny")) != actions.end() &&
         find(binding, "spec", "paramRef") == nullptr &&
         (match == nullptr || judges_all_crds(*match));
}

std::optional<std::string> annotated(const std::string& value) {
  return value.empty() ? std::nullopt : std::optional(value);
}

}  // namespace

std::string field_of(SafeUpgradesRule rule) {
  switch (rule) {
    case SafeUpgradesRule::Channel:
      return "spec.validations[0]";
    case SafeUpgradesRule::Version:
      return "spec.validations[1]";
  }
  return "";
}

const SafeUpgradesVariant* variant_in_force(const Json& policy,
                                            const std::vector<const Json*>& bindings) {
  const Json* spec = find(policy, "spec");
  if (spec == nullptr) return nullptr;
  const Json& rules = array_at(*spec, "validations");
  const Json* match = find(*spec, "matchConstraints");
  const bool is_plain = is_empty_or_absent(*spec, "matchConditions") &&
                        is_empty_or_absent(*spec, "variables") &&
                        find(*spec, "paramKind") == nullptr;
  const bool is_bound =
      std::ranges::any_of(bindings, [](const Json* each) { return denies(*each); });
  if (!is_plain || !is_bound || rules.size() != 2 || match == nullptr || !judges_all_crds(*match)) {
    return nullptr;
  }
  if (!are(literals_of(string_at(rules[0], "expression")), kChannelLiterals)) return nullptr;
  const Literals versions = literals_of(string_at(rules[1], "expression"));
  const auto found = std::ranges::find_if(
      kReleased, [&](const Released& each) { return are(versions, each.literals); });
  return found == kReleased.end() ? nullptr : &found->variant;
}

CrdChange creation_of(const CrdSummary& target) {
  return {target.group, std::nullopt, annotated(target.channel), annotated(target.bundle_version),
          false};
}

CrdChange update_of(const CrdSummary& live, const CrdSummary& target) {
  CrdChange change = creation_of(target);
  change.old_channel = annotated(live.channel);
  change.is_update = true;
  return change;
}

std::vector<SafeUpgradesRule> broken_rules(const SafeUpgradesVariant& variant,
                                           const CrdChange& change) {
  std::vector<SafeUpgradesRule> broken;
  if (change.group != "gateway.networking.k8s.io") return broken;
  if (change.is_update && change.channel != "standard" && change.old_channel != "experimental") {
    broken.push_back(SafeUpgradesRule::Channel);
  }
  if (!change.version || !variant.takes(*change.version)) {
    broken.push_back(SafeUpgradesRule::Version);
  }
  return broken;
}

}  // namespace gatelift
