// SPDX-License-Identifier: Apache-2.0
// The items of status.plan.strategies.
#pragma once

#include <vector>

#include "reconcilers/json_reader.h"
#include "reconcilers/migration.h"

namespace gatelift {

Json strategies_json(const std::vector<StrategyEstimate>& strategies);
StrategyEstimate read_strategy(const JsonReader& in);

}  // namespace gatelift
