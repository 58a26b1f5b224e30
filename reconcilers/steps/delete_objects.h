// SPDX-License-Identifier: Apache-2.0
// The irreversible half of Recreate: every object of a kind is deleted, one by one, each exactly in the state that the
// verified backup holds; then the CRD.
#pragma once

#include "reconcilers/run.h"

namespace gatelift {

/// Deletes all objects of `crd` and then the CRD itself, and returns when it is gone.
///
/// Before the first deletion it looks at the collection once more: what changed or came since the backup is added to
/// it, what somebody deleted is noted as vanished, and a finalizer or a deletion under way stops it. Each deletion
/// carries uid and resourceVersion, so that no state is deleted that the backup does not hold. A watch stays open from
/// the empty list over the CRD's deletion; what it shows as added is added to the backup too.
/// Requires: run.backup verified, with every object of the CRD as it was.
Result<StepOutcome> delete_objects_and_crd(Run& run, const PlannedAction& action,
                                           const CrdSummary& crd, const VerifiedBackup& backup);

}  // namespace gatelift
