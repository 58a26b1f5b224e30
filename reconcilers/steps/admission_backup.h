// SPDX-License-Identifier: Apache-2.0
// What of the cluster's admission a backup holds: role Policy, filed under the collection's name.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "reconcilers/run.h"

namespace gatelift {

/// "validatingadmissionpolicies.admissionregistration.k8s.io".
std::string collection_name(const Resource& resource);

/// The safe-upgrades policy and what else the plan's actions install or remove, as far as it is
/// there.
Result<std::vector<BackupItem>> admission_items(Run& run);

/// What a backup holds of a policy, or of its binding.
Result<std::optional<Json>> held_policy(const VerifiedBackup& backup, const Resource& resource,
                                        const std::string& name);

/// Sees to it that the run's backup holds `live` in this very state.
Result<void> hold_in_backup(Run& run, const Resource& resource, const Json& live);

/// Deletes it in the very state that the backup holds; what it owns goes with it. Conflict where it
/// has changed since, and no error where it is gone.
Result<void> delete_held(Run& run, const Resource& resource, const Json& live);

}  // namespace gatelift
