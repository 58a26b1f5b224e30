// SPDX-License-Identifier: Apache-2.0
// Calls that tests make as somebody: a user who applies, a controller that writes status, a person
// who deletes.
#pragma once

#include <functional>
#include <string>

#include "client/cluster.h"
#include "client/time.h"

namespace gatelift {

/// Server-side apply as `manager`; the object names itself.
Result<Json> apply_as(Cluster& cluster, const std::string& manager, const Resource& resource,
                      const Json& object, bool force = false);
Result<Json> create_as(Cluster& cluster, const std::string& manager, const Resource& resource,
                       const Json& object);
Result<Json> replace_as(Cluster& cluster, const std::string& manager, const Resource& resource,
                        const Json& object, const std::string& subresource = {});
Result<Json> json_patch_as(Cluster& cluster, const std::string& manager, const Resource& resource,
                           const ObjectKey& key, Json patch);
Result<Json> merge_patch_as(Cluster& cluster, const std::string& manager, const Resource& resource,
                            const ObjectKey& key, Json patch, const std::string& subresource = {});
Result<Json> delete_object(Cluster& cluster, const Resource& resource, const ObjectKey& key,
                           Preconditions preconditions = {});
Result<std::vector<Json>> list_all(Cluster& cluster, const Resource& resource,
                                   const std::string& ns = {});

/// Looks every 20 ms until `done`, for at most `limit`; false when it never was.
bool wait_until(Clock& clock, const std::function<bool()>& done,
                std::chrono::milliseconds limit = std::chrono::seconds(20));
/// Creates a CRD and waits until it is Established and each of its served versions answers lists.
Result<void> create_served_crd(Cluster& cluster, Clock& clock, const Json& crd,
                               const std::string& manager = {});

}  // namespace gatelift
