// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/steps/rename.h"

#include <map>
#include <set>
#include <utility>

#include "reconcilers/steps/carry.h"
#include "reconcilers/steps/crd_writer.h"
#include "reconcilers/steps/delete_objects.h"
#include "reconcilers/steps/failures.h"
#include "reconcilers/steps/restored_object.h"

namespace gatelift {
namespace {

/// Intentions for objects of the old kind: what is made anew has no uid yet, while what the new
/// kind's own objects shall be has theirs.
std::vector<const BackupEntry*> oldest_first(const Run& run, const PlannedAction& action) {
  std::map<std::pair<std::string, std::string>, const BackupEntry*> by_age;
  for (const BackupEntry& entry : run.backup->entries()) {
    if (entry.role != BackupRole::Original || entry.crd != action.crd) continue;
    const BackupEntry* intended = run.backup->entry(BackupRole::Intended, action.to_crd, entry.key);
    if (intended == nullptr || !intended->uid.empty()) continue;
    by_age[{entry.creation_timestamp, entry.key.display()}] = intended;
  }
  std::vector<const BackupEntry*> entries;
  for (const auto& [age, entry] : by_age) entries.push_back(entry);
  return entries;
}

/// What is there already under the name of an object that is to be made.
Result<bool> is_as_intended(Run& run, const Resource& resource, const Json& intended) {
  ASSIGN_OR_RETURN(const std::optional<Json> live,
                   get_if_exists(run.cluster, resource, key_of(intended)));
  return live && first_difference(intended, *live).empty();
}

}  // namespace

void note_removed(Run& run, const PlannedAction& action) {
  CrdProgress& progress = run.progress(action);
  if (progress.step == "Done" || run.backup == nullptr) return;
  std::set<ObjectKey> held;
  for (const BackupEntry& entry : run.backup->entries()) {
    if (entry.role == BackupRole::Original && entry.crd == action.crd) held.insert(entry.key);
  }
  const int num = static_cast<int>(held.size());
  progress.objects = {num, num, 0, 0, 0};
  progress.step = "Done";
}

Result<StepOutcome> rename_objects(Run& run, const PlannedAction& action) {
  for (const std::string& name : {action.crd, action.to_crd}) {
    if (run.installed.crd(name) != nullptr) continue;
    return fail(ErrorKind::Conflict,
                "CustomResourceDefinition/" + name + " was deleted by somebody since");
  }
  const CrdSummary* crd = run.installed.crd(action.to_crd);
  const Resource resource = crd->resource_at(action.to_storage);
  CrdProgress& progress = run.progress(action);
  progress.step = "Rename";
  RETURN_IF_ERROR(wait_until_served(run, resource));
  ASSIGN_OR_RETURN(const std::optional<StepOutcome> problem,
                   secure_fields(run, action, *run.installed.crd(action.crd)));
  if (problem) return *problem;
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
      ASSIGN_OR_RETURN(const bool is_right, is_as_intended(run, resource, intended));
      ++(is_right ? counts.unchanged : counts.skipped);
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
