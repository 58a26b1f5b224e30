// SPDX-License-Identifier: Apache-2.0
// What of a plan is about admission, at its place in the Migrate phase: what stands in the way goes
// before CRDs are written, and the target's policy comes when everything else is done.
#pragma once

#include <optional>

#include "reconcilers/run.h"

namespace gatelift {

/// Whether an action that is not about a CRD has had its effect. A suspension has, also when the
/// policy is there, once no CRD is left to be written and another action puts a policy in its
/// place: after a stop that came later, nothing is suspended again.
Result<bool> is_admission_proven(Run& run, const PlannedAction& action);

/// The next move before CRDs are written: removing the old webhook, suspending the policy. nullopt
/// where there is none. Requires: run.backup.
Result<std::optional<StepOutcome>> clear_the_way(Run& run);

/// The next move after everything else.
Result<std::optional<StepOutcome>> close_up(Run& run);

/// The end of Migrate: a suspended policy that nothing takes the place of is gone as planned. That
/// is recorded at once, before the finalizer goes.
Result<void> accept_suspension(Run& run);

}  // namespace gatelift
