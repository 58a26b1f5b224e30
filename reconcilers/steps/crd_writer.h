// SPDX-License-Identifier: Apache-2.0
// Writing CustomResourceDefinitions in the name of whoever owns them, so that the owner's next
// upgrade meets no conflict and nobody is left as a co-owner.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "reconcilers/run.h"

namespace gatelift {

/// Whose writes a CRD's spec is made of. By managedFields: the manager that owns spec.versions.
struct CrdOwner {
  enum class Way {
    Apply,   // server-side apply: kubectl apply --server-side, Flux, Argo CD
    Update,  // everything else: helm, kubectl apply (client-side), kubectl create
  };
  std::string manager = std::string(kFieldManager);
  Way way = Way::Apply;
};

CrdOwner crd_owner(const Json& live);

/// The same of an object of another kind: the manager that owns this field of its spec.
CrdOwner spec_owner(const Json& live, const std::string& field);

/// The owner of most of the installed CRDs: what a CRD that the bundle adds is created as.
Result<CrdOwner> bundle_owner(Run& run);

/// The request that makes `manifest` the CRD's content. `live` is null where the CRD is absent.
/// Labels and annotations that the manifest does not name are kept as they are. Pure.
Request crd_write_request(const Json& manifest, const Json& live, const CrdOwner& owner);

/// The same for an object of any kind whose content is its spec.
Request owned_write_request(const Resource& resource, const Json& manifest, const Json& live,
                            const CrdOwner& owner);

/// What one CRD shall become.
struct CrdWrite {
  enum class To {
    Target,
    Bridge,  // the target with the versions that objects are still stored at (bridge_manifest)
  };
  const BundleCrd& target;
  const CrdSummary* live = nullptr;  // null: it is to be created
  To to = To::Target;
  std::optional<CrdOwner>
      owner;  // nullopt: who owns it, or, where it is absent, most of the others
};

/// Creates or updates CRDs, all at once, and returns when each is Established, or after 30 s with
/// Unavailable. One that is refused does not keep the others from being written; the first refusal
/// is returned. What the target's spec lacks and other field managers own is removed; a spec that
/// does not become the target's all the same is Invalid.
Result<void> write_crds(Run& run, std::vector<CrdWrite> writes);

/// Makes `manifest` the content of the CRD that is `live` now, in the name of `owner` and under the
/// resourceVersion of `live`, and returns its answer when it is Established.
Result<Json> write_crd_over(Run& run, const Json& manifest, const Json& live,
                            const CrdOwner& owner);

/// Returns when the collection answers a LIST, or after 30 s with Unavailable. After a CRD is
/// written its endpoint may be absent (404) or starting (429) for a moment.
Result<void> wait_until_served(Run& run, const Resource& resource);

/// Waits until the CRD with this uid is gone, up to `limit`; false when it is still there.
Result<bool> wait_until_gone(Run& run, const std::string& crd, const std::string& uid,
                             std::chrono::milliseconds limit);

/// `target` with the versions added that objects are still stored at and that it lacks, taken from
/// `live`: a CRD that the API server accepts (status.storedVersions must be in spec.versions) and
/// that can read every object. Right only where all these versions have one shape. Pure.
Json bridge_manifest(const Json& target, const Json& live);

}  // namespace gatelift
