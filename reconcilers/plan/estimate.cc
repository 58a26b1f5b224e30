// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/plan/estimate.h"

namespace gatelift {
namespace {

/// The absence of one kind's objects: what a CRD takes to come back, and its objects' deletions and
/// creations with 16 calls under way. From runs on one API server with two cores; a plan says it as
/// an estimate.
std::chrono::milliseconds absence_of(int num_objects) {
  if (num_objects == 0) return std::chrono::milliseconds(0);
  return std::chrono::milliseconds(300 + num_objects * 3 / 2);
}

/// The CRD, and every object where they are written once.
int writes_of_crd(const PlannedAction& action) {
  const int own = action.kind == ActionKind::Reencode ? 0 : 1;
  return own + (action.rewrites_objects ? action.objects + 1 : 0);
}

int writes_of(const PlannedAction& action, const ConversionCost& cost) {
  switch (action.kind) {
    case ActionKind::Convert:
      // The CRD twice; each object deleted, created, and its managedFields put back; statuses.
      return 2 + 3 * action.objects + cost.with_status;
    case ActionKind::ConvertInPlace:
      // The three stages of the bridge, the target and status.storedVersions.
      return 5 + writes_per_object(action.kind, cost) * action.objects;
    case ActionKind::Carry:
    case ActionKind::Rename:
      return action.changed_objects + writes_of_crd(action);
    case ActionKind::Remove:
      return action.objects + writes_of_crd(action);
    case ActionKind::Create:
    case ActionKind::Update:
    case ActionKind::Reencode:
    case ActionKind::SuspendPolicy:
    case ActionKind::InstallPolicy:
      return writes_of_crd(action);
    case ActionKind::Keep:
      return 0;
  }
  return 0;
}

}  // namespace

Estimate estimate_of(const std::vector<PlannedAction>& actions, const ConversionCost& cost) {
  Estimate estimate;
  for (const PlannedAction& action : actions) {
    if (action.kind == ActionKind::Keep) continue;
    estimate.objects += action.objects;
    estimate.writes += writes_of(action, cost);
    if (action.kind == ActionKind::Convert) estimate.unavailable += absence_of(action.objects);
  }
  return estimate;
}

int writes_per_object(ActionKind conversion, const ConversionCost& cost) {
  // Deleted, created, managedFields, status.
  if (conversion == ActionKind::Convert) return cost.with_status > 0 ? 4 : 3;
  // The new shape, the old one taken away, the proof; and what we own given up while it is held.
  return cost.is_held ? 4 : 3;
}

}  // namespace gatelift
