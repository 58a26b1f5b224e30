// SPDX-License-Identifier: Apache-2.0
#include "test/support/calls.h"

namespace gatelift {
namespace {

Request call(Verb verb, const std::string& manager, const Resource& resource, const ObjectKey& key,
             Json body) {
  Request request;
  request.verb = verb;
  request.field_manager = manager;
  request.resource = resource;
  request.key = key;
  request.body = std::move(body);
  return request;
}

bool answers_lists(Cluster& cluster, const Resource& resource) {
  Request request;
  request.verb = Verb::List;
  request.resource = resource;
  request.limit = 1;
  return cluster.send(request).has_value();
}

bool is_established(Cluster& cluster, const std::string& name) {
  auto crd = get(cluster, resources::kCrds, {"", name});
  if (!crd) return false;
  for (const Json& condition : array_at(*crd, "status", "conditions")) {
    if (string_at(condition, "type") == "Established") {
      return string_at(condition, "status") == "True";
    }
  }
  return false;
}

}  // namespace

Result<Json> apply_as(Cluster& cluster, const std::string& manager, const Resource& resource,
                      const Json& object, bool force) {
  Request request = call(Verb::Apply, manager, resource, key_of(object), object);
  request.force = force;
  return cluster.send(request);
}

Result<Json> create_as(Cluster& cluster, const std::string& manager, const Resource& resource,
                       const Json& object) {
  return cluster.send(call(Verb::Create, manager, resource, {key_of(object).ns, ""}, object));
}

Result<Json> replace_as(Cluster& cluster, const std::string& manager, const Resource& resource,
                        const Json& object, const std::string& subresource) {
  Request request = call(Verb::Replace, manager, resource, key_of(object), object);
  request.subresource = subresource;
  return cluster.send(request);
}

Result<Json> json_patch_as(Cluster& cluster, const std::string& manager, const Resource& resource,
                           const ObjectKey& key, Json patch) {
  return cluster.send(call(Verb::JsonPatch, manager, resource, key, std::move(patch)));
}

Result<Json> merge_patch_as(Cluster& cluster, const std::string& manager, const Resource& resource,
                            const ObjectKey& key, Json patch, const std::string& subresource) {
  Request request = call(Verb::MergePatch, manager, resource, key, std::move(patch));
  request.subresource = subresource;
  return cluster.send(request);
}

Result<Json> delete_object(Cluster& cluster, const Resource& resource, const ObjectKey& key,
                           Preconditions preconditions) {
  Request request = call(Verb::Delete, "", resource, key, Json());
  request.preconditions = std::move(preconditions);
  return cluster.send(request);
}

Result<std::vector<Json>> list_all(Cluster& cluster, const Resource& resource,
                                   const std::string& ns) {
  Request request;
  request.verb = Verb::List;
  request.resource = resource;
  request.key.ns = ns;
  std::vector<Json> objects;
  RETURN_IF_ERROR(for_each_object(cluster, request, [&](Json&& object) -> Result<void> {
    objects.push_back(std::move(object));
    return {};
  }));
  return objects;
}

bool wait_until(Clock& clock, const std::function<bool()>& done, std::chrono::milliseconds limit) {
  Time deadline = clock.now() + limit;
  while (!done()) {
    if (clock.now() >= deadline || !clock.sleep(std::chrono::milliseconds(20))) return false;
  }
  return true;
}

Result<void> create_served_crd(Cluster& cluster, Clock& clock, const Json& crd,
                               const std::string& manager) {
  RETURN_IF_ERROR(create_as(cluster, manager, resources::kCrds, crd));
  std::string name = key_of(crd).name;
  bool namespaced = string_at(crd, "spec", "scope") == "Namespaced";
  bool served = wait_until(clock, [&] {
    if (!is_established(cluster, name)) return false;
    for (const Json& version : array_at(crd, "spec", "versions")) {
      if (!bool_at(version, false, "served")) continue;
      Resource resource{string_at(crd, "spec", "group"), string_at(version, "name"),
                        string_at(crd, "spec", "names", "plural"), namespaced};
      if (!answers_lists(cluster, resource)) return false;
    }
    return true;
  });
  if (!served) return fail(ErrorKind::Unavailable, "the CRD " + name + " was not served in time");
  return {};
}

}  // namespace gatelift
