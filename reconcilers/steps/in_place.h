// SPDX-License-Identifier: Apache-2.0
// Convert by the strategy InPlace: nothing is deleted, and at no instant is the kind served at no
// version.
#pragma once

#include "reconcilers/run.h"

namespace gatelift {

/// One move towards the target, by what the CRD is seen to be:
///   what was planned for          → put the bridge, which has both versions
///   bridge, Expand                → give every object both shapes, then serve both versions
///   bridge, ServeBoth             → keep them in step; after the hold, stop serving the version
///                                   that leaves
///   bridge, Contract              → take the old shape out of every object, prune stored versions,
///                                   write the target
///   the target                    → settle_crds
/// Anything else is somebody else's doing: planned for anew where nothing was done, else Stalled.
/// A rollback is the same with the versions changed about, from whichever stage there is.
Result<StepOutcome> convert_in_place(Run& run, const PlannedAction& action,
                                     const VerifiedBackup& backup);

/// Whether both versions of a kind are served, so that edits have to be brought over: a run that is
/// suspended then waits as in a hold. By the record alone. Pure.
bool serves_both(const Record& record);

/// What has stopped the run, and when to try again. While both versions are served, edits are
/// brought over for some seconds first, a bridge that was replaced is put back, and what stopped
/// the run is tried again at once. What goes by itself is returned as it is.
Result<StepOutcome> beside_following(Run& run, Result<StepOutcome> stopped);

}  // namespace gatelift
