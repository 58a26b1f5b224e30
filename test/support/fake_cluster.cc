// SPDX-License-Identifier: Apache-2.0
#include "test/support/fake_cluster.h"

#include "test/support/api_error.h"
#include "test/support/crd_rules.h"
#include "test/support/fake_discovery.h"

namespace gatelift {
namespace {

const char* rbac_verb(Verb verb) {
  switch (verb) {
    case Verb::Get:
      return "get";
    case Verb::List:
      return "list";
    case Verb::Create:
      return "create";
    case Verb::Replace:
      return "update";
    case Verb::MergePatch:
    case Verb::JsonPatch:
    case Verb::Apply:
      return "patch";
    case Verb::Delete:
      return "delete";
  }
  return "get";
}

const fake::Collection kReviews = fake::collection_of(resources::kSelfSubjectAccessReviews);

}  // namespace

FakeCluster::FakeCluster(ManualClock& clock) : clock_(clock), crds_(store_, clock) {
  for (fake::Kind& kind : fake::standard_kinds()) {
    fake::Collection collection{kind.group, kind.plural};
    built_in_[collection] = std::make_shared<const fake::Kind>(std::move(kind));
  }
  for (const char* name : {"default", "kube-system", "kube-public", "kube-node-lease"}) {
    add_namespace(name);
  }
}

FakeCluster::~FakeCluster() = default;

Result<Json> FakeCluster::send(const Request& request) {
  std::lock_guard lock(mutex_);
  RETURN_IF_ERROR(check_request(request));
  if (hook_ && !in_hook_) {
    in_hook_ = true;
    hook_(request);
    in_hook_ = false;
  }
  crds_.advance();
  Result<Json> result = answer(request);
  if (is_write(request.verb)) {
    ObjectKey key = request.key;
    if (key.name.empty()) key.name = key_of(result ? *result : request.body).name;
    writes_.push_back({request.verb, request.resource, key, request.subresource,
                       request.field_manager, request.dry_run,
                       result ? 200 : result.error().http_status});
  }
  if (!result) return fail(fake::answered(result.error(), describe(request)));
  return result;
}

Result<Json> FakeCluster::answer(const Request& request) {
  if (!request.raw_path.empty()) return fake::discovery(all_kinds(), request.raw_path);
  ASSIGN_OR_RETURN(Target target, resolve(request));
  RETURN_IF_ERROR(
      policy_.authorize(rbac_verb(request.verb), *target.kind, request.subresource, request.key));
  switch (request.verb) {
    case Verb::Get:
      return get_one(target);
    case Verb::List:
      return list(target);
    case Verb::Create:
      if (target.collection() == kReviews) return policy_.review(request.body);
      return create(target);
    case Verb::Replace:
    case Verb::MergePatch:
    case Verb::JsonPatch:
    case Verb::Apply:
      return modify(target);
    case Verb::Delete:
      return remove(target);
  }
  return fail(fake::not_served());
}

std::shared_ptr<const fake::Kind> FakeCluster::kind_at(const fake::Collection& collection) {
  auto it = built_in_.find(collection);
  return it != built_in_.end() ? it->second : crds_.kind(collection);
}

std::vector<std::shared_ptr<const fake::Kind>> FakeCluster::all_kinds() {
  std::vector<std::shared_ptr<const fake::Kind>> kinds;
  for (const auto& [collection, kind] : built_in_) kinds.push_back(kind);
  for (const auto& [key, crd] : store_.all(fake::crd_collection())) {
    auto kind =
        crds_.kind({string_at(*crd, "spec", "group"), string_at(*crd, "spec", "names", "plural")});
    if (kind != nullptr) kinds.push_back(std::move(kind));
  }
  return kinds;
}

Result<FakeCluster::Target> FakeCluster::resolve(const Request& request) {
  Target target{request, kind_at(fake::collection_of(request.resource)), nullptr};
  if (target.kind == nullptr || target.kind->namespaced != request.resource.namespaced) {
    return fail(fake::not_served());
  }
  target.version = target.kind->version(request.resource.version);
  if (target.version == nullptr || !target.version->served) return fail(fake::not_served());
  bool known_subresource = request.subresource.empty() ||
                           (request.subresource == "status" && target.version->has_status);
  if (!known_subresource) {
    return fail(
        fake::api_error(404, "NotFound", "the server could not find the requested resource"));
  }
  return target;
}

void FakeCluster::add_namespace(const std::string& name) {
  seed(resources::kNamespaces, {
                                   {"apiVersion", "v1"                            },
                                   {"kind",       "Namespace"                     },
                                   {"metadata",   {{"name", name}}                },
                                   {"spec",       {{"finalizers", {"kubernetes"}}}},
                                   {"status",     {{"phase", "Active"}}           }
  });
}

void FakeCluster::set_namespace_terminating(const std::string& name) {
  std::lock_guard lock(mutex_);
  Json ns = stored(resources::kNamespaces, {"", name}).value();
  ns["metadata"]["deletionTimestamp"] = format_time(clock_.now());
  ns["status"]["phase"] = "Terminating";
  store_.put(fake::collection_of(resources::kNamespaces), {"", name}, std::move(ns));
}

void FakeCluster::install_crd(const Json& crd) {
  std::lock_guard lock(mutex_);
  Json object = crd;
  std::string name = key_of(crd).name;
  fake::complete_new_crd(object);
  seed(resources::kCrds, std::move(object));
  crds_.note_written(name, nullptr, &crd);
  crds_.establish(name);
}

void FakeCluster::seed(const Resource& resource, Json object) {
  std::lock_guard lock(mutex_);
  Json& metadata = object["metadata"];
  if (!metadata.contains("uid")) metadata["uid"] = store_.new_uid();
  if (!metadata.contains("creationTimestamp")) {
    metadata["creationTimestamp"] = format_time(clock_.now());
  }
  auto kind = kind_at(fake::collection_of(resource));
  if (kind != nullptr && kind->counts_generation && !metadata.contains("generation")) {
    metadata["generation"] = 1;
  }
  ObjectKey key = key_of(object);
  store_.put(fake::collection_of(resource), key, std::move(object));
}

void FakeCluster::add_kind(const Resource& resource, const std::string& kind) {
  std::lock_guard lock(mutex_);
  fake::Kind added = fake::built_in(resource, kind);
  added.counts_generation = true;
  added.versions.front().has_status = true;
  built_in_[fake::collection_of(resource)] = std::make_shared<const fake::Kind>(std::move(added));
}

void FakeCluster::remove_kind(const Resource& resource) {
  std::lock_guard lock(mutex_);
  built_in_.erase(fake::collection_of(resource));
}

void FakeCluster::set_establish_after(std::chrono::milliseconds time, int reads) {
  std::lock_guard lock(mutex_);
  crds_.set_establish_after(time, reads);
}

void FakeCluster::compact() {
  std::lock_guard lock(mutex_);
  store_.compact();
}

void FakeCluster::end_watches(const Resource& resource) {
  std::lock_guard lock(mutex_);
  crds_.break_watches(fake::collection_of(resource));
}

std::optional<Json> FakeCluster::stored(const Resource& resource, const ObjectKey& key) const {
  std::lock_guard lock(mutex_);
  auto object = store_.find(fake::collection_of(resource), key);
  return object == nullptr ? std::nullopt : std::optional<Json>(*object);
}

std::vector<ObjectKey> FakeCluster::stored_keys(const Resource& resource) const {
  std::lock_guard lock(mutex_);
  std::vector<ObjectKey> keys;
  for (const auto& [key, object] : store_.all(fake::collection_of(resource))) keys.push_back(key);
  return keys;
}

}  // namespace gatelift
