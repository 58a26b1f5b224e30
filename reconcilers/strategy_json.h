// SPDX-License-Identifier: Apache-2.0
// The strategies as the API spells them, and the items of status.plan.strategies.
#pragma once

#include <array>
#include <vector>

#include "reconcilers/json_reader.h"
#include "reconcilers/migration.h"

namespace gatelift {

inline constexpr std::array kStrategies{Strategy::Recreate, Strategy::InPlace};

Json strategies_json(const std::vector<StrategyEstimate>& strategies);
StrategyEstimate read_strategy(const JsonReader& in);

}  // namespace gatelift
