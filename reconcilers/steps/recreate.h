// SPDX-License-Identifier: Apache-2.0
// Convert by the strategy Recreate: upstream's documented remedy, made safe.
#pragma once

#include "reconcilers/run.h"

namespace gatelift {

/// One move towards the target, by what is seen of the CRD:
///   as it was planned from   → delete its objects and itself
///   being deleted            → wait
///   absent                   → create the target
///   the target               → restore the objects
///   something else           → stop: somebody changes it at the same time
Result<StepOutcome> recreate(Run& run, const PlannedAction& action, const VerifiedBackup& backup);

}  // namespace gatelift
