// SPDX-License-Identifier: Apache-2.0
// What a run makes of each object, told by its backup.
#pragma once

#include "reconcilers/backup/backup.h"
#include "reconcilers/report/plan_details.h"

namespace gatelift {

/// Adds each object as the backup has it, before and as intended. `target`, where it is at hand,
/// says what is intended of objects that a run rewrites, and which fields that moves, mends and
/// drops. Errors are those of the backup.
Result<void> add_backup_diffs(const VerifiedBackup& backup, const Plan& plan, const Bundle* target,
                              DiffCollector& diffs);

}  // namespace gatelift
