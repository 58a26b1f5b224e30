// SPDX-License-Identifier: Apache-2.0
// What becomes of admission policies: that of the cluster, where it forbids writes of the plan, and
// those that the target brings.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "reconcilers/admission/admission.h"
#include "reconcilers/plan/findings.h"
#include "reconcilers/plan/plan.h"

namespace gatelift {

struct PolicyPlan {
  std::vector<PlannedAction> actions;  // SuspendPolicy, InstallPolicy
  std::set<std::string> denied_crds;   // whose write the cluster's policy denies
};

/// Judges each CRD write of `actions` by the cluster's safe-upgrades policy, where it is one of the
/// released variants: SafeUpgradesDenies for each rule that denies one, and a SuspendPolicy. An
/// InstallPolicy for each policy of the target that the cluster has not, or not so, or not any more
/// after the suspension. Pure but for bundles that are loaded to recognise what an upgrade brought.
PolicyPlan plan_policies(const Admission& admission, const PlanInputs& inputs,
                         const std::vector<PlannedAction>& actions, Findings& findings);

}  // namespace gatelift
