// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "reconcilers/run.h"

namespace gatelift {

enum class Extent { Metadata, Whole };

/// Those of the objects that are still there.
Result<std::vector<Json>> read_those_left(Run& run, const Resource& resource,
                                          const std::vector<ObjectKey>& keys, Extent extent);

}  // namespace gatelift
