// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/steps/bridge_write.h"

#include "reconcilers/admission/admission.h"
#include "reconcilers/admission/safe_upgrades.h"

namespace gatelift {

Result<BundleRef> bridge_marks(Cluster& cluster, const CrdSummary& target) {
  const ObjectKey key{"", std::string(kSafeUpgrades)};
  const auto policy = get_if_exists(cluster, resources::kAdmissionPolicies, key);
  // Who may not look at it may not write CRDs either.
  if (!policy && policy.error().is(ErrorKind::Forbidden)) return BundleRef{};
  if (!policy) return fail(policy.error());
  if (!*policy) return BundleRef{};
  return BundleRef{target.bundle_version, target.channel};
}

Result<Json> bridge_to_write(const BridgeCrds& crds, BridgeStage stage, const BundleRef& marks,
                             const CrdOwner& owner) {
  ASSIGN_OR_RETURN(Json bridge, bridge_crd(crds, stage, marks));
  if (owner.way == CrdOwner::Way::Update) return bridge;
  Json metadata = {
      {"name", key_of(bridge).name}
  };
  for (const char* name : {"api-approved.kubernetes.io", "gateway.networking.k8s.io/bundle-version",
                           "gateway.networking.k8s.io/channel"}) {
    const std::string value = annotation_of(bridge, name);
    if (!value.empty()) metadata["annotations"][name] = value;
  }
  bridge["metadata"] = std::move(metadata);
  return bridge;
}

}  // namespace gatelift
