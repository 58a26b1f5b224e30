// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/bundle/schema_diff.h"

#include <algorithm>
#include <map>

#include "reconcilers/bundle/cel_diff.h"
#include "reconcilers/bundle/constraint_diff.h"

namespace gatelift {
namespace {

using Children = std::map<std::string, const Json*>;

/// The schemas right below one: of an object's fields, a list's elements, a map's values.
Children children_of(const Json& schema, const std::string& path) {
  Children children;
  if (const Json* fields = find(schema, "properties"); fields != nullptr && fields->is_object()) {
    for (const auto& [name, field] : fields->items()) {
      children.emplace(path.empty() ? name : path + "." + name, &field);
    }
  }
  const Json* items = find(schema, "items");
  if (items != nullptr && items->is_object()) children.emplace(path + "[]", items);
  const Json* values = find(schema, "additionalProperties");
  if (values != nullptr && values->is_object()) children.emplace(path + "{}", values);
  return children;
}

std::string type_of(const Json& schema) {
  if (bool_at(schema, false, "x-kubernetes-int-or-string")) return "integer or string";
  const std::string type = string_at(schema, "type");
  return type.empty() ? "any" : type;
}

class Walk {
 public:
  void compare(const Json& from, const Json& to, const std::string& path) {
    if (type_of(from) != type_of(to)) {
      add(ChangeKind::FieldRetyped, path, type_of(from) + " -> " + type_of(to));
      return;
    }
    const std::size_t begin = diff_.changes.size();
    diff_constraints(from, to, path, diff_);
    const Children before = children_of(from, path);
    const Children after = children_of(to, path);
    for (const auto& [child, schema] : before) {
      const auto other = after.find(child);
      if (other == after.end()) {
        add(ChangeKind::FieldRemoved, child, type_of(*schema));
      } else {
        compare(*schema, *other->second, child);
      }
    }
    for (const auto& [child, schema] : after) {
      if (!before.contains(child)) add(ChangeKind::FieldAdded, child, type_of(*schema));
    }
    diff_required(from, to, path, diff_);
    diff_rules(from, to, path, begin, diff_);
  }

  SchemaDiff finish() && {
    std::ranges::stable_sort(diff_.changes, {}, &Change::path);
    return std::move(diff_);
  }

 private:
  void add(ChangeKind kind, const std::string& path, std::string detail) {
    Change change;
    change.kind = kind;
    change.path = path;
    change.detail = std::move(detail);
    diff_.changes.push_back(std::move(change));
  }

  SchemaDiff diff_;
};

void collect_paths(const Json& schema, const std::string& path, std::vector<std::string>& paths) {
  for (const auto& [child, below] : children_of(schema, path)) {
    paths.push_back(child);
    collect_paths(*below, child, paths);
  }
}

}  // namespace

SchemaDiff diff_schemas(const Json& from, const Json& to) {
  Walk walk;
  walk.compare(from, to, "");
  return std::move(walk).finish();
}

std::vector<std::string> schema_paths(const Json& schema) {
  std::vector<std::string> paths;
  collect_paths(schema, "", paths);
  return paths;
}

}  // namespace gatelift
