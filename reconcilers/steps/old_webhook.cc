// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/steps/old_webhook.h"

#include "reconcilers/admission/old_webhook.h"
#include "reconcilers/events.h"
#include "reconcilers/steps/admission_backup.h"

namespace gatelift {
namespace {

const ObjectKey kKey{"", std::string(kOldWebhook)};

/// The configuration says in which namespace the rest is; once it is gone, the backup does.
Result<Json> configuration(Run& run, const VerifiedBackup& backup) {
  ASSIGN_OR_RETURN(std::optional<Json> live,
                   get_if_exists(run.cluster, resources::kValidatingWebhooks, kKey));
  if (live) return *std::move(live);
  const BackupEntry* entry =
      backup.entry(BackupRole::Policy, collection_name(resources::kValidatingWebhooks), kKey);
  if (entry == nullptr) return Json();
  return backup.document(*entry);
}

}  // namespace

Result<StepOutcome> remove_old_webhook(Run& run, const PlannedAction& action,
                                       const VerifiedBackup& backup) {
  if (run.progress(action).step == "Done") {
    return StepOutcome::stalled(
        "WebhookReverted",
        display_name(kValidatingWebhookKind, kKey) +
            " was removed, and somebody else has put it back since; next: find out who (kubectl "
            "get validatingwebhookconfiguration " +
            kKey.name + " --show-managed-fields -o yaml), and stop them");
  }
  run.progress(action).step = "Delete";
  ASSIGN_OR_RETURN(const Json known, configuration(run, backup));
  for (const OldWebhookObject& object : old_webhook_objects(known)) {
    ASSIGN_OR_RETURN(const std::optional<Json> live,
                     get_if_exists(run.cluster, object.resource, object.key));
    if (!live || is_being_deleted(*live)) continue;
    RETURN_IF_ERROR(hold_in_backup(run, object.resource, *live));
    RETURN_IF_ERROR(delete_held(run, object.resource, *live));
  }
  run.progress(action).step = "Done";
  record_event(run, EventType::Normal, "WebhookRemoved",
               display_name(kValidatingWebhookKind, kKey) + " and what belongs to it are removed");
  return StepOutcome::progressed();
}

Result<bool> old_webhook_is_gone(Run& run) {
  ASSIGN_OR_RETURN(const std::optional<Json> live,
                   get_if_exists(run.cluster, resources::kValidatingWebhooks, kKey));
  return !live;
}

}  // namespace gatelift
