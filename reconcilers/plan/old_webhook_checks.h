// SPDX-License-Identifier: Apache-2.0
// What becomes of the validating webhook that bundles before v1.0 bring along.
#pragma once

#include <optional>

#include "reconcilers/admission/admission.h"
#include "reconcilers/plan/findings.h"
#include "reconcilers/plan/plan.h"

namespace gatelift {

/// Adds OldWebhook where the webhook is there, or where the target would bring one; tries by a dry
/// run whether it answers. The action that removes it, where the target does without it.
Result<std::optional<PlannedAction>> check_old_webhook(Cluster& cluster, const Admission& admission,
                                                       const PlanInputs& inputs,
                                                       Findings& findings);

}  // namespace gatelift
