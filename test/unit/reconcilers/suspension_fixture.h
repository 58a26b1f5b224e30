// SPDX-License-Identifier: Apache-2.0
// The small Gateway API world with the safe-upgrades policy in it, which denies its upgrade.
#pragma once

#include <gtest/gtest.h>

#include "test/support/gateway_world.h"
#include "test/support/safe_upgrades.h"

namespace gatelift {

/// A rehearsal's copies are not the CRDs that are meant.
inline bool is_bundle_crd(const Resource& resource, const ObjectKey& key) {
  return resource == resources::kCrds && key.name.ends_with(".gateway.networking.k8s.io");
}

/// The target is of v1.1.1, which the policy's rule on the version denies.
class SuspensionWorld : public GatewayWorld {
 public:
  enum class Target { WithPolicy, WithoutPolicy };

  explicit SuspensionWorld(Target kind = Target::WithPolicy,
                           std::chrono::milliseconds lag = std::chrono::milliseconds(1500),
                           int num_policies = 3) {
    if (kind == Target::WithPolicy) {
      std::vector<Json> documents = world::new_bundle_crds();
      for (Json& each : safe_upgrades_documents(SafeUpgradesRules::V1_6Experimental, "v1.6.1")) {
        documents.push_back(std::move(each));
      }
      sources.add(bundle_from_documents({"v1.1.1", "experimental"}, documents, "the test").value());
    }
    populate(num_policies);
    install_safe_upgrades(cluster, SafeUpgradesRules::V1_5);
    label_policy("team", "edge");
    enforce_safe_upgrades(cluster, clock, lag);
    original = content(live_safe_upgrades(cluster));
    cluster.forget_writes();
  }

  void label_policy(const std::string& name, const std::string& value) {
    Request label;
    label.verb = Verb::MergePatch;
    label.resource = resources::kAdmissionPolicies;
    label.key = {"", std::string(kSafeUpgrades)};
    label.field_manager = "somebody";
    label.body["metadata"]["labels"][name] = value;
    if (!cluster.send(label)) throw std::runtime_error("the policy is not there");
  }

  void create_consenting(const std::string& name, Json spec_changes = Json::object()) {
    spec_changes["accept"] = Json::array({
        {{"check", "SafeUpgradesDenies"},
         {"object", "ValidatingAdmissionPolicy/" + std::string(kSafeUpgrades)},
         {"field", "spec.validations[1]"}}
    });
    create_migration(name, std::move(spec_changes));
  }

  /// What a restored policy shares with the one that was.
  static Json content(const Json& policy) {
    if (policy.is_null()) return {};
    Json kept = {
        {"spec",   policy.at("spec")                   },
        {"labels", policy.at("metadata").value("labels", Json())},
        {"annotations",        policy.at("metadata").value("annotations",                                Json())},
        {"owners", Json::array()     }
    };
    for (const Json& entry : array_at(policy, "metadata", "managedFields")) {
      kept["owners"].push_back({entry.at("manager"), entry.at("operation"), entry.at("fieldsV1")});
    }
    return kept;
  }

  Json policy_now() { return content(live_safe_upgrades(cluster)); }
  bool has_original() { return has_safe_upgrades(cluster) && policy_now() == original; }
  std::string rules_now() {
    const Json policy = live_safe_upgrades(cluster);
    return policy.is_null() ? ""
                            : policy["spec"]["validations"][1]["expression"].get<std::string>();
  }

  /// Somebody denies that this CRD is written.
  void deny_crd(const std::string& name) {
    cluster.policy().deny_writes(
        [name](const Request& request, const Json& object) {
          return !request.dry_run && request.resource == resources::kCrds &&
                 request.subresource.empty() && key_of(object).name == name;
        },
        "not this one");
  }
  void deny_nothing_else() {
    cluster.policy().clear_admission();
    enforce_safe_upgrades(cluster, clock);
  }

  Json original;
};

}  // namespace gatelift
