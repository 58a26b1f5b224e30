// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/steps/pending_crds.h"

namespace gatelift {

std::vector<const PlannedAction*> pending_crd_writes(const Run& run) {
  std::vector<const PlannedAction*> pending;
  for (const PlannedAction& action : run.migration.record.plan->actions) {
    const BundleCrd* target = run.target->crd(action.crd);
    const bool writes = writes_target_crd(action.kind) && action.kind != ActionKind::Reencode;
    if (target == nullptr || !writes) continue;
    const CrdSummary* live = run.installed.crd(action.crd);
    const bool is_there =
        live != nullptr && !live->terminating && same_content(*live, target->summary);
    if (!is_there) pending.push_back(&action);
  }
  return pending;
}

}  // namespace gatelift
