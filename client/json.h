// SPDX-License-Identifier: Apache-2.0
// The JSON tree that every API object is kept in. Objects are never turned into typed structs, so that a field nobody
// here has heard of survives a round trip.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "client/result.h"

namespace gatelift {

/// Sorted keys: equal trees print the same bytes, which is what digests are taken over.
using Json = nlohmann::json;

/// Parses one JSON text. Refuses nesting deeper than 100 levels (deeper trees overflow the stack when they are copied
/// or printed) and numbers that do not fit a double. Error kind: Invalid.
Result<Json> parse_json(std::string_view text);

/// Prints compactly; bytes that are not UTF-8 are replaced, never thrown over.
std::string print_json(const Json& json);

/// The node at a dot-free path of keys, or nullptr where a key is absent, null, or its parent no object.
template <typename... Keys>
const Json* find(const Json& json, const Keys&... keys) {
  const Json* node = &json;
  for (std::string_view key : {std::string_view(keys)...}) {
    if (!node->is_object()) return nullptr;
    auto it = node->find(key);
    if (it == node->end() || it->is_null()) return nullptr;
    node = &*it;
  }
  return node;
}

/// The string at the path, or "" where there is none. Absent, null and "" are one thing in Kubernetes objects.
template <typename... Keys>
std::string string_at(const Json& json, const Keys&... keys) {
  const Json* node = find(json, keys...);
  return node != nullptr && node->is_string() ? node->template get<std::string>() : std::string();
}

/// The integer at the path, or `fallback` where there is none.
template <typename... Keys>
std::int64_t int_at(const Json& json, std::int64_t fallback, const Keys&... keys) {
  const Json* node = find(json, keys...);
  return node != nullptr && node->is_number_integer() ? node->template get<std::int64_t>() : fallback;
}

/// The boolean at the path, or `fallback` where there is none.
template <typename... Keys>
bool bool_at(const Json& json, bool fallback, const Keys&... keys) {
  const Json* node = find(json, keys...);
  return node != nullptr && node->is_boolean() ? node->template get<bool>() : fallback;
}

/// The array at the path, or an empty one where there is none. The reference lives as long as `json`.
template <typename... Keys>
const Json& array_at(const Json& json, const Keys&... keys) {
  static const Json empty = Json::array();
  const Json* node = find(json, keys...);
  return node != nullptr && node->is_array() ? *node : empty;
}

}  // namespace gatelift
