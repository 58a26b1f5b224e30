// SPDX-License-Identifier: Apache-2.0
// What a list of actions costs, about. Pure.
#pragma once

#include <chrono>
#include <vector>

#include "reconcilers/migration.h"

namespace gatelift {

/// What decides over the cost of a conversion besides the number of its objects.
struct ConversionCost {
  int with_status = 0;   // objects that have one
  bool is_held = false;  // in place, with both versions served meanwhile
};

struct Estimate {
  int objects = 0;                           // of the CRDs that change
  int writes = 0;                            // requests, also those that change nothing
  std::chrono::milliseconds unavailable{0};  // the absence of one object
};

Estimate estimate_of(const std::vector<PlannedAction>& actions, const ConversionCost& cost);

/// The most writes that one object of a conversion takes.
int writes_per_object(ActionKind conversion, const ConversionCost& cost);

}  // namespace gatelift
