// SPDX-License-Identifier: Apache-2.0
// Deletion, and the garbage collection of what is left behind.
#include <algorithm>

#include "test/support/api_error.h"
#include "test/support/crd_rules.h"
#include "test/support/fake_cluster.h"

namespace gatelift {
namespace {

constexpr const char* kOrphan = "orphan";
constexpr const char* kForeground = "foregroundDeletion";

Result<void> check_preconditions(const fake::Kind& kind, const Request& request,
                                 const Json& stored) {
  const Preconditions& given = request.preconditions;
  auto refuse = [&](const std::string& what, const std::string& wanted, const std::string& found) {
    return fail(fake::conflict(kind.qualified_resource(), request.key.name,
                               "Precondition failed: " + what + " in precondition: " + wanted +
                                   ", " + what + " in object meta: " + found));
  };
  if (!given.uid.empty() && given.uid != uid_of(stored)) {
    return refuse("UID", given.uid, uid_of(stored));
  }
  if (!given.resource_version.empty() && given.resource_version != resource_version_of(stored)) {
    return refuse("ResourceVersion", given.resource_version, resource_version_of(stored));
  }
  return {};
}

bool has_finalizer(const Json& object, const std::string& finalizer) {
  const Json& list = array_at(object, "metadata", "finalizers");
  return std::find(list.begin(), list.end(), Json(finalizer)) != list.end();
}

void add_finalizer(Json& object, const std::string& finalizer) {
  if (!has_finalizer(object, finalizer)) object["metadata"]["finalizers"].push_back(finalizer);
}

void drop_finalizer(Json& object, const std::string& finalizer) {
  Json& list = object["metadata"]["finalizers"];
  list.erase(std::remove(list.begin(), list.end(), Json(finalizer)), list.end());
}

Json deletion_status(const fake::Kind& kind, const Json& object) {
  return {
      {"apiVersion", "v1"       },
      {"kind",       "Status"   },
      {"status",     "Success"  },
      {"details",
       {{"name", key_of(object).name},
        {"group", kind.group},
        {"kind", kind.plural},
        {"uid", uid_of(object)}}}
  };
}

/// What an object becomes when its deletion must wait for finalizers.
Json marked_for_deletion(Json object, const std::string& now) {
  if (is_being_deleted(object)) return object;
  object["metadata"]["deletionTimestamp"] = now;
  object["metadata"]["deletionGracePeriodSeconds"] = 0;
  std::int64_t generation = int_at(object, 0, "metadata", "generation");
  if (generation > 0) object["metadata"]["generation"] = generation + 1;
  return object;
}

}  // namespace

Result<Json> FakeCluster::remove(const Target& target) {
  const Request& request = target.request;
  const fake::Kind& kind = *target.kind;
  auto stored = store_.find(target.collection(), request.key);
  if (stored == nullptr) return fail(fake::not_found(kind.qualified_resource(), request.key.name));
  RETURN_IF_ERROR(view(kind, *target.version, *stored));
  RETURN_IF_ERROR(check_preconditions(kind, request, *stored));
  RETURN_IF_ERROR(policy_.admit(request, kind, *stored));

  std::string now = format_time(clock_.now());
  Json next = *stored;
  if (request.propagation == Propagation::Orphan) add_finalizer(next, kOrphan);
  if (request.propagation == Propagation::Foreground) add_finalizer(next, kForeground);
  bool is_crd = target.collection() == fake::crd_collection();
  if (is_crd && !is_being_deleted(next)) {
    add_finalizer(next, fake::kInstanceCleanup);
    fake::set_condition(next, "Terminating", "True", "InstanceDeletionPending",
                        "CustomResourceDefinition marked for deletion; CustomResource deletion "
                        "will begin soon",
                        now);
  }
  bool is_namespace = kind.kind == "Namespace" && kind.group.empty();
  if (is_namespace) next["status"]["phase"] = "Terminating";
  if (!is_namespace && array_at(next, "metadata", "finalizers").empty()) {
    if (!request.dry_run) erase(target.collection(), request.key);
    return deletion_status(kind, *stored);
  }
  next = marked_for_deletion(std::move(next), now);
  if (request.dry_run || next == *stored) return view(kind, *target.version, next);
  put(target, request.key, std::move(next));
  return view(kind, *target.version, *store_.find(target.collection(), request.key));
}

void FakeCluster::erase(const fake::Collection& collection, const ObjectKey& key) {
  auto before = store_.find(collection, key);
  store_.erase(collection, key);
  if (collection == fake::crd_collection()) crds_.note_written(key.name, before.get(), nullptr);
}

void FakeCluster::run_garbage_collection() {
  std::lock_guard lock(mutex_);
  crds_.advance();
  while (collect_once()) {
  }
}

bool FakeCluster::collect_once() {
  std::set<std::string> alive;
  std::set<std::string> orphaning;
  std::set<std::string> has_children;
  for (const auto& [collection, objects] : store_.everything()) {
    for (const auto& [key, object] : objects) {
      alive.insert(uid_of(*object));
      if (is_being_deleted(*object) && has_finalizer(*object, kOrphan)) {
        orphaning.insert(uid_of(*object));
      }
      for (const Json& owner : array_at(*object, "metadata", "ownerReferences")) {
        has_children.insert(string_at(owner, "uid"));
      }
    }
  }
  const auto everything = store_.everything();
  for (const auto& [collection, objects] : everything) {
    for (const auto& [key, object] : objects) {
      Json next = *object;
      Json owners = array_at(next, "metadata", "ownerReferences");
      Json kept = Json::array();
      bool any_alive = false;
      for (const Json& owner : owners) {
        std::string uid = string_at(owner, "uid");
        any_alive = any_alive || alive.contains(uid);
        if (!orphaning.contains(uid)) kept.push_back(owner);
      }
      if (!owners.empty() && !any_alive && array_at(next, "metadata", "finalizers").empty()) {
        erase(collection, key);
        return true;
      }
      if (kept != owners) {
        next["metadata"]["ownerReferences"] = kept;
        if (kept.empty()) next["metadata"].erase("ownerReferences");
        store_.put(collection, key, std::move(next));
        return true;
      }
      bool may_go = is_being_deleted(next) && !has_children.contains(uid_of(next));
      if (may_go && (has_finalizer(next, kOrphan) || has_finalizer(next, kForeground))) {
        drop_finalizer(next, kOrphan);
        drop_finalizer(next, kForeground);
        bool gone = array_at(next, "metadata", "finalizers").empty();
        if (gone) erase(collection, key);
        if (!gone) store_.put(collection, key, std::move(next));
        return true;
      }
    }
  }
  return false;
}

}  // namespace gatelift
