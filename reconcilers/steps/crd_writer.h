// SPDX-License-Identifier: Apache-2.0
// Writing CustomResourceDefinitions in the name of whoever owns them, so that the owner's next upgrade meets no
// conflict and nobody is left as a co-owner.
#pragma once

#include <string>

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

/// The owner of most of the installed CRDs: what a CRD that the bundle adds is created as.
Result<CrdOwner> bundle_owner(Run& run);

/// The request that makes `manifest` the CRD's content. `live` is null where the CRD is absent. Labels and annotations
/// that the manifest does not name are kept as they are. Pure.
Request crd_write_request(const Json& manifest, const Json& live, const CrdOwner& owner);

/// Creates or updates the CRD, and returns when it is Established, or after 30 s with Unavailable.
Result<void> write_crd(Run& run, const Json& manifest, const Json& live, const CrdOwner& owner);

/// Returns when the collection answers a LIST, or after 30 s with Unavailable. After a CRD is written its endpoint
/// may be absent (404) or starting (429) for a moment.
Result<void> wait_until_served(Run& run, const Resource& resource);

/// Waits until the CRD with this uid is gone, up to `limit`; false when it is still there.
Result<bool> wait_until_gone(Run& run, const std::string& crd, const std::string& uid,
                             std::chrono::milliseconds limit);

/// `target` with the versions added that objects are still stored at and that it lacks, taken from `live`: a CRD that
/// the API server accepts (status.storedVersions must be in spec.versions) and that can read every object. Right only
/// where all these versions have one shape. Pure.
Json bridge_manifest(const Json& target, const Json& live);

}  // namespace gatelift
