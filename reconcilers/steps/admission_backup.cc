// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/steps/admission_backup.h"

#include <algorithm>
#include <set>
#include <utility>

#include "reconcilers/admission/old_webhook.h"
#include "reconcilers/admission/safe_upgrades.h"
#include "reconcilers/plan/actions.h"
#include "reconcilers/steps/back_up.h"

namespace gatelift {
namespace {

Result<void> add_if_there(Run& run, const Resource& resource, const ObjectKey& key,
                          std::vector<BackupItem>& items) {
  auto live = get_if_exists(run.cluster, resource, key);
  if (!live) return fail(wrap(live.error(), "backing up " + resource.plural + "/" + key.display()));
  if (*live) items.push_back({BackupRole::Policy, collection_name(resource), **std::move(live)});
  return {};
}

Result<void> add_old_webhook(Run& run, std::vector<BackupItem>& items) {
  const ObjectKey key{"", std::string(kOldWebhook)};
  ASSIGN_OR_RETURN(const std::optional<Json> configuration,
                   get_if_exists(run.cluster, resources::kValidatingWebhooks, key));
  if (!configuration) return {};
  for (const OldWebhookObject& object : old_webhook_objects(*configuration)) {
    RETURN_IF_ERROR(add_if_there(run, object.resource, object.key, items));
  }
  return {};
}

}  // namespace

std::string collection_name(const Resource& resource) {
  return resource.group.empty() ? resource.plural : resource.plural + "." + resource.group;
}

Result<std::vector<BackupItem>> admission_items(Run& run) {
  std::set<std::string> policies = {std::string(kSafeUpgrades)};
  bool removes_webhook = false;
  for (const PlannedAction& action : run.plan().actions) {
    if (is_about_crd(action)) continue;
    if (action.object_kind == kPolicyKind) {
      policies.insert(action.crd);
    } else {
      removes_webhook = true;
    }
  }
  std::vector<BackupItem> items;
  for (const std::string& name : policies) {
    for (const Resource* resource :
         {&resources::kAdmissionPolicies, &resources::kAdmissionPolicyBindings}) {
      RETURN_IF_ERROR(add_if_there(run, *resource, {"", name}, items));
    }
  }
  if (removes_webhook) RETURN_IF_ERROR(add_old_webhook(run, items));
  return items;
}

Result<std::optional<Json>> held_policy(const VerifiedBackup& backup, const Resource& resource,
                                        const std::string& name) {
  const BackupEntry* entry =
      backup.entry(BackupRole::Policy, collection_name(resource), {"", name});
  if (entry == nullptr) return std::optional<Json>();
  ASSIGN_OR_RETURN(Json document, backup.document(*entry));
  return std::optional<Json>(std::move(document));
}

Result<void> hold_in_backup(Run& run, const Resource& resource, const Json& live) {
  const std::string collection = collection_name(resource);
  const BackupEntry* held = run.backup->entry(BackupRole::Policy, collection, key_of(live));
  if (held != nullptr && held->uid == uid_of(live) &&
      held->resource_version == resource_version_of(live)) {
    return {};
  }
  return add_to_backup(run, {
                                {BackupRole::Policy, collection, live}
  });
}

Result<void> delete_held(Run& run, const Resource& resource, const Json& live) {
  Request request;
  request.verb = Verb::Delete;
  request.resource = resource;
  request.key = key_of(live);
  request.preconditions = {uid_of(live), resource_version_of(live)};
  request.propagation = Propagation::Background;
  const auto deleted = run.cluster.send(request);
  if (deleted || deleted.error().is(ErrorKind::NotFound)) return {};
  return fail(wrap(deleted.error(), "deleting " + display_name(kind_of(live), key_of(live))));
}

}  // namespace gatelift
