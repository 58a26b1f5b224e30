// SPDX-License-Identifier: Apache-2.0
// Creates and changes, in the order in which an API server does its work: decode (prune, default),
// merge or patch, ownership, what the strategy keeps from the old object, validation, admission,
// storage.
#include "test/support/api_error.h"
#include "test/support/crd_rules.h"
#include "test/support/fake_cluster.h"
#include "test/support/managed_fields.h"
#include "test/support/object_rules.h"
#include "test/support/schema_validation.h"
#include "test/support/structural_schema.h"

namespace gatelift {
namespace {

// etcd's --max-request-bytes.
constexpr std::size_t kMaxStoredBytes = 1536 * 1024;
constexpr std::chrono::seconds kJustCreated{2};

fake::WriteScope scope_of(const Request& request, const fake::Kind& kind,
                          const fake::KindVersion& version, Time now) {
  std::string manager =
      request.field_manager.empty() ? std::string(kFieldManager) : request.field_manager;
  return {kind, version, request.subresource, std::move(manager), now};
}

bool drops_status(const fake::KindVersion& version, const Request& request) {
  return version.has_status && request.subresource.empty();
}

/// A write through the status endpoint: everything but status is kept. The CRD registry keeps
/// metadata open, too (kubernetes#137681).
Json with_status_of(const Json& live, const Json& next, bool custom) {
  Json out = live;
  if (next.contains("status")) {
    out["status"] = next["status"];
  } else {
    out.erase("status");
  }
  if (!custom) {
    out["metadata"] = next["metadata"];
  } else if (next["metadata"].contains("managedFields")) {
    out["metadata"]["managedFields"] = next["metadata"]["managedFields"];
  } else {
    out["metadata"].erase("managedFields");
  }
  return out;
}

}  // namespace

Result<void> FakeCluster::check_new_content(const Target& target, const ObjectKey& key) {
  if (target.kind->terminating) {
    return fail(
        fake::forbidden(target.kind->qualified_resource(), key.name,
                        "create not allowed while custom resource definition is terminating"));
  }
  if (!target.kind->namespaced) return {};
  auto ns = store_.find(fake::collection_of(resources::kNamespaces), {"", key.ns});
  if (ns == nullptr) return fail(fake::not_found("namespaces", key.ns));
  if (!is_being_deleted(*ns)) return {};
  return fail(fake::forbidden(
      target.kind->qualified_resource(), key.name,
      "unable to create new content in namespace " + key.ns + " because it is being terminated",
      {
          {"NamespaceTerminating", "metadata.namespace",
           "namespace " + key.ns + " is being terminated"}
  }));
}

void FakeCluster::delay_create(const Target& target) {
  if (!create_delay_ || !target.kind->custom) return;
  Time served_since = crds_.established_at(target.collection());
  auto left = std::chrono::duration_cast<std::chrono::milliseconds>(served_since + kJustCreated -
                                                                    clock_.now());
  if (left.count() > 0) clock_.advance(kJustCreated);
}

Result<Json> FakeCluster::create(const Target& target) {
  const Request& request = target.request;
  Json object = request.body;
  ObjectKey key = key_of(object);
  if (key.ns.empty()) key.ns = request.key.ns;
  RETURN_IF_ERROR(
      fake::check_identity(*target.kind, *target.version, {request.key.ns, key.name}, object));
  delay_create(target);
  RETURN_IF_ERROR(check_new_content(target, key));
  if (target.kind->namespaced) object["metadata"]["namespace"] = key.ns;
  RETURN_IF_ERROR(
      fake::decode(*target.kind, *target.version, request.field_validation, request.verb, object));
  Json nothing = fake::blank_object(object);
  object = fake::track_update(scope_of(request, *target.kind, *target.version, clock_.now()),
                              nothing, std::move(object));
  return insert(target, key, std::move(object));
}

Result<Json> FakeCluster::create_by_apply(const Target& target) {
  const Request& request = target.request;
  RETURN_IF_ERROR(fake::check_identity(*target.kind, *target.version, request.key, request.body));
  Json config = request.body;
  if (target.kind->namespaced) config["metadata"]["namespace"] = request.key.ns;
  ASSIGN_OR_RETURN(Json object,
                   fake::track_apply(scope_of(request, *target.kind, *target.version, clock_.now()),
                                     fake::blank_object(config), config, request.force));
  RETURN_IF_ERROR(check_new_content(target, request.key));
  object["metadata"]["name"] = request.key.name;
  RETURN_IF_ERROR(
      fake::decode(*target.kind, *target.version, request.field_validation, request.verb, object));
  return insert(target, request.key, std::move(object));
}

Result<void> FakeCluster::validate(const Target& target, const Json& object,
                                   const Json* before) const {
  std::vector<Cause> causes = fake::check_metadata(object, before);
  if (target.kind->custom) {
    for (Cause& cause : fake::validate(object, before, target.version->schema)) {
      causes.push_back(std::move(cause));
    }
  }
  bool is_crd = target.collection() == fake::crd_collection();
  if (is_crd && target.request.subresource.empty()) {
    for (Cause& cause : fake::check_crd(object, before)) causes.push_back(std::move(cause));
  }
  for (Cause& cause : fake::check_payload(*target.kind, object)) causes.push_back(std::move(cause));
  if (causes.empty()) return {};
  return fail(fake::invalid(target.kind->qualified_kind(), key_of(object).name, std::move(causes)));
}

Result<Json> FakeCluster::insert(const Target& target, const ObjectKey& key, Json object) {
  const fake::Kind& kind = *target.kind;
  if (!resource_version_of(object).empty()) {
    return fail(fake::internal("resourceVersion should not be set on objects to be created"));
  }
  Json& metadata = object["metadata"];
  for (const char* field :
       {"deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "generation"}) {
    metadata.erase(field);
  }
  metadata["uid"] = store_.new_uid();
  metadata["creationTimestamp"] = format_time(clock_.now());
  if (kind.counts_generation) metadata["generation"] = 1;
  if (target.version->has_status) object.erase("status");
  if (target.collection() == fake::crd_collection()) fake::complete_new_crd(object);
  if (kind.kind == "Namespace") {
    object["spec"]["finalizers"] = {"kubernetes"};
    object["status"] = {
        {"phase", "Active"}
    };
  }
  RETURN_IF_ERROR(validate(target, object, nullptr));
  RETURN_IF_ERROR(policy_.admit(target.request, kind, object));
  std::size_t in_namespace = 0;
  for (const auto& [existing, stored] : store_.all(target.collection()))
    in_namespace += existing.ns == key.ns;
  RETURN_IF_ERROR(policy_.admit_one_more(kind, key.name, in_namespace));
  if (auto existing = store_.find(target.collection(), key)) {
    Error error = fake::already_exists(kind.qualified_resource(), key.name);
    if (is_being_deleted(*existing)) error.message = "object is being deleted: " + error.message;
    return fail(std::move(error));
  }
  Json stored = encoded(kind, target.version->name, std::move(object));
  if (print_json(stored).size() > kMaxStoredBytes) {
    return fail(fake::internal("etcdserver: request is too large"));
  }
  if (target.request.dry_run) return view(kind, *target.version, stored);
  put(target, key, std::move(stored));
  return view(kind, *target.version, *store_.find(target.collection(), key));
}

Result<Json> FakeCluster::modify(const Target& target) {
  const Request& request = target.request;
  auto stored = store_.find(target.collection(), request.key);
  if (stored == nullptr) {
    if (request.verb == Verb::Apply && request.subresource.empty()) return create_by_apply(target);
    return fail(fake::not_found(target.kind->qualified_resource(), request.key.name));
  }
  ASSIGN_OR_RETURN(Json live, view(*target.kind, *target.version, *stored));
  ASSIGN_OR_RETURN(Json next, next_state(target, live));
  return update(target, *stored, live, std::move(next));
}

Result<Json> FakeCluster::next_state(const Target& target, const Json& live) {
  const Request& request = target.request;
  const fake::Kind& kind = *target.kind;
  fake::WriteScope scope = scope_of(request, kind, *target.version, clock_.now());
  Json next;
  if (request.verb == Verb::Apply) {
    RETURN_IF_ERROR(fake::check_identity(kind, *target.version, request.key, request.body));
    RETURN_IF_ERROR(fake::check_locks(kind, request, live, request.body));
    ASSIGN_OR_RETURN(next, fake::track_apply(scope, live, request.body, request.force));
    RETURN_IF_ERROR(
        fake::decode(kind, *target.version, request.field_validation, request.verb, next));
    return next;
  }
  if (request.verb == Verb::Replace) {
    next = request.body;
  } else {
    ASSIGN_OR_RETURN(next, fake::patched(live, request));
  }
  RETURN_IF_ERROR(fake::check_identity(kind, *target.version, request.key, next));
  RETURN_IF_ERROR(fake::check_locks(kind, request, live, next));
  RETURN_IF_ERROR(
      fake::decode(kind, *target.version, request.field_validation, request.verb, next));
  return fake::track_update(scope, live, std::move(next));
}

Result<Json> FakeCluster::update(const Target& target, const Json& stored, const Json& live,
                                 Json next) {
  const Request& request = target.request;
  const fake::Kind& kind = *target.kind;
  if (request.subresource == "status") {
    next = with_status_of(live, next, kind.custom);
  } else if (drops_status(*target.version, request)) {
    next.erase("status");
    if (live.contains("status")) next["status"] = live["status"];
  }
  fake::keep_server_fields(live, next);
  bool is_crd = target.collection() == fake::crd_collection();
  if (is_crd && request.subresource.empty()) fake::complete_changed_crd(next);
  if (is_crd && !request.subresource.empty()) fake::complete_crd_status(next);
  if (kind.counts_generation && fake::content_differs(live, next, target.version->has_status)) {
    next["metadata"]["generation"] = int_at(live, 0, "metadata", "generation") + 1;
  }
  RETURN_IF_ERROR(validate(target, next, &live));
  RETURN_IF_ERROR(policy_.admit(request, kind, next));

  bool gone = is_being_deleted(next) && array_at(next, "metadata", "finalizers").empty() &&
              kind.kind != "Namespace";
  Json bytes = encoded(kind, target.version->name, next);
  bytes["metadata"]["resourceVersion"] = resource_version_of(stored);
  if (print_json(bytes).size() > kMaxStoredBytes) {
    return fail(fake::internal("etcdserver: request is too large"));
  }
  if (request.dry_run || bytes == stored) return view(kind, *target.version, bytes);
  put(target, request.key, std::move(bytes));
  ASSIGN_OR_RETURN(Json answer,
                   view(kind, *target.version, *store_.find(target.collection(), request.key)));
  if (gone) erase(target.collection(), request.key);
  return answer;
}

Json FakeCluster::encoded(const fake::Kind& kind, const std::string& version, Json object) const {
  if (kind.custom && version != kind.storage_version) {
    const fake::KindVersion* storage = kind.version(kind.storage_version);
    if (storage != nullptr) fake::prune(object, storage->schema);
  }
  object["apiVersion"] = kind.api_version(kind.storage_version);
  object["kind"] = kind.kind;
  return object;
}

void FakeCluster::put(const Target& target, const ObjectKey& key, Json object) {
  auto before = store_.find(target.collection(), key);
  store_.put(target.collection(), key, std::move(object));
  if (target.collection() != fake::crd_collection()) return;
  auto after = store_.find(target.collection(), key);
  crds_.note_written(key.name, before.get(), after.get());
}

}  // namespace gatelift
