// SPDX-License-Identifier: Apache-2.0
// Kinds that the target does not have: objects made anew at the kind in their place, and, with
// consent, the end of what is left.
#pragma once

#include "reconcilers/run.h"

namespace gatelift {

/// Makes each object anew at action.to_crd, by the intention in the backup, the oldest first, after
/// what has changed since is in the backup too. The objects of the old kind stay. One that is there
/// already stays as it is, and counts as skipped where it differs.
Result<StepOutcome> rename_objects(Run& run, const PlannedAction& action);

/// Deletes the CRD's objects, each in the state that the backup holds, and the CRD.
Result<StepOutcome> remove_crd(Run& run, const PlannedAction& action,
                               const VerifiedBackup& backup);

/// Says in the record that a CRD is removed, where it does not yet.
void note_removed(Run& run, const PlannedAction& action);

}  // namespace gatelift
