// SPDX-License-Identifier: Apache-2.0
// Create, Update and Reencode: CRDs whose objects keep their shape. Nothing is deleted.
#pragma once

#include <optional>
#include <vector>

#include "reconcilers/run.h"

namespace gatelift {

/// True when the live CRD is what the plan wants it to be: content, annotations and stored
/// versions. Pure.
bool crd_is_at_target(const CrdSummary* live, const CrdSummary& target);

/// One move of CRDs towards that, by what is seen; nullopt when there is none left to make:
///   absent                                        → create it
///   a stored version is missing from the target   → rewrite at the current storage version and
///   prune, or, where the
///                                                   target lacks that one too, put a bridge first
///   content differs, or is not Established        → write the target
///   stored versions left over                     → rewrite and prune
/// All CRDs that are to be written are written in one move.
Result<std::optional<StepOutcome>> settle_crds(Run& run,
                                               const std::vector<const PlannedAction*>& actions);

/// settle_crds, and then the objects, where the plan says that they are to be written: these
/// actions as a whole.
Result<StepOutcome> update_crds(Run& run, const std::vector<const PlannedAction*>& actions);

}  // namespace gatelift
