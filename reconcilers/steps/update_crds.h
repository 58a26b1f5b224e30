// SPDX-License-Identifier: Apache-2.0
// Create, Update and Reencode: CRDs whose objects keep their shape. Nothing is deleted.
#pragma once

#include "reconcilers/run.h"

namespace gatelift {

/// True when the live CRD is what the plan wants it to be: content, annotations and stored versions. Pure.
bool crd_is_at_target(const CrdSummary* live, const CrdSummary& target);

/// One move of a CRD towards that, by what is seen; nullopt when there is none left to make:
///   absent                                        → create it
///   a stored version is missing from the target   → rewrite at the current storage version and prune, or, where the
///                                                   target lacks that one too, put a bridge first
///   content differs, or is not Established        → write the target
///   stored versions left over                     → rewrite and prune
Result<std::optional<StepOutcome>> settle_crd(Run& run, const PlannedAction& action);

/// settle_crd, and then the objects, where the plan says that they are to be written: the whole action.
Result<StepOutcome> update_crd(Run& run, const PlannedAction& action);

}  // namespace gatelift
