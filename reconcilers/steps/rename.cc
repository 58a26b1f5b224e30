// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/steps/rename.h"

#include <algorithm>
#include <utility>

#include "reconcilers/steps/crd_writer.h"
#include "reconcilers/steps/delete_objects.h"
#include "reconcilers/steps/failures.h"
#include "reconcilers/steps/restored_object.h"

namespace gatelift {
namespace {

std::vector<const BackupEntry*> oldest_first(const Run& run, const PlannedAction& action) {
  std::vector<const BackupEntry*> entries;
  for (const BackupEntry& entry : run.backup->entries()) {
    if (entry.role == BackupRole::Intended && entry.crd == action.to_crd) entries.push_back(&entry);
  }
  const auto age = [&](const BackupEntry* entry) {
    const BackupEntry* original = run.backup->entry(BackupRole::Original, action.crd, entry->key);
    return std::pair(original == nullptr ? std::string() : original->creation_timestamp,
                     entry->key.display());
  };
  std::ranges::sort(entries, {}, age);
  return entries;
}

void note_removed(Run& run, const PlannedAction& action) {
  const auto held = std::ranges::count_if(run.backup->entries(), [&](const BackupEntry& entry) {
    return entry.role == BackupRole::Original && entry.crd == action.crd;
  });
  CrdProgress& progress = run.progress(action);
  progress.objects = {static_cast<int>(held), static_cast<int>(held), 0, 0, 0};
  progress.step = "Done";
}

}  // namespace

Result<StepOutcome> rename_objects(Run& run, const PlannedAction& action) {
  const CrdSummary* crd = run.installed.crd(action.to_crd);
  if (crd == nullptr) {
    return fail(ErrorKind::Conflict,
                "CustomResourceDefinition/" + action.to_crd + " was deleted by somebody since");
  }
  const Resource resource = crd->resource_at(action.to_storage);
  CrdProgress& progress = run.progress(action);
  progress.step = "Rename";
  RETURN_IF_ERROR(wait_until_served(run, resource));
  Counts counts;
  ObjectFailures failures;
  // One after the other: which of two policies wins is decided by their age.
  for (const BackupEntry* entry : oldest_first(run, action)) {
    ++counts.found;
    ASSIGN_OR_RETURN(const Json intended, run.backup->document(*entry));
    const auto made = run.cluster.send(create_request(intended, resource, CreateBy::Post));
    run.report(action.crd, "Rename", counts.found, action.objects);
    if (made) {
      ++counts.done;
    } else if (made.error().is(ErrorKind::AlreadyExists)) {
      ++counts.unchanged;
    } else if (made.error().has_cause("NamespaceTerminating")) {
      ++counts.skipped;
    } else {
      ++counts.failed;
      failures.note(display_name(crd->kind, entry->key), made.error());
    }
  }
  progress.objects = counts;
  ASSIGN_OR_RETURN(StepOutcome outcome, failures.outcome(run, "RenameFailed", "making"));
  if (outcome.kind == StepOutcome::Kind::Progressed) progress.step = "Done";
  return outcome;
}

Result<StepOutcome> remove_crd(Run& run, const PlannedAction& action,
                               const VerifiedBackup& backup) {
  const CrdSummary& live = *run.installed.crd(action.crd);
  if (!live.terminating) {
    ASSIGN_OR_RETURN(StepOutcome outcome, delete_objects_and_crd(run, action, live, backup));
    if (outcome.kind == StepOutcome::Kind::Progressed) note_removed(run, action);
    return outcome;
  }
  ASSIGN_OR_RETURN(const bool gone,
                   wait_until_gone(run, live.name, live.uid, std::chrono::seconds(10)));
  if (!gone) {
    return StepOutcome::stalled("CRDTerminating",
                                "CustomResourceDefinition/" + live.name +
                                    " is being deleted and does not go; next: look for objects of "
                                    "it with finalizers (kubectl get " +
                                    live.name + " -A -o yaml)");
  }
  note_removed(run, action);
  return StepOutcome::progressed();
}

}  // namespace gatelift
