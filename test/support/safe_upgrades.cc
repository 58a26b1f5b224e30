// SPDX-License-Identifier: Apache-2.0
#include "test/support/safe_upgrades.h"

#include <memory>
#include <stdexcept>

#include "reconcilers/bundle/version.h"

namespace gatelift {
namespace {

const ObjectKey kKey{"", std::string(kSafeUpgrades)};

/// The patterns are the released ones; what is around them is not.
std::string version_rule(SafeUpgradesRules rules) {
  switch (rules) {
    case SafeUpgradesRules::V1_5:
      return R"(!matches(v, 'v1.[0-4].\\d+') && !matches(v, 'v0'))";
    case SafeUpgradesRules::V1_6Standard:
      return R"cel(matches(v, "-(rc)") || (!matches(v, 'v1.[0-5].\\d+') && !matches(v, 'v0')))cel";
    case SafeUpgradesRules::V1_6Experimental:
      return R"(v == 'v0.0.0-dev' || (v.startsWith('v1.') && !matches(v, '^v1\\.[0-4](\\.|$)')))";
  }
  return "";
}

Json crd_rules(const char* resources) {
  return Json::array({
      {{"apiGroups", {"apiextensions.k8s.io"}},
       {"apiVersions", {"v1"}},
       {"operations", {"CREATE", "UPDATE"}},
       {"resources", {resources}}}
  });
}

Json metadata_of(const std::string& bundle_version) {
  return {
      {"name",        kKey.name                           },
      {"annotations",
       {{"gateway.networking.k8s.io/bundle-version", bundle_version},
        {"gateway.networking.k8s.io/channel", "standard"}}}
  };
}

void add_defaults(Json& match) {
  match["matchPolicy"] = "Equivalent";
  match["namespaceSelector"] = Json::object();
  match["objectSelector"] = Json::object();
  match["resourceRules"][0]["scope"] = "*";
}

void apply(FakeCluster& cluster, const Resource& resource, const std::string& manager, Json body) {
  Request request;
  request.verb = Verb::Apply;
  request.resource = resource;
  request.key = kKey;
  request.field_manager = manager;
  request.body = std::move(body);
  const auto applied = cluster.send(request);
  if (!applied) throw std::runtime_error(applied.error().message);
}

int minor_of(const Json& crd) {
  const auto version =
      parse_bundle_version(annotation_of(crd, "gateway.networking.k8s.io/bundle-version"));
  return version ? version->minor : 0;
}

/// The first minor that the policy takes.
int first_minor_of(const Json& policy) {
  const std::string rule = string_at(policy.at("spec").at("validations").at(1), "expression");
  return rule.find("[0-5]") == std::string::npos ? 5 : 6;
}

bool is_denied(const Json& policy, const Json& before, const Json& crd) {
  constexpr const char* kChannel = "gateway.networking.k8s.io/channel";
  const bool keeps_channel = before.is_null() || annotation_of(crd, kChannel) == "standard" ||
                             annotation_of(before, kChannel) == "experimental";
  return !keeps_channel || minor_of(crd) < first_minor_of(policy);
}

}  // namespace

Json safe_upgrades_policy(SafeUpgradesRules rules, const std::string& bundle_version) {
  const std::string channel =
      "object.spec.group != 'gateway.networking.k8s.io' || oldObject == null || "
      "now == 'standard' || before == 'experimental'";
  return {
      {"apiVersion", resources::kAdmissionPolicies.api_version()                      },
      {"kind",       kPolicyKind                                                      },
      {"metadata",   metadata_of(bundle_version)                                      },
      {"spec",
       {{"failurePolicy", "Fail"},
        {"matchConstraints", {{"resourceRules", crd_rules("*")}}},
        {"validations",
         Json::array({{{"expression", channel}, {"reason", "Invalid"}},
                      {{"expression", version_rule(rules)}, {"reason", "Invalid"}}})}}}
  };
}

Json safe_upgrades_binding(const std::string& bundle_version) {
  return {
      {"apiVersion", resources::kAdmissionPolicyBindings.api_version()                  },
      {"kind",       "ValidatingAdmissionPolicyBinding"                                 },
      {"metadata",   metadata_of(bundle_version)                                        },
      {"spec",
       {{"policyName", kKey.name},
        {"validationActions", {"Deny"}},
        {"matchResources", {{"resourceRules", crd_rules("customresourcedefinitions")}}}}}
  };
}

std::vector<Json> safe_upgrades_documents(SafeUpgradesRules rules,
                                          const std::string& bundle_version) {
  return {safe_upgrades_policy(rules, bundle_version), safe_upgrades_binding(bundle_version)};
}

void install_safe_upgrades(FakeCluster& cluster, SafeUpgradesRules rules,
                           const std::string& manager) {
  Json policy = safe_upgrades_policy(rules);
  add_defaults(policy["spec"]["matchConstraints"]);
  Json binding = safe_upgrades_binding();
  add_defaults(binding["spec"]["matchResources"]);
  apply(cluster, resources::kAdmissionPolicies, manager, std::move(policy));
  apply(cluster, resources::kAdmissionPolicyBindings, manager, std::move(binding));
}

void enforce_safe_upgrades(FakeCluster& cluster, ManualClock& clock,
                           std::chrono::milliseconds lag) {
  struct Seen {
    Json policy;
    Time at;
  };
  auto seen = std::make_shared<Seen>();
  cluster.policy().deny_by_policy(
      [&cluster, &clock, lag, seen](const Request& request, const Json& object) {
        if (has_safe_upgrades(cluster)) *seen = {live_safe_upgrades(cluster), clock.now()};
        if (seen->policy.is_null() || clock.now() - seen->at > lag) return false;
        const bool is_judged = request.resource.plural == resources::kCrds.plural &&
                               request.subresource.empty() && request.verb != Verb::Delete &&
                               string_at(object, "spec", "group") == "gateway.networking.k8s.io";
        if (!is_judged) return false;
        if (request.verb == Verb::Create) return is_denied(seen->policy, Json(), object);
        const auto before = cluster.stored(resources::kCrds, key_of(object));
        return is_denied(seen->policy, before.value_or(Json()), object);
      },
      "this CRD is not wanted here");
}

Json live_safe_upgrades(FakeCluster& cluster) {
  return cluster.stored(resources::kAdmissionPolicies, kKey).value_or(Json());
}

bool has_safe_upgrades(FakeCluster& cluster) {
  return cluster.stored(resources::kAdmissionPolicies, kKey) &&
         cluster.stored(resources::kAdmissionPolicyBindings, kKey);
}

}  // namespace gatelift
