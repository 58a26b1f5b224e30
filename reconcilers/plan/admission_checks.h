// SPDX-License-Identifier: Apache-2.0
// What the API server's admission says to a plan before it runs: its policies and webhooks, known
// ones and others'.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "client/cluster.h"
#include "reconcilers/plan/findings.h"
#include "reconcilers/plan/plan.h"

namespace gatelift {

/// Adds to `actions` what is done with admission policies and with the webhook of old bundles, and
/// checks about them; a ForeignAdmission note for each other policy or webhook that may judge calls
/// of the run. Returns the CRDs whose write is known to be denied, for which a refusal needs no
/// further check.
Result<std::set<std::string>> check_admission(Cluster& cluster, const PlanInputs& inputs,
                                              std::vector<PlannedAction>& actions,
                                              Findings& findings);

}  // namespace gatelift
