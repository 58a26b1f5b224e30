// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/convert/field_rules.h"

#include <algorithm>
#include <optional>
#include <string>

namespace gatelift {
namespace {

std::string_view source_name(const FieldRule& rule, Direction direction) {
  return direction == Direction::Up ? rule.old_name : rule.new_name;
}

std::string target_name(const FieldRule& rule, Direction direction) {
  return std::string(direction == Direction::Up ? rule.new_name : rule.old_name);
}

const FieldRule* rule_for(std::span<const FieldRule> rules, std::string_view field,
                          Direction direction) {
  const auto it = std::find_if(rules.begin(), rules.end(), [&](const FieldRule& rule) {
    return source_name(rule, direction) == field;
  });
  return field.empty() || it == rules.end() ? nullptr : &*it;
}

/// The value of a field at its target; nullopt where nothing is left of it.
std::optional<Json> convert_value(const Json& value, const FieldRule& rule, Direction direction) {
  if (rule.shape == FieldShape::Same || value.is_null()) {
    return convert_tree(value, rule.children, direction);
  }
  if (direction == Direction::Up) {
    return Json::array({convert_tree(value, rule.children, direction)});
  }
  if (!value.is_array()) return convert_tree(value, rule.children, direction);
  if (value.empty()) return std::nullopt;
  return convert_tree(value.front(), rule.children, direction);
}

/// The paths of everything in `value`, as an entry of `operation` that owns all of it has them.
Json fields_of(const Json& value, std::string_view operation) {
  Json fields = Json::object();
  if (!value.is_object()) return fields;
  for (const auto& [name, child] : value.items()) {
    fields["f:" + name] = fields_of(child, operation);
  }
  if (operation == "Update" && !fields.empty()) fields["."] = Json::object();
  return fields;
}

/// The paths of a list's only item; nullopt where the object has no such item.
std::optional<Json> item_fields(const FieldRule& rule, std::string_view operation,
                                const Json* item) {
  if (item != nullptr) {
    if (item->is_null()) return std::nullopt;
    return fields_of(*item, operation);
  }
  Json known = Json::object();
  for (const std::string_view name : rule.item_fields) known[std::string(name)] = "";
  return fields_of(known, operation);
}

/// The paths under a field at its target; nullopt where none is left.
std::optional<Json> convert_child_fields(const Json& fields, const FieldRule& rule,
                                         Direction direction, std::string_view operation,
                                         const Json* converted) {
  if (rule.shape == FieldShape::OnlyItemOfList && direction == Direction::Down) {
    return item_fields(rule, operation, converted);
  }
  Json mapped = convert_fields(fields, rule.children, direction, operation, converted);
  if (mapped.empty() && !fields.empty()) return std::nullopt;
  if (rule.shape == FieldShape::OnlyItemOfList) return Json::object();
  return mapped;
}

/// The member of an object by name: null where it has none, nullptr where there is no object to
/// look at.
const Json* member(const Json* object, const std::string& name) {
  static const Json none;
  if (object == nullptr || !object->is_object()) return object;
  const auto it = object->find(name);
  return it == object->end() ? &none : &*it;
}

void add_fields(Json& fields, const std::string& key, const Json& under) {
  fields[key] = fields.contains(key) ? union_of_fields(fields[key], under) : under;
}

}  // namespace

Json convert_tree(const Json& tree, std::span<const FieldRule> rules, Direction direction) {
  if (!tree.is_object() || rules.empty()) return tree;
  Json out = Json::object();
  for (const auto& [name, value] : tree.items()) {
    if (rule_for(rules, name, direction) == nullptr) out[name] = value;
  }
  // Ruled fields come second: where an object has a field in both shapes, the shape of its own
  // version counts.
  for (const auto& [name, value] : tree.items()) {
    const FieldRule* rule = rule_for(rules, name, direction);
    if (rule == nullptr || target_name(*rule, direction).empty()) continue;
    auto converted = convert_value(value, *rule, direction);
    if (converted) out[target_name(*rule, direction)] = *std::move(converted);
  }
  return out;
}

Json convert_fields(const Json& fields, std::span<const FieldRule> rules, Direction direction,
                    std::string_view operation, const Json* converted) {
  if (!fields.is_object() || rules.empty()) return fields;
  Json out = Json::object();
  for (const auto& [key, under] : fields.items()) {
    const std::string_view name = key.starts_with("f:") ? std::string_view(key).substr(2) : "";
    const FieldRule* rule = rule_for(rules, name, direction);
    if (rule == nullptr) {
      add_fields(out, key, under);
      continue;
    }
    const std::string target = target_name(*rule, direction);
    if (target.empty()) continue;
    const auto mapped =
        convert_child_fields(under, *rule, direction, operation, member(converted, target));
    if (mapped) add_fields(out, "f:" + target, *mapped);
  }
  // An entry that owned nothing but what was dropped does not come to own the struct that held it.
  if (out.size() == 1 && out.contains(".") && fields.size() > 1) return Json::object();
  return out;
}

Json union_of_fields(const Json& a, const Json& b) {
  if (!a.is_object() || !b.is_object()) return a.is_object() ? a : b;
  if (a.empty() && b.empty()) return a;
  Json out = a;
  // An empty set under a path says that the path itself is owned; beside other paths that is
  // spelled ".".
  if (a.empty() || b.empty()) out["."] = Json::object();
  for (const auto& [key, under] : b.items()) {
    out[key] = out.contains(key) ? union_of_fields(out[key], under) : under;
  }
  return out;
}

}  // namespace gatelift
