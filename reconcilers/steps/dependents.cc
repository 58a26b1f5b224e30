// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/steps/dependents.h"

#include <set>

namespace gatelift {
namespace {

Resource collection_of(const BackupEntry& entry) {
  return {group_of_api_version(entry.api_version), version_of_api_version(entry.api_version),
          entry.crd, !entry.key.ns.empty()};
}

std::set<std::string> original_uids(const VerifiedBackup& backup) {
  std::set<std::string> uids;
  for (const BackupEntry& entry : backup.entries()) {
    if (entry.role == BackupRole::Original) uids.insert(entry.uid);
  }
  return uids;
}

/// Sets a live dependent's ownerReferences, repeating where somebody else changes it at the same time.
template <typename Change>
Result<void> change_references(Run& run, const BackupEntry& entry, const Change& change) {
  Resource resource = collection_of(entry);
  for (int attempt = 0; attempt < 5; ++attempt) {
    ASSIGN_OR_RETURN(std::optional<Json> live, get_if_exists(run.cluster, resource, entry.key));
    if (!live || uid_of(*live) != entry.uid) return {};
    Json before = array_at(*live, "metadata", "ownerReferences");
    Json after = change(before);
    if (after == before) return {};
    Json patch = {{"metadata",
                   {{"resourceVersion", resource_version_of(*live)}, {"ownerReferences", after}}}};
    auto patched = merge_patch(run.cluster, resource, entry.key, std::move(patch));
    if (patched) return {};
    if (!patched.error().is(ErrorKind::Conflict)) {
      return fail(wrap(patched.error(), "changing the ownerReferences of " +
                                            display_name(entry.kind, entry.key)));
    }
  }
  return fail(ErrorKind::Conflict, display_name(entry.kind, entry.key) + " changes too often");
}

}  // namespace

Result<void> detach_dependents(Run& run) {
  std::set<std::string> owners = original_uids(*run.backup);
  for (const BackupEntry& entry : run.backup->entries()) {
    if (entry.role != BackupRole::Dependent) continue;
    RETURN_IF_ERROR(change_references(run, entry, [&](const Json& references) {
      Json kept = Json::array();
      for (const Json& reference : references) {
        if (!owners.contains(string_at(reference, "uid"))) kept.push_back(reference);
      }
      return kept;
    }));
  }
  return {};
}

Result<void> attach_dependents(Run& run, const PlannedAction& action, const CrdSummary& crd) {
  std::map<std::string, ObjectKey> owners;  // by old uid
  for (const BackupEntry& entry : run.backup->entries()) {
    if (entry.role == BackupRole::Original && entry.crd == action.crd) owners[entry.uid] = entry.key;
  }
  for (const BackupEntry& entry : run.backup->entries()) {
    if (entry.role != BackupRole::Dependent) continue;
    ASSIGN_OR_RETURN(Json original, run.backup->document(entry));
    for (Json reference : array_at(original, "metadata", "ownerReferences")) {
      auto owner = owners.find(string_at(reference, "uid"));
      if (owner == owners.end()) continue;
      ASSIGN_OR_RETURN(std::optional<Json> live,
                       get_if_exists(run.cluster, crd.resource(), owner->second));
      if (!live) continue;
      reference["uid"] = uid_of(*live);
      reference["apiVersion"] = crd.resource().api_version();
      RETURN_IF_ERROR(change_references(run, entry, [&](const Json& references) {
        Json all = references;
        for (const Json& present : references) {
          if (string_at(present, "uid") == string_at(reference, "uid")) return all;
        }
        all.push_back(reference);
        return all;
      }));
    }
  }
  return {};
}

}  // namespace gatelift
