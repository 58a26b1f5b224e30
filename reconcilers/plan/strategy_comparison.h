// SPDX-License-Identifier: Apache-2.0
// Both strategies side by side, for whoever has to choose one: what each costs, breaks and asks
// for, from what the plan has seen of the cluster. None of it is in the plan's digest.
#pragma once

#include <string>
#include <vector>

#include "reconcilers/plan/estimate.h"
#include "reconcilers/plan/object_checks.h"

namespace gatelift {

/// What is seen of a conversion while its plan is made, whichever strategy is chosen.
struct ConversionFacts {
  std::string crd;
  std::string kind;
  int objects = 0;
  std::vector<std::string> leaving;  // versions whose shape goes
  std::string to_version;
  ConversionCounts counts;
  int dependents = 0;     // looked for where Recreate is chosen, and there only
  bool is_mixed = false;  // objects may be stored in both shapes
  std::string no_bridge;  // why no CRD can have both versions; "" where one can
};

/// Going back is not held.
ConversionCost cost_of(const ConversionFacts& facts, const MigrationSpec& spec,
                       Operation operation);

/// Recreate, then InPlace. The one that is chosen has the figures of `plan`, whose actions and
/// estimates are there already. Pure.
std::vector<StrategyEstimate> compare_strategies(const Plan& plan, const MigrationSpec& spec,
                                                 const ConversionFacts& facts);

}  // namespace gatelift
