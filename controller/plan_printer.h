// SPDX-License-Identifier: Apache-2.0
// A plan as people read it. Pure.
#pragma once

#include <string>

#include "reconcilers/migration.h"
#include "reconcilers/report/wording.h"

namespace gatelift {

struct PlanLayout {
  bool colored = false;  // bold and colours; else what must not be missed is in upper case
  int columns = 100;     // where sentences are broken
};

/// From where to where, a row per CRD, the checks worst first, each with what to do next, where
/// objects change their shape the strategies side by side, and what the run will cost. Ends with
/// the digest. Of many checks of one code the first twenty are shown, and the number of the rest.
std::string plan_text(const Plan& plan, const PlanLayout& layout);

}  // namespace gatelift
