// SPDX-License-Identifier: Apache-2.0
#include "test/support/crd_rules.h"

#include <algorithm>
#include <set>

#include "client/object.h"

namespace gatelift::fake {
namespace {

constexpr const char* kApproval = "api-approved.kubernetes.io";

std::string storage_version_of(const Json& crd) {
  for (const Json& version : array_at(crd, "spec", "versions")) {
    if (bool_at(version, false, "storage")) return string_at(version, "name");
  }
  return {};
}

bool contains(const Json& list, const std::string& text) {
  return std::find(list.begin(), list.end(), Json(text)) != list.end();
}

std::string lower(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

void append_storage_version(Json& crd) {
  Json& stored = crd["status"]["storedVersions"];
  if (!stored.is_array()) stored = Json::array();
  std::string storage = storage_version_of(crd);
  if (!storage.empty() && !contains(stored, storage)) stored.push_back(storage);
}

void complete_spec(Json& crd) {
  if (find(crd, "spec") == nullptr) crd["spec"] = Json::object();
  Json& spec = crd["spec"];
  std::string kind = string_at(spec, "names", "kind");
  if (string_at(spec, "names", "singular").empty()) spec["names"]["singular"] = lower(kind);
  if (string_at(spec, "names", "listKind").empty()) spec["names"]["listKind"] = kind + "List";
  if (string_at(spec, "conversion", "strategy").empty()) spec["conversion"]["strategy"] = "None";
}

bool is_protected(const std::string& group) {
  return group == "k8s.io" || group == "kubernetes.io" || group.ends_with(".k8s.io") ||
         group.ends_with(".kubernetes.io");
}

bool is_approved(const Json& crd) {
  std::string value = annotation_of(crd, kApproval);
  return value.starts_with("https://") || value.starts_with("http://") ||
         value.starts_with("unapproved");
}

void check_names(const Json& crd, std::vector<Cause>& causes) {
  std::string group = string_at(crd, "spec", "group");
  std::string plural = string_at(crd, "spec", "names", "plural");
  if (group.empty()) causes.push_back({"FieldValueRequired", "spec.group", "Required value"});
  if (plural.empty()) {
    causes.push_back({"FieldValueRequired", "spec.names.plural", "Required value"});
  }
  if (string_at(crd, "metadata", "name") != plural + "." + group) {
    causes.push_back({"FieldValueInvalid", "metadata.name",
                      "Invalid value: must be spec.names.plural+\".\"+spec.group"});
  }
  std::string scope = string_at(crd, "spec", "scope");
  if (scope != "Namespaced" && scope != "Cluster") {
    causes.push_back({"FieldValueNotSupported", "spec.scope", "Unsupported value"});
  }
  if (bool_at(crd, false, "spec", "preserveUnknownFields")) {
    causes.push_back({"FieldValueInvalid", "spec.preserveUnknownFields",
                      "Invalid value: true: must be false in order to use defaults in the schema"});
  }
}

/// Keys of list-maps must be required or have a default, or items could not be told apart.
void check_list_keys(const Json& schema, const std::string& path, std::vector<Cause>& causes) {
  if (!schema.is_object()) return;
  const Json& items = schema.contains("items") ? schema["items"] : Json();
  for (const Json& key : array_at(schema, "x-kubernetes-list-map-keys")) {
    const auto& name = key.get_ref<const std::string&>();
    const Json* property = find(items, "properties", name);
    bool has_default = property != nullptr && property->contains("default");
    if (!has_default && !contains(array_at(items, "required"), name)) {
      causes.push_back({"FieldValueRequired", path + ".items.properties[" + name + "].default",
                        "Required value: this property is in x-kubernetes-list-map-keys, so it "
                        "must have a default or be a required property"});
    }
  }
  for (const auto& [name, child] : schema.items()) {
    if (name == "properties" && child.is_object()) {
      for (const auto& [field, property] : child.items()) {
        check_list_keys(property, path + ".properties[" + field + "]", causes);
      }
    } else if (name == "items" || name == "additionalProperties") {
      check_list_keys(child, path + "." + name, causes);
    }
  }
}

/// A schema that all versions share is checked once, in the place that it had in v1beta1
/// (conversion.go of apiextensions/v1 moves it there).
void check_schemas(const Json& crd, std::vector<Cause>& causes) {
  const Json& versions = array_at(crd, "spec", "versions");
  const auto schema_of = [](const Json& version) {
    return find(version, "schema", "openAPIV3Schema");
  };
  const auto is_shared = [&](const Json& schema) {
    return std::all_of(versions.begin(), versions.end(), [&](const Json& version) {
      return schema_of(version) != nullptr && *schema_of(version) == schema;
    });
  };
  for (std::size_t i = 0; i < versions.size(); ++i) {
    const Json* schema = schema_of(versions[i]);
    if (schema == nullptr) continue;
    if (is_shared(*schema))
      return check_list_keys(*schema, "spec.validation.openAPIV3Schema", causes);
    check_list_keys(*schema, "spec.versions[" + std::to_string(i) + "].schema.openAPIV3Schema",
                    causes);
  }
}

void check_versions(const Json& crd, std::vector<Cause>& causes) {
  std::set<std::string> names;
  int storing = 0;
  const Json& versions = array_at(crd, "spec", "versions");
  for (std::size_t i = 0; i < versions.size(); ++i) {
    const Json& version = versions[i];
    std::string path = "spec.versions[" + std::to_string(i) + "]";
    if (!names.insert(string_at(version, "name")).second) {
      causes.push_back({"FieldValueInvalid", "spec.versions",
                        "Invalid value: must contain unique version names"});
    }
    if (bool_at(version, false, "storage")) ++storing;
    if (find(version, "schema", "openAPIV3Schema") == nullptr) {
      causes.push_back({"FieldValueRequired", path + ".schema.openAPIV3Schema",
                        "Required value: schemas are required"});
    }
  }
  if (storing != 1) {
    causes.push_back({"FieldValueInvalid", "spec.versions",
                      "Invalid value: must have exactly one version marked as storage version"});
  }
}

void check_stored_versions(const Json& crd, std::vector<Cause>& causes) {
  std::set<std::string> names;
  for (const Json& version : array_at(crd, "spec", "versions"))
    names.insert(string_at(version, "name"));
  const Json& stored = array_at(crd, "status", "storedVersions");
  for (std::size_t i = 0; i < stored.size(); ++i) {
    const auto& name = stored[i].get_ref<const std::string&>();
    if (names.contains(name)) continue;
    causes.push_back({"FieldValueInvalid", "status.storedVersions[" + std::to_string(i) + "]",
                      "Invalid value: \"" + name + "\": missing from spec.versions; " + name +
                          " was previously a storage version, and must remain in spec.versions "
                          "until a storage migration ensures no data remains persisted in " +
                          name + " and removes " + name + " from status.storedVersions"});
  }
}

void check_unchanged(const Json& crd, const Json& before, std::vector<Cause>& causes) {
  auto must_stay = [&](const std::string& path, const std::string& now, const std::string& then) {
    if (now == then) return;
    causes.push_back(
        {"FieldValueInvalid", path, "Invalid value: \"" + now + "\": field is immutable"});
  };
  must_stay("spec.group", string_at(crd, "spec", "group"), string_at(before, "spec", "group"));
  if (!condition_is_true(before, "Established")) return;
  must_stay("spec.scope", string_at(crd, "spec", "scope"), string_at(before, "spec", "scope"));
  for (const char* name : {"plural", "kind"}) {
    must_stay(std::string("spec.names.") + name, string_at(crd, "spec", "names", name),
              string_at(before, "spec", "names", name));
  }
}

}  // namespace

bool condition_is_true(const Json& object, const std::string& type) {
  for (const Json& condition : array_at(object, "status", "conditions")) {
    if (string_at(condition, "type") == type) return string_at(condition, "status") == "True";
  }
  return false;
}

void set_condition(Json& object, const std::string& type, const std::string& status,
                   const std::string& reason, const std::string& message, const std::string& now) {
  Json& conditions = object["status"]["conditions"];
  if (!conditions.is_array()) conditions = Json::array();
  auto it = std::find_if(conditions.begin(), conditions.end(),
                         [&](const Json& c) { return string_at(c, "type") == type; });
  if (it == conditions.end()) {
    conditions.push_back({
        {"type", type}
    });
    it = conditions.end() - 1;
  }
  if (string_at(*it, "status") != status) (*it)["lastTransitionTime"] = now;
  (*it)["status"] = status;
  (*it)["reason"] = reason;
  (*it)["message"] = message;
}

void complete_new_crd(Json& crd) {
  complete_spec(crd);
  crd["status"] = {
      {"acceptedNames", {{"kind", ""}, {"plural", ""}}},
      {"conditions",    nullptr                       }
  };
  append_storage_version(crd);
}

void complete_changed_crd(Json& crd) {
  complete_spec(crd);
  append_storage_version(crd);
}

void complete_crd_status(Json& crd) {
  if (array_at(crd, "status", "storedVersions").empty()) append_storage_version(crd);
}

std::vector<Cause> check_crd(const Json& crd, const Json* before) {
  std::vector<Cause> causes;
  check_names(crd, causes);
  check_versions(crd, causes);
  check_schemas(crd, causes);
  check_stored_versions(crd, causes);
  bool was_unapproved = before != nullptr && !is_approved(*before);
  if (is_protected(string_at(crd, "spec", "group")) && !is_approved(crd) && !was_unapproved) {
    causes.push_back({"FieldValueRequired", std::string("metadata.annotations[") + kApproval + "]",
                      "Required value: protected groups must have approval annotation"});
  }
  if (before != nullptr) check_unchanged(crd, *before, causes);
  return causes;
}

}  // namespace gatelift::fake
