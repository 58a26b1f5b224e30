// SPDX-License-Identifier: Apache-2.0
// The other half of Recreate: every object that the backup intends for a kind is made again, with its status and the
// ownership of its fields.
#pragma once

#include "reconcilers/run.h"

namespace gatelift {

/// Creates what is missing, then writes statuses, managedFields and dependents' references, and measures the absence.
/// Requires: the CRD is live, Established and serves `crd.resource()`.
///
/// Repeatable: an object that is there with the intended content is only completed; one that somebody else made with
/// another content is kept as theirs and counted as skipped. An object that the server refuses is counted as failed, stays in the backup and is tried
/// again; the others go on.
Result<StepOutcome> restore_objects(Run& run, const PlannedAction& action, const CrdSummary& crd,
                                    const VerifiedBackup& backup);

}  // namespace gatelift
