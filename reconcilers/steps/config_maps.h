// SPDX-License-Identifier: Apache-2.0
// ConfigMaps that a policy names go along when it is made anew in another namespace.
#pragma once

#include "reconcilers/run.h"

namespace gatelift {

/// Copies, for each object of `action` that the backup intends for another namespace, the
/// ConfigMaps of its CA certificates there. Stalled where something has come in the way since the
/// plan was made. Done before anything is deleted.
Result<StepOutcome> copy_config_maps(Run& run, const PlannedAction& action);

}  // namespace gatelift
