// SPDX-License-Identifier: Apache-2.0
// What an API server asks before it takes a write: admission policies and webhooks, as they are
// configured. Reading only; rules are those of admissionregistration.k8s.io/v1.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "client/cluster.h"

namespace gatelift {

namespace resources {
inline const Resource kAdmissionPolicies{"admissionregistration.k8s.io", "v1",
                                         "validatingadmissionpolicies", false};
inline const Resource kAdmissionPolicyBindings{"admissionregistration.k8s.io", "v1",
                                               "validatingadmissionpolicybindings", false};
inline const Resource kValidatingWebhooks{"admissionregistration.k8s.io", "v1",
                                          "validatingwebhookconfigurations", false};
inline const Resource kMutatingWebhooks{"admissionregistration.k8s.io", "v1",
                                        "mutatingwebhookconfigurations", false};
inline const Resource kMutatingPolicies{"admissionregistration.k8s.io", "v1",
                                        "mutatingadmissionpolicies", false};
inline const Resource kMutatingPolicyBindings{"admissionregistration.k8s.io", "v1",
                                              "mutatingadmissionpolicybindings", false};
}  // namespace resources

inline constexpr std::string_view kPolicyKind = "ValidatingAdmissionPolicy";
inline constexpr std::string_view kValidatingWebhookKind = "ValidatingWebhookConfiguration";

struct Admission {
  bool has_policies = false;   // false before Kubernetes 1.30
  std::vector<Json> policies;  // ValidatingAdmissionPolicy
  std::vector<Json> bindings;  // ValidatingAdmissionPolicyBinding
  std::vector<Json> webhooks;  // ValidatingWebhookConfiguration, MutatingWebhookConfiguration
  /// MutatingAdmissionPolicy, at v1 (Kubernetes 1.36) or else at v1beta1.
  std::vector<Json> mutating_policies;
  std::vector<Json> mutating_bindings;
  std::vector<Resource> unreadable;  // what we may not list

  const Json* policy(std::string_view name) const;
  /// Bindings of a validating policy, which does nothing without one.
  std::vector<const Json*> bindings_of(std::string_view policy) const;
  /// Policies of both kinds that have a binding.
  std::vector<const Json*> bound_policies() const;
  const Json* webhook(std::string_view kind, std::string_view name) const;
};

Result<Admission> read_admission(Cluster& cluster);

/// A kind of call, as rules select it; `operation` is CREATE, UPDATE or DELETE.
struct AdmittedCall {
  std::string operation;
  std::string group;
  std::string plural;
  std::string version;  // what it is made at

  bool operator==(const AdmittedCall&) const = default;
};

/// Those of `calls` that a policy or one webhook of a configuration may judge. `rules` has what
/// matchConstraints and matchResources have: resourceRules, excludeResourceRules, matchPolicy; of a
/// webhook, `rules`. Selectors and conditions are not looked at: they pick objects. Pure.
std::vector<AdmittedCall> judged_calls(const Json& rules, const std::vector<AdmittedCall>& calls);

/// False where no policy and no webhook judges any of `calls`. True also where that is not known,
/// since something could not be listed. What is built into an API server nobody can list.
bool may_judge(const Admission& admission, const std::vector<AdmittedCall>& calls);

/// True for an answer that an admission policy may have given whose rules say the reason Invalid,
/// as those of all released bundles do: one cause and no field, where validation names the field.
/// Webhooks, which are asked after the policies, say Forbidden.
bool is_policy_denial(const Error& error);

/// A policy's or binding's spec without what the API server adds by default, so that a live one and
/// the manifest that it was made of have the same.
Json policy_spec(const Json& object);
std::string policy_digest(const Json& object);

/// True where `live` is what `manifest` says: spec, labels and annotations.
bool is_as_in(const Json& manifest, const Json& live);

/// A policy and the bindings that go with it, out of a bundle's manifests.
struct PolicyManifests {
  Json policy;
  std::vector<Json> bindings;

  std::string name() const { return key_of(policy).name; }
  /// Over policy and bindings.
  std::string digest() const;
};

/// In the order of the manifests. Bindings of policies that are not among them are left out.
std::vector<PolicyManifests> policies_of(const std::vector<std::string>& manifests);

}  // namespace gatelift
