// SPDX-License-Identifier: Apache-2.0
// Create, Update and Reencode: CRDs whose objects keep their shape. Nothing is deleted.
#pragma once

#include "reconcilers/run.h"

namespace gatelift {

/// True when the live CRD is what the plan wants it to be: content, annotations and stored versions. Pure.
bool crd_is_at_target(const CrdSummary* live, const CrdSummary& target);

/// One move towards that, by what is seen:
///   absent                                        → create it
///   a stored version is missing from the target   → rewrite at the current storage version and prune, or, where the
///                                                   target lacks that one too, put a bridge first
///   content differs                               → write the target
///   stored versions left over                     → rewrite and prune
Result<StepOutcome> update_crd(Run& run, const PlannedAction& action);

}  // namespace gatelift
