// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/inplace/union_schema.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <utility>

#include "reconcilers/bundle/constraint_diff.h"
#include "reconcilers/bundle/schema_keywords.h"
#include "reconcilers/convert/pruning.h"

namespace gatelift {
namespace {

constexpr const char* kPreserve = "x-kubernetes-preserve-unknown-fields";
constexpr const char* kKeys = "x-kubernetes-list-map-keys";

bool is_map(const Json& schema) { return find(schema, "additionalProperties") != nullptr; }
bool has_fields(const Json& schema) { return find(schema, "properties") != nullptr; }

std::string list_text(const Json& schema) {
  std::string text = list_type(schema);
  if (text == "atomic") return "list";
  if (text != "map") return text;
  std::set<std::string> keys;
  for (const Json& key : array_at(schema, kKeys)) keys.insert(key.get<std::string>());
  text = "list by";
  for (const std::string& key : keys) text += (text.ends_with("by") ? " " : ", ") + key;
  return text;
}

/// What clients and server-side apply take a value for. An object that names no fields is like
/// whatever `other` is.
std::string shape_of(const Json& schema, const Json& other) {
  if (bool_at(schema, false, "x-kubernetes-int-or-string")) return "integer or string";
  const std::string type = string_at(schema, "type");
  if (type.empty()) return "any";
  if (type == "array") return list_text(schema);
  if (type != "object") return type;
  const bool is_like_map = is_map(schema) || (!has_fields(schema) && is_map(other));
  std::string text = is_like_map ? "map" : "object";
  if (bool_at(schema, false, "x-kubernetes-embedded-resource")) text = "embedded resource";
  return string_at(schema, "x-kubernetes-map-type") == "atomic" ? "atomic " + text : text;
}

/// Where both schemas have the same shape, these say the same; one may leave out what is default.
bool is_shape(std::string_view keyword) {
  constexpr std::array kWords{
      std::string_view("type"),
      std::string_view("x-kubernetes-int-or-string"),
      std::string_view("x-kubernetes-embedded-resource"),
      std::string_view("x-kubernetes-list-type"),
      std::string_view(kKeys),
      std::string_view("x-kubernetes-map-type"),
  };
  return std::ranges::find(kWords, keyword) != kWords.end();
}

bool contains(const Json& list, const Json& value) {
  return std::ranges::find(list, value) != list.end();
}

/// How far strings of an enumeration reach, as a bound on their length.
std::optional<Json> enumerated_length(const Json& schema, const Bound& bound) {
  const Json& values = array_at(schema, "enum");
  const bool is_length = bound.keyword == "minLength" || bound.keyword == "maxLength";
  if (values.empty() || !is_length) return std::nullopt;
  std::set<std::int64_t> lengths;
  for (const Json& value : values) {
    const auto* text = value.get_ptr<const std::string*>();
    if (text == nullptr) return std::nullopt;
    lengths.insert(length_of(*text));
  }
  return bound.limit == Limit::Least ? *lengths.begin() : *lengths.rbegin();
}

std::optional<Json> limit_of(const Json& schema, const Bound& bound) {
  if (const Json* limit = find(schema, bound.keyword)) return *limit;
  return enumerated_length(schema, bound);
}

/// `bound` is in one of the schemas at least.
std::optional<Json> wider(const Bound& bound, const Json& older, const Json& newer) {
  const std::optional<Json> before = limit_of(older, bound);
  const std::optional<Json> after = limit_of(newer, bound);
  if (!before || !after) return std::nullopt;
  return (*after < *before) == (bound.limit == Limit::Least) ? after : before;
}

std::optional<Json> joined(const Json& older, const Json& newer) {
  Json values = older;
  for (const Json& value : newer) {
    if (!contains(values, value)) values.push_back(value);
  }
  return values;
}

/// Empty lists are left out: the API server does not keep them.
std::optional<Json> non_empty(Json list) {
  if (list.empty()) return std::nullopt;
  return list;
}

std::optional<Json> common(const Json& older, const Json& newer) {
  Json names = Json::array();
  for (const Json& name : older) {
    if (contains(newer, name)) names.push_back(name);
  }
  return non_empty(std::move(names));
}

bool same_rule(const Json& a, const Json& b) {
  return string_at(a, "rule") == string_at(b, "rule") &&
         bool_at(a, false, "optionalOldSelf") == bool_at(b, false, "optionalOldSelf");
}

std::optional<Json> common_rules(const Json& older, const Json& newer) {
  Json rules = Json::array();
  for (const Json& rule : older) {
    const auto found =
        std::ranges::find_if(newer, [&](const Json& other) { return same_rule(rule, other); });
    if (found != newer.end()) rules.push_back(*found);
  }
  return non_empty(std::move(rules));
}

class Union {
 public:
  Json join(const Json& older, const Json& newer, const std::string& path) {
    std::string before = shape_of(older, newer);
    std::string after = shape_of(newer, older);
    if (before != after) {
      conflicts.push_back({path, std::move(before), std::move(after)});
      return newer;
    }
    Json out = Json::object();
    for (const Json* schema : {&older, &newer}) {
      for (const auto& [keyword, value] : schema->items()) {
        if (out.contains(keyword)) continue;
        std::optional<Json> joint = is_child(keyword) ? child(keyword, older, newer, path)
                                                      : constraint(keyword, older, newer);
        if (joint) out[keyword] = *std::move(joint);
      }
    }
    if (has_other_fields(older, newer)) out.erase("maxProperties");
    for (const auto& [exclusive, limit] :
         {std::pair("exclusiveMinimum", "minimum"), std::pair("exclusiveMaximum", "maximum")}) {
      if (!out.contains(limit)) out.erase(exclusive);
    }
    check_keys(older, newer, out, path);
    return out;
  }

  std::vector<SchemaConflict> conflicts;

 private:
  static bool is_child(std::string_view keyword) {
    return keyword == "properties" || keyword == "items" || keyword == "additionalProperties";
  }

  std::optional<Json> child(const std::string& keyword, const Json& older, const Json& newer,
                            const std::string& path) {
    const Json* before = find(older, keyword);
    const Json* after = find(newer, keyword);
    if (before == nullptr) return after == nullptr ? std::nullopt : std::optional(*after);
    if (after == nullptr) return *before;
    if (keyword == "properties") return fields(older, newer, path);
    if (before->is_boolean() || after->is_boolean()) {
      return *before == false || *after == true ? *after : *before;
    }
    return join(*before, *after, path + (keyword == "items" ? "[]" : "{}"));
  }

  Json fields(const Json& older, const Json& newer, const std::string& path) {
    const Json& after = newer.at("properties");
    Json out = after;
    for (const auto& [name, field] : older.at("properties").items()) {
      if (!after.contains(name)) {
        out[name] = field;
        continue;
      }
      out[name] = join(field, after.at(name), child_path(path, name));
      keep_default(name, older, newer, out[name]);
      keep_default(name, newer, older, out[name]);
    }
    return out;
  }

  /// A field that one side requires is there with the default of the other: it was never missing.
  static void keep_default(const std::string& name, const Json& with, const Json& without,
                           Json& joint) {
    const Json* value = find(with, "properties", name, "default");
    const bool is_other_free = find(without, "properties", name, "default") == nullptr;
    if (value == nullptr || !is_other_free) return;
    if (contains(array_at(without, "required"), name)) joint["default"] = *value;
  }

  static std::optional<Json> constraint(const std::string& keyword, const Json& older,
                                        const Json& newer) {
    const Json* before = find(older, keyword);
    const Json* after = find(newer, keyword);
    if (const Bound* bound = bound_of(keyword)) return wider(*bound, older, newer);
    if (keyword == "nullable" || keyword == kPreserve) {
      const bool holds = bool_at(older, false, keyword) || bool_at(newer, false, keyword);
      return holds ? std::optional(Json(true)) : std::nullopt;
    }
    if (is_documentation(keyword) && after != nullptr) return *after;
    if ((is_documentation(keyword) || is_shape(keyword)) && before != nullptr) return *before;
    if (is_shape(keyword) && after != nullptr) return *after;
    if (before == nullptr || after == nullptr) return std::nullopt;
    if (keyword == "required") return common(*before, *after);
    if (keyword == "x-kubernetes-validations") return common_rules(*before, *after);
    if (keyword == "enum") return joined(*before, *after);
    return *before == *after ? std::optional(*after) : std::nullopt;
  }

  static bool has_other_fields(const Json& older, const Json& newer) {
    const Json* before = find(older, "properties");
    const Json* after = find(newer, "properties");
    if (before == nullptr || after == nullptr) return before != after;
    for (const auto& field : before->items()) {
      if (!after->contains(field.key())) return true;
    }
    return before->size() != after->size();
  }

  /// The API server refuses a list map of which an item may lack a key.
  void check_keys(const Json& older, const Json& newer, const Json& joint,
                  const std::string& path) {
    for (const Json& key : array_at(joint, kKeys)) {
      const auto& name = key.get_ref<const std::string&>();
      const bool is_required = contains(array_at(joint, "items", "required"), key);
      if (is_required || find(joint, "items", "properties", name, "default") != nullptr) continue;
      const auto text = [&](const Json& schema) {
        return "default " + value_text(find(schema, "items", "properties", name, "default"));
      };
      conflicts.push_back({child_path(path + "[]", name), text(older), text(newer)});
    }
  }
};

}  // namespace

std::string SchemaConflict::display() const {
  return (path.empty() ? "the object" : path) + ": " + older + " before, " + newer + " after";
}

SchemaUnion union_schema(const Json& older, const Json& newer) {
  Union both;
  Json schema = both.join(older, newer, "");
  return {std::move(schema), std::move(both.conflicts)};
}

SchemaUnion union_schema(std::span<const Json> schemas) {
  SchemaUnion all{schemas.front(), {}};
  for (const Json& schema : schemas.subspan(1)) {
    SchemaUnion next = union_schema(all.schema, schema);
    all.schema = std::move(next.schema);
    for (SchemaConflict& conflict : next.conflicts) {
      if (!std::ranges::count(all.conflicts, conflict)) all.conflicts.push_back(conflict);
    }
  }
  return all;
}

}  // namespace gatelift
