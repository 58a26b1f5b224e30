// SPDX-License-Identifier: Apache-2.0
// Reads the fields of a JSON object into typed values and remembers the first one that is not what
// it should be, so that reading a type is a plain list of its fields.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/json.h"
#include "client/time.h"
#include "reconcilers/duration.h"

namespace gatelift {

/// One JSON object at a path, for instance "status.plan". Values of absent fields are left as they
/// are. The first failure goes to `error`; nothing is read wrongly after it, but nothing useful
/// either. Lives no longer than what it refers to.
class JsonReader {
 public:
  JsonReader(const Json& object, std::string path, std::optional<Error>& error)
      : object_(object), path_(std::move(path)), error_(error) {
    if (!object_.is_object() && !object_.is_null()) complain(path_, "is no object");
  }

  void read(const char* key, std::string& value) const {
    const Json* node = find(object_, key);
    if (node == nullptr) return;
    if (!node->is_string()) return complain(path(key), "is no string");
    value = node->get<std::string>();
  }

  void read(const char* key, bool& value) const {
    const Json* node = find(object_, key);
    if (node == nullptr) return;
    if (!node->is_boolean()) return complain(path(key), "is no boolean");
    value = node->get<bool>();
  }

  template <std::integral T>
  void read(const char* key, T& value) const {
    const Json* node = find(object_, key);
    if (node == nullptr) return;
    if (!node->is_number_integer()) return complain(path(key), "is no integer");
    const auto number = node->get<std::int64_t>();
    if (!std::in_range<T>(number)) return complain(path(key), "is out of range");
    value = static_cast<T>(number);
  }

  void read(const char* key, std::vector<std::string>& values) const {
    const Json* node = list(key);
    if (node == nullptr) return;
    for (const Json& each : *node) {
      if (!each.is_string()) return complain(path(key), "holds something else than strings");
      values.push_back(each.get<std::string>());
    }
  }

  template <typename Enum, std::size_t N>
  void read(const char* key, Enum& value, const std::array<Enum, N>& choices) const {
    std::string text;
    read(key, text);
    if (text.empty()) return;
    const auto it =
        std::ranges::find_if(choices, [&](Enum each) { return to_string(each) == text; });
    if (it != choices.end()) {
      value = *it;
      return;
    }
    std::string known;
    for (const Enum each : choices)
      known += (known.empty() ? "" : ", ") + std::string(to_string(each));
    complain(path(key), "\"" + text + "\" is not one of " + known);
  }

  void read(const char* key, std::optional<Time>& value) const {
    std::string text;
    read(key, text);
    if (text.empty()) return;
    const Result<Time> time = parse_time(text);
    if (!time) return complain(path(key), time.error().message);
    value = *time;
  }

  void read(const char* key, std::optional<std::chrono::milliseconds>& value) const {
    std::string text;
    read(key, text);
    if (text.empty()) return;
    const Result<std::chrono::milliseconds> duration = parse_duration(text);
    if (!duration) return complain(path(key), duration.error().message);
    if (*duration < std::chrono::milliseconds(0)) return complain(path(key), "is negative");
    value = *duration;
  }

  /// Calls `visit(reader)` for every object of a list.
  template <typename Visit>
  void each(const char* key, const Visit& visit) const {
    const Json* node = list(key);
    if (node == nullptr) return;
    for (std::size_t i = 0; i < node->size(); ++i) {
      visit(JsonReader((*node)[i], path(key) + "[" + std::to_string(i) + "]", error_));
    }
  }

  /// The object under a key; an empty one where it is absent.
  JsonReader at(const char* key) const {
    static const Json empty;
    const Json* node = find(object_, key);
    return JsonReader(node == nullptr ? empty : *node, path(key), error_);
  }

  bool has(const char* key) const { return find(object_, key) != nullptr; }

  void complain(const std::string& field, const std::string& what) const {
    if (error_) return;
    error_.emplace();
    error_->kind = ErrorKind::Invalid;
    error_->message = field + ": " + what;
  }

  std::string path(const char* key) const { return path_ + "." + key; }

 private:
  const Json* list(const char* key) const {
    const Json* node = find(object_, key);
    if (node == nullptr || node->is_array()) return node;
    complain(path(key), "is no list");
    return nullptr;
  }

  const Json& object_;
  std::string path_;
  std::optional<Error>& error_;
};

}  // namespace gatelift
