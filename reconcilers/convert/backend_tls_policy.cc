// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/convert/backend_tls_policy.h"

#include <algorithm>
#include <string>

namespace gatelift {
namespace {

constexpr std::string_view kOldVersions[] = {"v1alpha2"};
constexpr std::string_view kNewVersions[] = {"v1alpha3", "v1"};

constexpr std::string_view kTargetFields[] = {"group", "kind", "name"};
constexpr FieldRule kTarget[] = {
    {.old_name = "namespace", .new_name = ""},
};
constexpr FieldRule kTls[] = {
    {.old_name = "caCertRefs",       .new_name = "caCertificateRefs"      },
    {.old_name = "wellKnownCACerts", .new_name = "wellKnownCACertificates"},
    {.old_name = "",                 .new_name = "subjectAltNames"        },
};
constexpr FieldRule kSpec[] = {
    {.old_name = "targetRef",
     .new_name = "targetRefs",
     .shape = FieldShape::OnlyItemOfList,
     .children = kTarget,
     .item_fields = kTargetFields},
    {.old_name = "tls",     .new_name = "validation",                    .children = kTls},
    {.old_name = "",       .new_name = "options"},
};
constexpr FieldRule kRoot[] = {
    {.old_name = "spec", .new_name = "spec", .children = kSpec},
};

/// Of what a policy names only ConfigMaps are copied: nothing else is a CA certificate in public.
bool can_move(const Json& object) {
  const Json& references = array_at(object, "spec", "tls", "caCertRefs");
  return std::ranges::all_of(references, [](const Json& each) {
    return string_at(each, "group").empty() && string_at(each, "kind") == "ConfigMap";
  });
}

/// A target in another namespace was valid in v1alpha2, against GEP-1897, which has policy and
/// Service in one namespace; some implementations honoured it. v1alpha3 has no field for it: as a
/// local target it would come to mean something else.
void check_target_namespace(const Json& object, std::vector<ConversionProblem>& problems) {
  const std::string foreign = string_at(object, "spec", "targetRef", "namespace");
  const std::string own = string_at(object, "metadata", "namespace");
  if (foreign.empty() || foreign == own) return;
  const std::string target = string_at(object, "spec", "targetRef", "kind") + " " +
                             string_at(object, "spec", "targetRef", "name");
  problems.push_back({
      "ForeignTargetNamespace",
      "spec.targetRef.namespace",
      "the policy is in namespace " + (own.empty() ? "(none given)" : own) + " and targets " +
          target + " in namespace " + foreign +
          "; later versions target objects of the policy's own namespace only",
      "accept this check with resolution MoveToTarget, to have the policy made anew in namespace " +
          foreign + " with copies of the ConfigMaps of its CA certificates, or LeaveInBackup, to " +
          "have it in the backup only; or remove spec.targetRef.namespace if the target was "
          "meant " +
          "to be local",
      can_move(object) ? std::vector<std::string>{kLeaveInBackup, kMoveToTarget}
                       : std::vector<std::string>{kLeaveInBackup             },
  });
}

void check_targets(const Json& object, std::vector<ConversionProblem>& problems) {
  const Json* targets = find(object, "spec", "targetRefs");
  if (targets == nullptr || !targets->is_array() || targets->size() == 1) return;
  problems.push_back({
      targets->empty() ? "NoTarget" : "SeveralTargets",
      "spec.targetRefs",
      "the policy has " + std::to_string(targets->size()) +
          " targets; in v1alpha2 a policy has just one",
      targets->empty() ? "give the policy a target, or delete it"
                       : "make it several policies with one target each",
  });
}

void check_new_fields(const Json& object, std::vector<ConversionProblem>& problems) {
  if (!array_at(object, "spec", "validation", "subjectAltNames").empty()) {
    problems.push_back({
        "FieldNotInTarget",
        "spec.validation.subjectAltNames",
        "v1alpha2 has no subject alternative names: the backend would be authenticated by "
        "spec.validation.hostname instead",
        "remove the field if the hostname is enough to authenticate the backend, or stay at a "
        "bundle that has it (v1.2 or later)",
    });
  }
  if (const Json* options = find(object, "spec", "options");
      options != nullptr && !options->empty()) {
    problems.push_back({
        "FieldNotInTarget",
        "spec.options",
        "v1alpha2 has no options: these settings of the implementation would be lost",
        "remove the field if the policy works without it, or stay at a bundle that has it (v1.2 "
        "or later)",
    });
  }
  const std::string well_known = string_at(object, "spec", "validation", "wellKnownCACertificates");
  if (!well_known.empty() && well_known != "System") {
    problems.push_back({
        "ValueNotInTarget",
        "spec.validation.wellKnownCACertificates",
        "v1alpha2 knows no well-known CA certificates but System, and the policy uses " +
            well_known,
        "use System or spec.validation.caCertificateRefs, or stay at a bundle that has the value "
        "(v1.5 or later)",
    });
  }
}

std::vector<ConversionProblem> problems_of(const Json& object, Direction direction) {
  std::vector<ConversionProblem> problems;
  if (direction == Direction::Up) {
    check_target_namespace(object, problems);
  } else {
    check_targets(object, problems);
    check_new_fields(object, problems);
  }
  return problems;
}

}  // namespace

Json moved_to_target(Json policy) {
  Json& target = policy["spec"]["targetRef"];
  policy["metadata"]["namespace"] = string_at(target, "namespace");
  target.erase("namespace");
  return policy;
}

constinit const Conversion kBackendTlsPolicyConversion{
    .group = "gateway.networking.k8s.io",
    .kind = "BackendTLSPolicy",
    .old_versions = kOldVersions,
    .new_versions = kNewVersions,
    .rules = kRoot,
    .problems = problems_of,
};

}  // namespace gatelift
