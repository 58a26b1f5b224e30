// SPDX-License-Identifier: Apache-2.0
#include "test/support/fake_crds.h"

#include <algorithm>

#include "test/support/crd_rules.h"

namespace gatelift::fake {
namespace {

// crd_finalizer.go polls for a minute before it deletes the instances again.
constexpr std::chrono::seconds kFinalizerPoll{60};

bool has_finalizer(const Json& object, const std::string& finalizer) {
  const Json& list = array_at(object, "metadata", "finalizers");
  return std::find(list.begin(), list.end(), Json(finalizer)) != list.end();
}

Collection instances_of(const Json& crd) {
  return {string_at(crd, "spec", "group"), string_at(crd, "spec", "names", "plural")};
}

}  // namespace

void FakeCrds::set_establish_after(std::chrono::milliseconds time, int reads) {
  establish_after_ = time;
  establish_reads_ = reads;
}

std::shared_ptr<const Kind> FakeCrds::kind(const Collection& collection) {
  std::string name = collection.second + "." + collection.first;
  auto crd = store_.find(crd_collection(), {"", name});
  if (crd == nullptr || !condition_is_true(*crd, "Established")) return nullptr;
  Known& known = known_[name];
  if (known.crd != crd) known = {crd, std::make_shared<const Kind>(kind_of_crd(*crd))};
  return known.kind;
}

void FakeCrds::note_written(const std::string& name, const Json* before, const Json* after) {
  if (before == nullptr) lives_[name] = Life{clock_.now(), 0, std::nullopt, std::nullopt};
  if (after == nullptr) lives_.erase(name);
  bool deletion_begins = before != nullptr && after != nullptr && !is_being_deleted(*before) &&
                         is_being_deleted(*after);
  if (deletion_begins) lives_[name].since = clock_.now();
  if (before != nullptr && (after == nullptr || (*before)["spec"] != (*after)["spec"])) {
    break_watches(instances_of(*before));
  }
}

std::int64_t FakeCrds::watches_broken_at(const Collection& collection) const {
  auto it = broken_.find(collection);
  return it == broken_.end() ? 0 : it->second;
}

void FakeCrds::break_watches(const Collection& collection) {
  broken_[collection] = store_.revision();
}

Time FakeCrds::established_at(const Collection& collection) const {
  auto it = lives_.find(collection.second + "." + collection.first);
  return it == lives_.end() ? Time{} : it->second.established.value_or(Time{});
}

void FakeCrds::establish(const std::string& name) {
  auto crd = store_.find(crd_collection(), {"", name});
  if (crd == nullptr) return;
  accept_names(name, *crd);
  lives_[name].established.reset();
}

void FakeCrds::accept_names(const std::string& name, Json crd) {
  std::string now = format_time(clock_.now());
  crd["status"]["acceptedNames"] = crd["spec"]["names"];
  set_condition(crd, "NamesAccepted", "True", "NoConflicts", "no conflicts found", now);
  store_.put(crd_collection(), {"", name}, crd);
  set_condition(crd, "Established", "True", "InitialNamesAccepted",
                "the initial names have been accepted", now);
  Collection instances = instances_of(crd);
  store_.put(crd_collection(), {"", name}, std::move(crd));
  lives_[name].established = clock_.now();
  break_watches(instances);
}

void FakeCrds::advance() {
  const FakeStore::Objects crds = store_.all(crd_collection());
  for (const auto& [key, crd] : crds) {
    Life& life = lives_[key.name];
    if (is_being_deleted(*crd)) {
      finalize(key.name, *crd, life);
    } else if (!condition_is_true(*crd, "Established") && life.reads >= establish_reads_ &&
               clock_.now() - life.since >= establish_after_) {
      accept_names(key.name, *crd);
    }
  }
}

void FakeCrds::finalize(const std::string& name, const Json& crd, Life& life) {
  if (!has_finalizer(crd, kInstanceCleanup) || clock_.now() - life.since < finalize_after_) return;
  Collection instances = instances_of(crd);
  bool due =
      !life.deleted_instances_at || clock_.now() - *life.deleted_instances_at >= kFinalizerPoll;
  if (due) {
    bool again = life.deleted_instances_at.has_value();
    life.deleted_instances_at = clock_.now();
    if (!delete_instances(kind_of_crd(crd))) {
      note_deletion(name, "True", "InstanceDeletionFailed", "could not list instances");
      return;
    }
    if (again && !store_.all(instances).empty()) {
      note_deletion(name, "True", "InstanceDeletionCheck",
                    "could not confirm zero CustomResources remaining");
    }
  }
  if (store_.all(instances).empty()) finish(name);
}

bool FakeCrds::delete_instances(const Kind& kind) {
  Collection collection{kind.group, kind.plural};
  const FakeStore::Objects objects = store_.all(collection);
  for (const auto& [key, object] : objects) {
    std::string version = version_of_api_version(string_at(*object, "apiVersion"));
    if (kind.version(version) == nullptr) return false;
  }
  for (const auto& [key, object] : objects) {
    if (array_at(*object, "metadata", "finalizers").empty()) {
      store_.erase(collection, key);
    } else if (!is_being_deleted(*object)) {
      Json marked = *object;
      marked["metadata"]["deletionTimestamp"] = format_time(clock_.now());
      marked["metadata"]["deletionGracePeriodSeconds"] = 0;
      marked["metadata"]["generation"] = int_at(marked, 0, "metadata", "generation") + 1;
      store_.put(collection, key, std::move(marked));
    }
  }
  return true;
}

void FakeCrds::note_deletion(const std::string& name, const std::string& status,
                             const std::string& reason, const std::string& message) {
  Json crd = *store_.find(crd_collection(), {"", name});
  Json before = crd;
  set_condition(crd, "Terminating", status, reason, message, format_time(clock_.now()));
  if (crd != before) store_.put(crd_collection(), {"", name}, std::move(crd));
}

void FakeCrds::finish(const std::string& name) {
  note_deletion(name, "False", "InstanceDeletionCompleted", "removed all instances");
  Json crd = *store_.find(crd_collection(), {"", name});
  Json& finalizers = crd["metadata"]["finalizers"];
  finalizers.erase(std::remove(finalizers.begin(), finalizers.end(), Json(kInstanceCleanup)),
                   finalizers.end());
  if (!finalizers.empty()) {
    store_.put(crd_collection(), {"", name}, std::move(crd));
    return;
  }
  store_.erase(crd_collection(), {"", name});
  note_written(name, &crd, nullptr);
}

}  // namespace gatelift::fake
