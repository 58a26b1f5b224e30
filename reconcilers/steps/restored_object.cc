// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/steps/restored_object.h"

#include <algorithm>
#include <vector>

#include "reconcilers/steps/json_patch.h"

namespace gatelift {
namespace {

const Json& managed_fields_of(const Json& object) {
  return array_at(object, "metadata", "managedFields");
}

/// The main-resource entry whose manager an object is created as: an applier if there is one.
const Json* creator_entry(const Json& object, std::string_view operation,
                          std::string_view subresource = "") {
  for (const Json& entry : managed_fields_of(object)) {
    if (string_at(entry, "operation") == operation &&
        string_at(entry, "subresource") == subresource) {
      return &entry;
    }
  }
  return nullptr;
}

void clamp_generation(Json& node, std::int64_t generation) {
  if (node.is_array()) {
    for (Json& item : node) clamp_generation(item, generation);
  } else if (node.is_object()) {
    for (auto& [key, value] : node.items()) {
      if (key == "observedGeneration" && value.is_number_integer() &&
          value.get<std::int64_t>() > generation) {
        value = generation;
      } else {
        clamp_generation(value, generation);
      }
    }
  }
}

/// managedFields in an order and without the times, which no write of ours can set to what they
/// were.
std::vector<std::string> comparable(const Json& entries) {
  std::vector<std::string> texts;
  for (Json entry : entries) {
    entry.erase("time");
    texts.push_back(print_json(entry));
  }
  std::sort(texts.begin(), texts.end());
  return texts;
}

/// The first path below `intended` that `live` lacks or has otherwise.
std::string difference(const Json& intended, const Json& live, const std::string& path) {
  if (intended.is_object() && live.is_object()) {
    for (const auto& [key, value] : intended.items()) {
      if (value.is_null()) continue;
      auto found = live.find(key);
      if (found == live.end()) return path + "." + key;
      std::string below = difference(value, *found, path + "." + key);
      if (!below.empty()) return below;
    }
    return "";
  }
  if (intended.is_array() && live.is_array() && intended.size() == live.size()) {
    for (std::size_t i = 0; i < intended.size(); ++i) {
      std::string below = difference(intended[i], live[i], path + "[" + std::to_string(i) + "]");
      if (!below.empty()) return below;
    }
    return "";
  }
  return intended == live ? "" : path;
}

}  // namespace

Json creation_body(const Json& intended) {
  Json body = intended;
  body.erase("status");
  Json& metadata = body["metadata"];
  for (const char* field : {"uid", "resourceVersion", "creationTimestamp", "generation", "selfLink",
                            "managedFields", "deletionTimestamp", "deletionGracePeriodSeconds"}) {
    metadata.erase(field);
  }
  return body;
}

Request create_request(const Json& intended, const Resource& resource, CreateBy by) {
  Request request;
  request.resource = resource;
  request.body = creation_body(intended);
  request.key = key_of(intended);
  const char* operation = by == CreateBy::Apply ? "Apply" : "Update";
  if (const Json* entry = creator_entry(intended, operation)) {
    request.field_manager = string_at(*entry, "manager");
  }
  if (by == CreateBy::Apply) {
    request.verb = Verb::Apply;
  } else {
    request.verb = Verb::Create;
    request.key.name.clear();
  }
  return request;
}

std::optional<Request> status_request(const Json& intended, const Resource& resource,
                                      std::int64_t generation) {
  const Json* status = find(intended, "status");
  if (status == nullptr || status->empty()) return std::nullopt;
  Request request;
  request.verb = Verb::MergePatch;
  request.resource = resource;
  request.key = key_of(intended);
  request.subresource = "status";
  Json restored = *status;
  clamp_generation(restored, generation);
  request.body = {
      {"status", std::move(restored)}
  };
  for (const Json& entry : managed_fields_of(intended)) {
    if (string_at(entry, "subresource") == "status") {
      request.field_manager = string_at(entry, "manager");
    }
  }
  return request;
}

std::optional<Request> managed_fields_request(const Json& intended, const Json& live,
                                              const Resource& resource) {
  const Json& wanted = managed_fields_of(intended);
  if (wanted.empty() || comparable(wanted) == comparable(managed_fields_of(live))) {
    return std::nullopt;
  }
  Request request;
  request.verb = Verb::JsonPatch;
  request.resource = resource;
  request.key = key_of(intended);
  request.body = managed_fields_patch(live, wanted);
  return request;
}

std::string main_manager(const Json& object, std::string_view subresource) {
  for (const char* operation : {"Apply", "Update"}) {
    if (const Json* entry = creator_entry(object, operation, subresource)) {
      return string_at(*entry, "manager");
    }
  }
  return "";
}

std::string first_difference(const Json& intended, const Json& live) {
  static const Json nothing = Json::object();
  for (const auto& [key, value] : intended.items()) {
    if (key == "metadata" || key == "status" || value.is_null()) continue;
    auto found = live.find(key);
    std::string below = difference(value, found == live.end() ? nothing : *found, key);
    if (!below.empty()) return below;
  }
  for (const char* field : {"labels", "annotations", "ownerReferences", "finalizers"}) {
    const Json* value = find(intended, "metadata", field);
    if (value == nullptr || value->empty()) continue;
    const Json* there = find(live, "metadata", field);
    std::string path = std::string("metadata.") + field;
    std::string below = difference(*value, there == nullptr ? nothing : *there, path);
    if (!below.empty()) return below;
  }
  return "";
}

}  // namespace gatelift
