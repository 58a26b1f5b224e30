// SPDX-License-Identifier: Apache-2.0
#include "test/support/gateway_world.h"

#include <fstream>
#include <sstream>
#include <stdexcept>

#include "client/yaml.h"
#include "reconcilers/backup/backup.h"

namespace gatelift {
namespace world {
namespace {

Json text() {
  return {
      {"type", "string"}
  };
}

Json object_of(Json properties, Json required = Json::array()) {
  Json schema = {
      {"type",       "object"             },
      {"properties", std::move(properties)}
  };
  if (!required.empty()) schema["required"] = std::move(required);
  return schema;
}

Json list_of(Json items) {
  return {
      {"type",                   "array"         },
      {"items",                  std::move(items)},
      {"x-kubernetes-list-type", "atomic"        }
  };
}

Json version(const std::string& name, bool storage, Json spec_schema) {
  Json ancestors = list_of(object_of({
      {"controllerName", text()                                                                             },
      {"conditions",     list_of(object_of({{"type", text()},
                                        {"status", text()},
                                        {"observedGeneration", {{"type", "integer"}}}}))}
  }));
  return {
      {"name",         name                                                         },
      {"served",       true                                                         },
      {"storage",      storage                                                      },
      {"subresources", {{"status", Json::object()}}                                 },
      {"schema",
       {{"openAPIV3Schema",
         object_of({{"apiVersion", text()},
                    {"kind", text()},
                    {"metadata", {{"type", "object"}}},
                    {"spec", std::move(spec_schema)},
                    {"status", object_of({{"ancestors", std::move(ancestors)}})}})}}}
  };
}

Json crd(const std::string& plural, const std::string& kind, const std::string& bundle_version,
         Json versions) {
  std::string singular = plural.substr(0, plural.size() - 1);
  return {
      {"apiVersion", "apiextensions.k8s.io/v1"                    },
      {"kind",       "CustomResourceDefinition"                   },
      {"metadata",
       {{"name", plural + ".gateway.networking.k8s.io"},
        {"annotations",
         {{"api-approved.kubernetes.io", "https://github.com/kubernetes-sigs/gateway-api/pull/1"},
          {"gateway.networking.k8s.io/bundle-version", bundle_version},
          {"gateway.networking.k8s.io/channel", "experimental"}}}}},
      {"spec",
       {{"group", "gateway.networking.k8s.io"},
        {"scope", "Namespaced"},
        {"names",
         {{"plural", plural}, {"singular", singular}, {"kind", kind}, {"listKind", kind + "List"}}},
        {"versions", std::move(versions)}}                        }
  };
}

Json target_ref() {
  return object_of(
      {
          {"group",       text()},
          {"kind",        text()},
          {"name",        text()},
          {"namespace",   text()},
          {"sectionName", text()}
  },
      {"group", "kind", "name"});
}

Json ca_refs() {
  return list_of(object_of({
      {"group", text()},
      {"kind",  text()},
      {"name",  text()}
  }));
}

Json old_policy_schema() {
  return object_of(
      {
          {"targetRef",                                                                         target_ref()},
          { "tls",
           object_of(
               {{"caCertRefs", ca_refs()}, {"wellKnownCACerts", text()}, {"hostname", text()}},
           {"hostname"})}
  },
      {"targetRef", "tls"});
}

Json new_policy_schema() {
  Json ref = target_ref();
  ref["properties"].erase("namespace");
  return object_of(
      {
          {"targetRefs",                                              list_of(std::move(ref))},
          { "validation", object_of({{"caCertificateRefs", ca_refs()},
                                    {"wellKnownCACertificates", text()},
                                    {"hostname", text()}},
           {"hostname"})}
  },
      {"targetRefs", "validation"});
}

/// The new release takes each status code once.
Json route_schema(bool with_names) {
  Json codes = list_of({
      {"type", "integer"}
  });
  if (with_names) codes["x-kubernetes-list-type"] = "set";
  Json schema = object_of({
      {"hostnames", list_of(text())                                                          },
      {"rules",     list_of(object_of({{"retry", object_of({{"codes", std::move(codes)}})}}))}
  });
  if (with_names) schema["properties"]["name"] = text();
  return schema;
}

}  // namespace

std::vector<Json> old_bundle_crds() {
  Json policies = Json::array({version("v1alpha2", true, old_policy_schema())});
  Json routes = Json::array(
      {version("v1", false, route_schema(false)), version("v1beta1", true, route_schema(false))});
  Json grpc = Json::array({version("v1alpha2", true, route_schema(false))});
  return {crd("backendtlspolicies", "BackendTLSPolicy", "v1.0.0", policies),
          crd("httproutes", "HTTPRoute", "v1.0.0", routes),
          crd("grpcroutes", "GRPCRoute", "v1.0.0", grpc)};
}

Json grant_schema() {
  return object_of({
      {"from", list_of(object_of({{"group", text()}, {"kind", text()}, {"namespace", text()}}))}
  });
}

std::vector<Json> new_bundle_crds() {
  Json policies = Json::array({version("v1alpha3", true, new_policy_schema())});
  Json routes = Json::array(
      {version("v1", true, route_schema(true)), version("v1beta1", false, route_schema(true))});
  Json grpc = Json::array({version("v1", true, route_schema(true))});
  Json added = Json::array({version("v1alpha2", true, route_schema(true))});
  return {crd("backendtlspolicies", "BackendTLSPolicy", "v1.1.1", policies),
          crd("httproutes", "HTTPRoute", "v1.1.1", routes),
          crd("grpcroutes", "GRPCRoute", "v1.1.1", grpc),
          crd("backendlbpolicies", "BackendLBPolicy", "v1.1.1", added)};
}

Json policy(const std::string& ns, const std::string& name) {
  return {
      {"apiVersion", "gateway.networking.k8s.io/v1alpha2"                            },
      {"kind",       "BackendTLSPolicy"                                              },
      {"metadata",   {{"namespace", ns}, {"name", name}, {"labels", {{"app", name}}}}},
      {"spec",
       {{"targetRef", {{"group", ""}, {"kind", "Service"}, {"name", name}}},
        {"tls",
         {{"hostname", name + ".example.com"},
          {"caCertRefs",
           Json::array({{{"group", ""}, {"kind", "ConfigMap"}, {"name", "ca"}}})}}}} }
  };
}

Json http_route(const std::string& ns, const std::string& name) {
  return {
      {"apiVersion", "gateway.networking.k8s.io/v1"                       },
      {"kind",       "HTTPRoute"                                          },
      {"metadata",   {{"namespace", ns}, {"name", name}}                  },
      {"spec",       {{"hostnames", Json::array({name + ".example.com"})}}}
  };
}

}  // namespace world

namespace {

Json read_resource_crd() {
  std::string path =
      std::string(GATELIFT_MANIFESTS) + "/crd/gatelift.dev_gatewayapimigrations.yaml";
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  auto documents = parse_yaml(text.str(), path);
  if (!documents || documents->size() != 1) throw std::runtime_error("cannot read " + path);
  return documents->front();
}

template <typename T>
T value_or_throw(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return *std::move(result);
}

Request apply_as(const std::string& manager, const Resource& resource, Json object) {
  Request request;
  request.verb = Verb::Apply;
  request.resource = resource;
  request.key = key_of(object);
  request.field_manager = manager;
  request.body = std::move(object);
  return request;
}

/// Takes out what two equal worlds may differ in.
void forget_identity(Json& node) {
  if (node.is_array()) {
    for (Json& item : node) forget_identity(item);
  } else if (node.is_object()) {
    for (const char* key : {"uid", "resourceVersion", "creationTimestamp", "time", "generation",
                            "lastTransitionTime"}) {
      node.erase(key);
    }
    for (auto& [key, value] : node.items()) forget_identity(value);
  }
}

}  // namespace

std::string first_unequal(const Json& left, const Json& right) {
  Json operations = Json::diff(left, right);
  return operations.empty() ? "" : operations.front().dump();
}

GatewayWorld::GatewayWorld() {
  for (const char* ns : {"default", "gatelift-system", "a", "b", "c"}) cluster.add_namespace(ns);
  cluster.install_crd(read_resource_crd());
  const auto add = [&](const char* release, const std::vector<Json>& crds) {
    sources.add(value_or_throw(bundle_from_documents({release, "experimental"}, crds, "the test")));
  };
  add("v1.0.0", world::old_bundle_crds());
  add("v1.1.1", world::new_bundle_crds());
}

void GatewayWorld::populate(int num_policies) {
  num_policies_ = num_policies;
  for (Json crd : world::old_bundle_crds()) {
    Request request = apply_as("kubectl", resources::kCrds, std::move(crd));
    value_or_throw(cluster.send(request));
  }
  clock.advance(std::chrono::seconds(5));
  const char* namespaces[] = {"a", "b", "c"};
  for (int i = 0; i < num_policies; ++i) {
    std::string name = "policy-" + std::to_string(i);
    Json policy = world::policy(namespaces[i % 3], name);
    value_or_throw(cluster.send(apply_as("argocd-controller", world::kOldPolicies, policy)));
    Request status;
    status.verb = Verb::MergePatch;
    status.resource = world::kOldPolicies;
    status.key = key_of(policy);
    status.subresource = "status";
    status.field_manager = "envoy";
    status.body = {
        {"status",
         {{"ancestors",
           Json::array({{{"controllerName", "example.com/envoy"},
                         {"conditions", Json::array({{{"type", "Accepted"},
                                                      {"status", "True"},
                                                      {"observedGeneration", 1}}})}}})}}}
    };
    value_or_throw(cluster.send(status));
  }
  for (const char* name : {"one", "two"}) {
    value_or_throw(cluster.send(apply_as("kubectl", world::kRoutes, world::http_route("a", name))));
  }
  cluster.forget_writes();
}

void GatewayWorld::populate_moves() {
  std::vector<Json> crds = world::new_bundle_crds();
  crds.push_back(world::crd("referencegrants", "ReferenceGrant", "v1.1.1",
                            Json::array({world::version("v1beta1", true, world::grant_schema())})));
  sources.add(value_or_throw(bundle_from_documents({"v1.1.1", "experimental"}, crds, "the test")));
  Json crd = world::crd("referencepolicies", "ReferencePolicy", "v0.5.1",
                        Json::array({world::version("v1alpha2", true, world::grant_schema())}));
  value_or_throw(cluster.send(apply_as("kubectl", resources::kCrds, std::move(crd))));
  clock.advance(std::chrono::seconds(5));
  Json route = world::http_route("b", "retried");
  route["spec"]["rules"] = Json::array({{{"retry", {{"codes", Json::array({500, 502, 500})}}}}});
  value_or_throw(cluster.send(apply_as("kubectl", world::kRoutes, std::move(route))));
  for (const char* name : {"one", "two"}) {
    Json grant = {
        {"apiVersion", "gateway.networking.k8s.io/v1alpha2"                                  },
        {"kind",       "ReferencePolicy"                                                     },
        {"metadata",   {{"namespace", "a"}, {"name", name}}                                  },
        {"spec",       {{"from", Json::array({{{"kind", "HTTPRoute"}, {"namespace", "b"}}})}}}
    };
    const Resource policies{"gateway.networking.k8s.io", "v1alpha2", "referencepolicies", true};
    value_or_throw(cluster.send(apply_as("kubectl", policies, std::move(grant))));
  }
  cluster.forget_writes();
}

void GatewayWorld::create_migration(const std::string& name, Json spec_changes) {
  Json object = {
      {"apiVersion", "gatelift.dev/v1alpha1"},
      {"kind",       "GatewayAPIMigration"  },
      {"metadata",   {{"name", name}}       },
      {"spec",
       {{"target", {{"version", "v1.1.1"}, {"channel", "experimental"}}},
        {"strategy", "Recreate"}}           }
  };
  object["spec"].merge_patch(spec_changes);
  value_or_throw(create(cluster, kMigrations, std::move(object)));
}

ReconcileResult GatewayWorld::run(const std::string& name, int most) {
  return run_through(cluster, name, most);
}

ReconcileResult GatewayWorld::run_through(Cluster& through, const std::string& name, int most) {
  MigrationReconciler reconciler(through, clock, sources, {});
  ReconcileResult result;
  for (int pass = 0; pass < most; ++pass) {
    auto passed = reconciler.reconcile(name);
    if (!passed && passed.error().is(ErrorKind::Internal))
      throw std::runtime_error(passed.error().message);
    if (!passed) {  // as the daemon's queue does: back off and call again
      clock.advance(std::chrono::seconds(1));
      continue;
    }
    result = *std::move(passed);
    if (result.outcome != PassOutcome::Progressed) break;
    clock.advance(result.requeue_after.value_or(std::chrono::milliseconds(0)));
  }
  return result;
}

Json GatewayWorld::migration(const std::string& name) {
  return value_or_throw(get(cluster, kMigrations, {"", name}));
}

std::string GatewayWorld::condition(const std::string& name, const std::string& type,
                                    const std::string& field) {
  Json object = migration(name);
  for (const Json& condition : array_at(object, "status", "conditions")) {
    if (string_at(condition, "type") == type) return string_at(condition, field);
  }
  return "";
}

Json GatewayWorld::end_state() {
  Json state = Json::object();
  for (const ObjectKey& key : cluster.stored_keys(resources::kCrds)) {
    Json crd = value_or_throw(get(cluster, resources::kCrds, key));
    if (string_at(crd, "spec", "group") != "gateway.networking.k8s.io") continue;
    CrdSummary summary = value_or_throw(summarize_crd(crd));
    Json seen = {
        {"metadata",       crd["metadata"]                },
        {"spec",           crd["spec"]                    },
        {"storedVersions", crd["status"]["storedVersions"]},
        {"objects",        Json::object()                 }
    };
    for (const ObjectKey& name : cluster.stored_keys(summary.resource())) {
      seen["objects"][name.display()] = *cluster.stored(summary.resource(), name);
    }
    forget_identity(seen);
    state[key.name] = std::move(seen);
  }
  return state;
}

int GatewayWorld::num_deletions(const Resource& resource) const {
  return static_cast<int>(std::ranges::count_if(cluster.writes(), [&](const WriteRecord& write) {
    return write.verb == Verb::Delete && write.resource.plural == resource.plural &&
           write.succeeded() && !write.dry_run;
  }));
}

std::vector<std::string> GatewayWorld::lost_policies() {
  BackupStore store(cluster, clock, "gatelift-system");
  std::vector<VerifiedBackup> backups;
  for (const BackupSummary& summary : value_or_throw(store.list())) {
    std::optional<VerifiedBackup> backup = value_or_throw(store.open(summary.ref));
    if (backup) backups.push_back(*std::move(backup));
  }
  std::vector<std::string> lost;
  const char* namespaces[] = {"a", "b", "c"};
  for (int i = 0; i < num_policies_; ++i) {
    ObjectKey key{namespaces[i % 3], "policy-" + std::to_string(i)};
    bool safe = cluster.stored(world::kNewPolicies, key).has_value();
    for (const VerifiedBackup& backup : backups) {
      safe = safe || (backup.entry(BackupRole::Original, world::kPolicyCrd, key) != nullptr &&
                      backup.entry(BackupRole::Intended, world::kPolicyCrd, key) != nullptr);
    }
    if (!safe) lost.push_back(key.display());
  }
  return lost;
}

}  // namespace gatelift
