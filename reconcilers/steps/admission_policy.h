// SPDX-License-Identifier: Apache-2.0
// Taking an admission policy away for as long as CRDs are written that it forbids, and putting the
// target's in place.
#pragma once

#include "reconcilers/run.h"

namespace gatelift {

/// SuspendPolicy: notes in the record what goes, deletes the binding and then the policy, in the
/// state that the backup holds, and returns when a dry run of a write that the policy forbids
/// passes. An API server forgets a policy a moment after its deletion; where that takes longer than
/// 30 s the step stalls. Supplements the backup where the policy changed since.
Result<StepOutcome> suspend_policy(Run& run, const PlannedAction& action);

/// InstallPolicy: puts back what was suspended, and writes the target's policy and its bindings, if
/// it has any, in the name of who owns what is there.
Result<StepOutcome> install_policy(Run& run, const PlannedAction& action,
                                   const VerifiedBackup& backup);

/// True where policy and binding are as the action wants them: gone; or not suspended any more, and
/// as in the target, or, where that has none, there as far as run.backup holds them.
Result<bool> policy_is_gone(Run& run, const PlannedAction& action);
Result<bool> policy_is_installed(Run& run, const PlannedAction& action);

/// A denial in the first 30 s after a suspension comes from an API server that has not heard of it
/// yet: waiting cures it. Other outcomes as they are.
Result<StepOutcome> unless_policy_lingers(Run& run, Result<StepOutcome> outcome);

}  // namespace gatelift
