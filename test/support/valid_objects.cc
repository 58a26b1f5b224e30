// SPDX-License-Identifier: Apache-2.0
#include "test/support/valid_objects.h"

#include <algorithm>
#include <array>
#include <string>

#include "test/support/schema_validation.h"

namespace gatelift::fake {
namespace {

std::optional<Json> valid_string(const Json& schema, std::mt19937& random) {
  constexpr std::array kWords{
      "a",  "B",   "a.b", "*.example.com",        "a/b",        "/a", "1.2.3.4",
      "1s", "200", "",    "2026-01-01T00:00:00Z", "https://a/b"};
  const std::size_t first = random();
  for (std::size_t i = 0; i < kWords.size(); ++i) {
    Json word = kWords[(first + i) % kWords.size()];
    if (validate(word, nullptr, schema).empty()) return word;
  }
  return std::nullopt;
}

std::optional<Json> valid_list(const Json& schema, std::mt19937& random) {
  const std::int64_t least = int_at(schema, 0, "minItems");
  const std::int64_t wanted = std::max(least, static_cast<std::int64_t>(random() % 3));
  Json list = Json::array();
  for (std::int64_t i = 0; i < wanted; ++i) {
    std::optional<Json> item = valid_value(schema.at("items"), random);
    if (!item) return std::nullopt;
    list.push_back(*std::move(item));
  }
  // Two of one key, or more than there may be: one does.
  if (!validate(list, nullptr, schema).empty() && list.size() > 1) {
    list.erase(list.begin() + 1, list.end());
  }
  return list;
}

std::optional<Json> valid_fields(const Json& schema, std::mt19937& random) {
  static const Json none = Json::object();
  const Json* fields = find(schema, "properties");
  const Json& required = array_at(schema, "required");
  Json object = Json::object();
  for (const auto& [name, field] : (fields == nullptr ? none : *fields).items()) {
    const bool is_required = std::ranges::find(required, Json(name)) != required.end();
    if (!is_required && random() % 3 != 0) continue;
    std::optional<Json> value = valid_value(field, random);
    if (value) object[name] = *std::move(value);
    if (!value && is_required) return std::nullopt;
  }
  if (const Json* values = find(schema, "additionalProperties"); values && random() % 2 == 0) {
    if (auto value = valid_value(*values, random)) object["example.com/a"] = *std::move(value);
  }
  return object;
}

std::optional<Json> any_value(const Json& schema, std::mt19937& random) {
  const Json& allowed = array_at(schema, "enum");
  if (!allowed.empty()) return allowed[random() % allowed.size()];
  const std::string type = string_at(schema, "type");
  if (type == "object") return valid_fields(schema, random);
  if (type == "array") return valid_list(schema, random);
  if (type == "boolean") return random() % 2 == 0;
  if (type == "string") return valid_string(schema, random);
  return int_at(schema, 0, "minimum") + static_cast<std::int64_t>(random() % 3);
}

}  // namespace

std::optional<Json> valid_value(const Json& schema, std::mt19937& random) {
  constexpr int kTries = 3;
  for (int i = 0; i < kTries; ++i) {
    std::optional<Json> value = any_value(schema, random);
    if (value && validate(*value, nullptr, schema).empty()) return value;
  }
  return std::nullopt;
}

}  // namespace gatelift::fake
