// SPDX-License-Identifier: Apache-2.0
// Which CRDs a run has still to write.
#pragma once

#include <vector>

#include "reconcilers/run.h"

namespace gatelift {

/// The actions whose CRD is not there yet with the target's content.
std::vector<const PlannedAction*> pending_crd_writes(const Run& run);

}  // namespace gatelift
