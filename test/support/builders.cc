// SPDX-License-Identifier: Apache-2.0
#include "test/support/builders.h"

namespace gatelift {

Json schema_with_spec(Json spec_properties, std::vector<std::string> required) {
  Json spec = {
      {"type",       "object"                  },
      {"properties", std::move(spec_properties)}
  };
  if (!required.empty()) spec["required"] = required;
  Json status = {
      {"type",                                 "object"},
      {"x-kubernetes-preserve-unknown-fields", true    }
  };
  return {
      {"type",       "object"                            },
      {"properties", {{"spec", spec}, {"status", status}}}
  };
}

Json open_object_schema() {
  return {
      {"type",                                 "object"},
      {"x-kubernetes-preserve-unknown-fields", true    }
  };
}

CrdBuilder::CrdBuilder(std::string plural, std::string kind)
    : plural_(std::move(plural)), kind_(std::move(kind)) {}

CrdBuilder& CrdBuilder::group(std::string group) {
  group_ = std::move(group);
  return *this;
}

CrdBuilder& CrdBuilder::cluster_scoped() {
  namespaced_ = false;
  return *this;
}

CrdBuilder& CrdBuilder::add(std::string version, Json schema, bool served, bool storage) {
  Json entry = {
      {"name",    std::move(version)                      },
      {"served",  served                                  },
      {"storage", storage                                 },
      {"schema",  {{"openAPIV3Schema", std::move(schema)}}}
  };
  if (has_status_)
    entry["subresources"] = {
        {"status", Json::object()}
    };
  versions_.push_back(std::move(entry));
  return *this;
}

CrdBuilder& CrdBuilder::serving(std::string version, Json schema) {
  return add(std::move(version), std::move(schema), true, false);
}

CrdBuilder& CrdBuilder::storing(std::string version, Json schema) {
  return add(std::move(version), std::move(schema), true, true);
}

CrdBuilder& CrdBuilder::unserved(std::string version, Json schema) {
  return add(std::move(version), std::move(schema), false, false);
}

CrdBuilder& CrdBuilder::unserved_storing(std::string version, Json schema) {
  return add(std::move(version), std::move(schema), false, true);
}

CrdBuilder& CrdBuilder::without_status_subresource() {
  has_status_ = false;
  return *this;
}

CrdBuilder& CrdBuilder::annotation(const std::string& name, std::string value) {
  metadata_["annotations"][name] = std::move(value);
  return *this;
}

CrdBuilder& CrdBuilder::label(const std::string& name, std::string value) {
  metadata_["labels"][name] = std::move(value);
  return *this;
}

std::string CrdBuilder::name() const { return plural_ + "." + group_; }

Resource CrdBuilder::at(const std::string& version) const {
  return {group_, version, plural_, namespaced_};
}

Json CrdBuilder::build() const {
  Json metadata = metadata_;
  metadata["name"] = name();
  return {
      {"apiVersion", "apiextensions.k8s.io/v1" },
      {"kind",       "CustomResourceDefinition"},
      {"metadata",   metadata                  },
      {"spec",
       {{"group", group_},
        {"scope", namespaced_ ? "Namespaced" : "Cluster"},
        {"names", {{"plural", plural_}, {"kind", kind_}}},
        {"versions", versions_}}               }
  };
}

ObjectBuilder::ObjectBuilder(const std::string& api_version, const std::string& kind,
                             const ObjectKey& key)
    : object_{
          {"apiVersion", api_version         },
          {"kind",       kind                },
          {"metadata",   {{"name", key.name}}}
} {
  if (!key.ns.empty()) object_["metadata"]["namespace"] = key.ns;
}

ObjectBuilder& ObjectBuilder::with(const std::string& field, Json value) {
  object_[field] = std::move(value);
  return *this;
}

ObjectBuilder& ObjectBuilder::label(const std::string& name, std::string value) {
  object_["metadata"]["labels"][name] = std::move(value);
  return *this;
}

ObjectBuilder& ObjectBuilder::annotation(const std::string& name, std::string value) {
  object_["metadata"]["annotations"][name] = std::move(value);
  return *this;
}

ObjectBuilder& ObjectBuilder::finalizer(std::string name) {
  object_["metadata"]["finalizers"].push_back(std::move(name));
  return *this;
}

ObjectBuilder& ObjectBuilder::owned_by(const Json& owner) {
  object_["metadata"]["ownerReferences"].push_back({
      {"apiVersion", owner["apiVersion"]},
      {"kind",       kind_of(owner)     },
      {"name",       key_of(owner).name },
      {"uid",        uid_of(owner)      }
  });
  return *this;
}

ObjectBuilder& ObjectBuilder::metadata(const std::string& field, Json value) {
  object_["metadata"][field] = std::move(value);
  return *this;
}

}  // namespace gatelift
