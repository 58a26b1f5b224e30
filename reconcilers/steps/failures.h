// SPDX-License-Identifier: Apache-2.0
// Failures of single objects: kept in the record by name, while the other objects go on.
#pragma once

#include <string>
#include <vector>

#include "reconcilers/run.h"

namespace gatelift {

Failure failure_of(std::string object, const Error& error);

/// Records the failures (the first 20) and returns the outcome that names their number and the first of them.
StepOutcome objects_failed(Run& run, std::string reason, std::string_view verb,
                           std::vector<Failure> failures);

}  // namespace gatelift
