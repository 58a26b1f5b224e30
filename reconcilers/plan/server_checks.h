// SPDX-License-Identifier: Apache-2.0
// What the API servers themselves mean for a run: that there are several, and whether they let us
// see who uses a version.
#pragma once

#include <vector>

#include "reconcilers/plan/findings.h"
#include "reconcilers/plan/plan.h"

namespace gatelift {

/// Adds a SeveralAPIServers note where there is not just one and objects are written under a CRD
/// that changes; and a VersionClients warning where a hold is to end when a version is unused, and
/// we may not see who uses it.
Result<void> check_api_servers(Cluster& cluster, const PlanInputs& inputs,
                               const std::vector<PlannedAction>& actions, Findings& findings);

}  // namespace gatelift
