// SPDX-License-Identifier: Apache-2.0
// Removing the validating webhook of bundles before v1.0, with all that belongs to it.
#pragma once

#include "reconcilers/run.h"

namespace gatelift {

/// Deletes what there is of it, the configuration first, each in the state that the backup holds;
/// supplements the backup where that changed since. Idempotent.
Result<StepOutcome> remove_old_webhook(Run& run, const PlannedAction& action,
                                       const VerifiedBackup& backup);

/// True where its configuration is not there.
Result<bool> old_webhook_is_gone(Run& run);

}  // namespace gatelift
