// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/steps/recreate.h"

#include "reconcilers/steps/config_maps.h"
#include "reconcilers/steps/crd_writer.h"
#include "reconcilers/steps/delete_objects.h"
#include "reconcilers/steps/restore_objects.h"
#include "reconcilers/steps/update_crds.h"

namespace gatelift {
namespace {

/// Whoever owned the CRD that was deleted owns the new one.
Result<CrdOwner> former_owner(Run& run, const std::string& crd, const VerifiedBackup& backup) {
  CrdOwner owner;
  bool known = false;
  for (const VerifiedBackup* held : {&backup, run.source.get()}) {
    if (held == nullptr || known) continue;
    RETURN_IF_ERROR(held->for_each(BackupRole::Crd, crd, [&](const BackupEntry&, Json&& was) {
      owner = crd_owner(was);
      known = true;
      return Result<void>();
    }));
  }
  if (known) return owner;
  return bundle_owner(run);
}

Result<StepOutcome> create_target(Run& run, const PlannedAction& action, const BundleCrd& target,
                                  const VerifiedBackup& backup) {
  run.progress(action).step = "Replace";
  ASSIGN_OR_RETURN(CrdOwner owner, former_owner(run, action.crd, backup));
  RETURN_IF_ERROR(write_crds(run, {{target, nullptr, CrdWrite::To::Target, owner}}));
  RETURN_IF_ERROR(wait_until_served(run, target.summary.resource()));
  return StepOutcome::progressed();
}

Result<StepOutcome> wait_for_deletion(Run& run, const CrdSummary& crd) {
  ASSIGN_OR_RETURN(bool gone, wait_until_gone(run, crd.name, crd.uid, std::chrono::seconds(10)));
  if (gone) return StepOutcome::progressed();
  return StepOutcome::stalled(
      "CRDTerminating", "CustomResourceDefinition/" + crd.name +
                            " is being deleted and does not go; next: look for objects of it with "
                            "finalizers (kubectl get " +
                            crd.name + " -A -o yaml)");
}

StepOutcome changed_by_others(Run& run, const PlannedAction& action) {
  if (!run.record().unavailable_since) {
    run.log("warn", action.crd + " changed since it was planned for; planning again");
    drop_plan(run);
    return StepOutcome::progressed();
  }
  return StepOutcome::stalled(
      "CRDChanged", "CustomResourceDefinition/" + action.crd +
                        " is neither what was planned from nor the target: somebody else changed it "
                        "during the run; next: find out who (kubectl get crd " +
                        action.crd +
                        " --show-managed-fields -o yaml), stop it, and put back the content it had "
                        "(it is in the backup)");
}

}  // namespace

Result<StepOutcome> recreate(Run& run, const PlannedAction& action, const VerifiedBackup& backup) {
  const BundleCrd& target = *run.target->crd(action.crd);
  const CrdSummary* live = run.installed.crd(action.crd);
  if (live == nullptr) return create_target(run, action, target, backup);
  if (live->terminating) return wait_for_deletion(run, *live);
  if (live->digest == action.to_digest) {
    RETURN_IF_ERROR(wait_until_served(run, live->resource()));
    ASSIGN_OR_RETURN(StepOutcome outcome, restore_objects(run, action, *live, backup));
    if (outcome.kind != StepOutcome::Kind::Progressed) return outcome;
    // What else may be the matter with the CRD comes after the objects that are absent.
    ASSIGN_OR_RETURN(std::optional<StepOutcome> move, settle_crds(run, {&action}));
    if (move) return *move;
    run.progress(action).step = "Done";
    return outcome;
  }
  if (live->digest != action.from_digest) return changed_by_others(run, action);
  if (!run.record().unavailable_since) {
    ASSIGN_OR_RETURN(StepOutcome copied, copy_config_maps(run, action));
    if (copied.kind != StepOutcome::Kind::Progressed) return copied;
  }
  return delete_objects_and_crd(run, action, *live, backup);
}

}  // namespace gatelift
