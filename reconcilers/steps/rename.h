// SPDX-License-Identifier: Apache-2.0
// Kinds that the target does not have: objects made anew at the kind in their place, and, with
// consent, the end of what is left.
#pragma once

#include "reconcilers/run.h"

namespace gatelift {

/// Makes each object anew at action.to_crd, by the intention in the backup, the oldest first. The
/// objects of the old kind stay. One that is there already stays as it is.
Result<StepOutcome> rename_objects(Run& run, const PlannedAction& action);

/// Deletes the CRD's objects, each in the state that the backup holds, and the CRD.
Result<StepOutcome> remove_crd(Run& run, const PlannedAction& action,
                               const VerifiedBackup& backup);

}  // namespace gatelift
