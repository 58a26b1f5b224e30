// SPDX-License-Identifier: Apache-2.0
// The strategies of a plan side by side, a column each, as people compare them. Pure.
#pragma once

#include <string>
#include <vector>

#include "reconcilers/migration.h"

namespace gatelift {

/// One thing that they are compared by. A cell is a list of sentences, often of one.
struct StrategyRow {
  std::string name;  // "absent", "risks"
  std::vector<std::vector<std::string>> cells;
};

/// "Recreate (chosen)", "InPlace".
std::vector<std::string> strategy_titles(const Plan& plan);

/// What all have nothing to say to is left out. Empty where a plan has no strategies.
std::vector<StrategyRow> strategy_rows(const Plan& plan);

/// Titles and rows with cells broken so that no line is longer than `columns`, but where a word is;
/// "" without strategies.
std::string strategy_table(const std::vector<std::string>& titles,
                           const std::vector<StrategyRow>& rows, int columns);

}  // namespace gatelift
