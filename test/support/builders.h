// SPDX-License-Identifier: Apache-2.0
// Objects for tests, said in few words: crd("widgets", "Widget").group("example.com").storing("v1",
// schema).build().
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "client/object.h"

namespace gatelift {

/// A schema of a whole object with this spec; status is open.
Json schema_with_spec(Json spec_properties, std::vector<std::string> required = {});
/// A schema that keeps everything.
Json open_object_schema();

class CrdBuilder {
 public:
  CrdBuilder(std::string plural, std::string kind);

  CrdBuilder& group(std::string group);
  CrdBuilder& cluster_scoped();
  /// Versions in order. The first argument of each is its name.
  CrdBuilder& serving(std::string version, Json schema = open_object_schema());
  CrdBuilder& storing(std::string version, Json schema = open_object_schema());
  CrdBuilder& unserved(std::string version, Json schema = open_object_schema());
  CrdBuilder& unserved_storing(std::string version, Json schema = open_object_schema());
  /// Versions added from here on have no status subresource.
  CrdBuilder& without_status_subresource();
  CrdBuilder& annotation(const std::string& name, std::string value);
  CrdBuilder& label(const std::string& name, std::string value);

  Json build() const;
  /// "plural.group".
  std::string name() const;
  Resource at(const std::string& version) const;
  std::string api_version(const std::string& version) const { return at(version).api_version(); }
  const std::string& kind() const { return kind_; }

 private:
  CrdBuilder& add(std::string version, Json schema, bool served, bool storage);

  std::string plural_;
  std::string kind_;
  std::string group_ = "example.com";
  bool namespaced_ = true;
  bool has_status_ = true;
  Json metadata_ = Json::object();
  Json versions_ = Json::array();
};

inline CrdBuilder crd(std::string plural, std::string kind) {
  return CrdBuilder(std::move(plural), std::move(kind));
}

class ObjectBuilder {
 public:
  ObjectBuilder(const std::string& api_version, const std::string& kind, const ObjectKey& key);

  ObjectBuilder& with(const std::string& field, Json value);  // a top-level field
  ObjectBuilder& spec(Json spec) { return with("spec", std::move(spec)); }
  ObjectBuilder& status(Json status) { return with("status", std::move(status)); }
  ObjectBuilder& label(const std::string& name, std::string value);
  ObjectBuilder& annotation(const std::string& name, std::string value);
  ObjectBuilder& finalizer(std::string name);
  ObjectBuilder& owned_by(const Json& owner);
  ObjectBuilder& metadata(const std::string& field, Json value);

  Json build() const { return object_; }

 private:
  Json object_;
};

inline ObjectBuilder object(const std::string& api_version, const std::string& kind,
                            const ObjectKey& key) {
  return ObjectBuilder(api_version, kind, key);
}

}  // namespace gatelift
