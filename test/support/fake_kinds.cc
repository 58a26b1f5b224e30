// SPDX-License-Identifier: Apache-2.0
#include "test/support/fake_kinds.h"

#include "test/support/api_error.h"
#include "test/support/structural_schema.h"

namespace gatelift::fake {
namespace {

Json conditions_schema() {
  return {
      {"type",                       "array"              },
      {"x-kubernetes-list-type",     "map"                },
      {"x-kubernetes-list-map-keys", Json::array({"type"})},
      {"items",                      open_schema()        }
  };
}

/// Fields declared here are those whose ownership matters; the rest is open.
Json built_in_schema() {
  Json status = open_schema();
  status["properties"]["conditions"] = conditions_schema();
  Json schema = open_schema();
  schema["properties"]["spec"] = open_schema();
  schema["properties"]["status"] = status;
  schema["properties"]["data"] = open_schema();
  return complete_root(schema);
}

Json crd_schema() {
  Json schema = built_in_schema();
  Json names = open_schema();
  for (const char* field : {"plural", "singular", "kind", "listKind", "shortNames", "categories"}) {
    names["properties"][field] = open_schema();
  }
  Json& spec = schema["properties"]["spec"]["properties"];
  for (const char* field : {"group", "scope", "versions", "conversion", "preserveUnknownFields"}) {
    spec[field] = open_schema();
  }
  spec["conversion"]["properties"]["strategy"] = {
      {"type", "string"}
  };
  spec["conversion"]["properties"]["webhook"] = open_schema();
  spec["names"] = names;
  Json& status = schema["properties"]["status"]["properties"];
  status["acceptedNames"] = names;
  status["storedVersions"] = open_schema();
  return schema;
}

Kind with_status(Kind kind) {
  kind.versions.front().has_status = true;
  return kind;
}

Kind with_generation(Kind kind) {
  kind.counts_generation = true;
  return kind;
}

}  // namespace

const KindVersion* Kind::version(const std::string& name) const {
  for (const KindVersion& candidate : versions) {
    if (candidate.name == name) return &candidate;
  }
  return nullptr;
}

std::string Kind::qualified_resource() const { return qualified(group, plural); }
std::string Kind::qualified_kind() const { return qualified(group, kind); }
std::string Kind::api_version(const std::string& version_name) const {
  return group.empty() ? version_name : group + "/" + version_name;
}

Kind built_in(const Resource& resource, std::string kind_name) {
  static const Json schema = built_in_schema();
  Kind kind;
  kind.group = resource.group;
  kind.plural = resource.plural;
  kind.list_kind = kind_name + "List";
  kind.kind = std::move(kind_name);
  kind.namespaced = resource.namespaced;
  kind.unconditional_update = true;
  kind.storage_version = resource.version;
  kind.versions.push_back({resource.version, true, false, schema});
  return kind;
}

std::vector<Kind> standard_kinds() {
  std::vector<Kind> kinds;
  kinds.push_back(with_status(built_in(resources::kNamespaces, "Namespace")));
  kinds.push_back(built_in(resources::kSecrets, "Secret"));
  kinds.push_back(built_in(resources::kConfigMaps, "ConfigMap"));
  kinds.push_back(built_in(resources::kEvents, "Event"));
  kinds.push_back(built_in(resources::kLeases, "Lease"));
  kinds.back().unconditional_update = false;
  kinds.push_back(with_generation(built_in(resources::kEndpointSlices, "EndpointSlice")));
  kinds.push_back(built_in(resources::kSelfSubjectAccessReviews, "SelfSubjectAccessReview"));
  const std::pair<const char*, const char*> admission[] = {
      {"validatingwebhookconfigurations",   "ValidatingWebhookConfiguration"  },
      {"mutatingwebhookconfigurations",     "MutatingWebhookConfiguration"    },
      {"mutatingadmissionpolicies",         "MutatingAdmissionPolicy"         },
      {"mutatingadmissionpolicybindings",   "MutatingAdmissionPolicyBinding"  },
      {"validatingadmissionpolicies",       "ValidatingAdmissionPolicy"       },
      {"validatingadmissionpolicybindings", "ValidatingAdmissionPolicyBinding"}
  };
  for (const auto& [plural, kind] : admission) {
    Resource resource{"admissionregistration.k8s.io", "v1", plural, false};
    kinds.push_back(with_generation(built_in(resource, kind)));
  }
  kinds.push_back(
      with_generation(with_status(built_in(resources::kCrds, "CustomResourceDefinition"))));
  kinds.back().unconditional_update = false;
  kinds.back().versions.front().schema = crd_schema();
  return kinds;
}

Kind kind_of_crd(const Json& crd) {
  Kind kind;
  kind.group = string_at(crd, "spec", "group");
  kind.plural = string_at(crd, "spec", "names", "plural");
  kind.kind = string_at(crd, "spec", "names", "kind");
  kind.list_kind = string_at(crd, "spec", "names", "listKind");
  kind.namespaced = string_at(crd, "spec", "scope") == "Namespaced";
  kind.custom = true;
  kind.counts_generation = true;
  kind.terminating = is_being_deleted(crd);
  for (const Json& version : array_at(crd, "spec", "versions")) {
    const Json* schema = find(version, "schema", "openAPIV3Schema");
    kind.versions.push_back({string_at(version, "name"), bool_at(version, false, "served"),
                             find(version, "subresources", "status") != nullptr,
                             complete_root(schema == nullptr ? Json() : *schema)});
    if (bool_at(version, false, "storage")) kind.storage_version = kind.versions.back().name;
  }
  return kind;
}

}  // namespace gatelift::fake
