// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/steps/admission_steps.h"

#include <algorithm>

#include "reconcilers/events.h"
#include "reconcilers/plan/actions.h"
#include "reconcilers/steps/admission_policy.h"
#include "reconcilers/steps/old_webhook.h"
#include "reconcilers/steps/pending_crds.h"

namespace gatelift {
namespace {

bool is_done(Run& run, const PlannedAction& action) {
  const CrdProgress* progress = run.record().crd(action.crd);
  return progress != nullptr && progress->step == "Done";
}

/// Another action puts a policy of the same name in place.
bool is_replaced(const Run& run, const PlannedAction& action) {
  const std::vector<PlannedAction>& actions = run.migration.record.plan->actions;
  return std::ranges::any_of(actions, [&](const PlannedAction& other) {
    return other.kind == ActionKind::InstallPolicy && other.crd == action.crd;
  });
}

Result<bool> is_suspended(Run& run, const PlannedAction& action) {
  if (!is_done(run, action)) return false;
  return policy_is_gone(run, action);
}

Result<StepOutcome> move(Run& run, const PlannedAction& action) {
  if (action.kind == ActionKind::SuspendPolicy) return suspend_policy(run, action);
  if (action.kind == ActionKind::InstallPolicy) return install_policy(run, action, *run.backup);
  return remove_old_webhook(run, action, *run.backup);
}

}  // namespace

Result<bool> is_admission_proven(Run& run, const PlannedAction& action) {
  if (action.kind == ActionKind::InstallPolicy) return policy_is_installed(run, action);
  if (action.kind == ActionKind::SuspendPolicy) {
    if (is_replaced(run, action) && pending_crd_writes(run).empty()) return true;
    return is_suspended(run, action);
  }
  if (!is_done(run, action)) return false;
  return old_webhook_is_gone(run);
}

Result<std::optional<StepOutcome>> clear_the_way(Run& run) {
  const bool writes_crds = !pending_crd_writes(run).empty();
  for (const PlannedAction& action : run.plan().actions) {
    if (is_about_crd(action) || action.kind == ActionKind::InstallPolicy) continue;
    if (action.kind == ActionKind::SuspendPolicy && !writes_crds) continue;
    ASSIGN_OR_RETURN(const bool is_proven, is_admission_proven(run, action));
    if (is_proven) continue;
    ASSIGN_OR_RETURN(StepOutcome outcome, move(run, action));
    return std::optional(std::move(outcome));
  }
  return std::optional<StepOutcome>();
}

Result<std::optional<StepOutcome>> close_up(Run& run) {
  for (const PlannedAction& action : run.plan().actions) {
    if (is_about_crd(action)) continue;
    ASSIGN_OR_RETURN(const bool is_proven, is_admission_proven(run, action));
    if (is_proven) continue;
    ASSIGN_OR_RETURN(StepOutcome outcome, move(run, action));
    return std::optional(std::move(outcome));
  }
  return std::optional<StepOutcome>();
}

Result<void> accept_suspension(Run& run) {
  if (!run.record().suspended_policy) return {};
  const std::string name = run.record().suspended_policy->name;
  run.record().suspended_policy.reset();
  for (const PlannedAction& action : run.plan().actions) {
    if (action.kind != ActionKind::SuspendPolicy || is_replaced(run, action)) continue;
    record_event(run, EventType::Normal, "PolicyRemoved",
                 "ValidatingAdmissionPolicy/" + name + " stays away: " + action.reason);
  }
  return write_record(run);
}

}  // namespace gatelift
