// SPDX-License-Identifier: Apache-2.0
// A rollback is a migration whose target is a backup: its CRDs are the bundle, its objects are what is intended.
#pragma once

#include "reconcilers/run.h"

namespace gatelift {

/// The CRDs that a backup holds, as a bundle. `ref` names where the upgrade came from.
Result<Bundle> bundle_of_backup(const VerifiedBackup& backup, BundleRef ref);

/// Turns the record of an upgrade (finished, failed or half-way) into that of a rollback to `backup_ref`. What cannot be
/// observed again and still holds, an absence that has not ended and fields that are on their way, is kept.
void begin_rollback(Record& record, const std::string& backup_ref, const std::string& because);

/// What planning from the cluster alone cannot know: the objects of a kind that was converted come back from the
/// backup, also where their CRD is right or gone, and those that it holds need no conversion.
Result<void> complete_rollback_plan(const Run& run, Plan& plan);

}  // namespace gatelift
