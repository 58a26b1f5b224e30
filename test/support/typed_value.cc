// SPDX-License-Identifier: Apache-2.0
#include "test/support/typed_value.h"

#include <algorithm>
#include <set>

#include "test/support/structural_schema.h"

namespace gatelift::fake {
namespace {

using Items = std::vector<std::pair<std::string, const Json*>>;

/// The parts of a container with their path elements, in the container's order.
Items parts_of(const Json& value, const Json& schema) {
  Items parts;
  if (value.is_object()) {
    for (const auto& [name, child] : value.items()) parts.emplace_back("f:" + name, &child);
  } else if (value.is_array()) {
    for (const Json& item : value) parts.emplace_back(item_element(schema, item), &item);
  }
  return parts;
}

const Json& part_schema(const Json& schema, const std::string& element) {
  return element.starts_with("f:") ? field_schema(schema, element.substr(2)) : item_schema(schema);
}

bool is_empty_container(const Json* value) {
  return value == nullptr || value->is_null() || value->empty();
}

class Comparer {
 public:
  void walk(const Json* before, const Json* after, const Json& schema) {
    const Json& seen = after != nullptr && !after->is_null() ? *after
                       : before != nullptr                   ? *before
                                                             : *after;
    bool same_form = before == nullptr || after == nullptr || before->is_null() ||
                     after->is_null() || before->type() == after->type();
    bool leaf = !same_form || shape_of(schema, seen) == Shape::Leaf ||
                (is_empty_container(before) && is_empty_container(after));
    if (leaf) {
      note_leaf(before, after);
      return;
    }
    walk_parts(before, after, schema);
    if (before == nullptr) result.added.insert(path_);
    if (after == nullptr) result.removed.insert(path_);
  }

  Comparison result;

 private:
  void note_leaf(const Json* before, const Json* after) {
    if (before == nullptr) {
      result.added.insert(path_);
    } else if (after == nullptr) {
      result.removed.insert(path_);
    } else if (*before != *after) {
      result.modified.insert(path_);
    }
  }

  void walk_parts(const Json* before, const Json* after, const Json& schema) {
    std::map<std::string, std::pair<const Json*, const Json*>> pairs;
    if (before != nullptr) {
      for (auto& [element, part] : parts_of(*before, schema)) pairs[element].first = part;
    }
    if (after != nullptr) {
      for (auto& [element, part] : parts_of(*after, schema)) pairs[element].second = part;
    }
    for (const auto& [element, pair] : pairs) {
      path_.push_back(element);
      walk(pair.first, pair.second, part_schema(schema, element));
      path_.pop_back();
    }
  }

  FieldPath path_;
};

void claim(const Json& value, const Json& schema, FieldPath& path, FieldSet& out) {
  if (shape_of(schema, value) == Shape::Leaf || value.empty()) {
    out.insert(path);
    return;
  }
  for (const auto& [element, part] : parts_of(value, schema)) {
    path.push_back(element);
    bool is_field = element.starts_with("f:");
    if (!is_field || !declares(schema, element.substr(2)) || part->is_null()) out.insert(path);
    claim(*part, part_schema(schema, element), path, out);
    path.pop_back();
  }
}

Json merge_lists(const Json& live, const Json& config, const Json& schema) {
  Json out = Json::array();
  std::map<std::string, const Json*> applied;
  for (auto& [element, item] : parts_of(config, schema)) applied.emplace(element, item);
  std::set<std::string> placed;
  for (auto& [element, item] : parts_of(live, schema)) {
    auto it = applied.find(element);
    out.push_back(it == applied.end() ? *item : merge(*item, *it->second, item_schema(schema)));
    placed.insert(element);
  }
  for (auto& [element, item] : parts_of(config, schema)) {
    if (placed.insert(element).second) out.push_back(*item);
  }
  return out;
}

}  // namespace

Comparison Comparison::without(const FieldSet& ignored) const {
  return {added.minus_subtrees(ignored), modified.minus_subtrees(ignored),
          removed.minus_subtrees(ignored)};
}

Comparison compare(const Json& before, const Json& after, const Json& schema) {
  Comparer comparer;
  comparer.walk(&before, &after, schema);
  return comparer.result;
}

FieldSet field_set_of(const Json& value, const Json& schema) {
  FieldSet out;
  FieldPath path;
  claim(value, schema, path, out);
  return out;
}

Json merge(const Json& live, const Json& config, const Json& schema) {
  if (live.type() != config.type()) return config;
  switch (shape_of(schema, config)) {
    case Shape::Leaf:
      return config;
    case Shape::KeyedList:
    case Shape::Set:
      return merge_lists(live, config, schema);
    case Shape::Map:
      break;
  }
  Json out = live;
  for (const auto& [name, value] : config.items()) {
    auto it = live.find(name);
    out[name] = it == live.end() ? value : merge(*it, value, field_schema(schema, name));
  }
  return out;
}

Json without_items(const Json& value, const FieldSet& paths, const Json& schema) {
  if (shape_of(schema, value) == Shape::Leaf || value.empty()) return value;
  Json out = value.is_object() ? Json::object() : Json::array();
  for (const auto& [element, part] : parts_of(value, schema)) {
    const FieldSet* below = paths.below(element);
    if (below != nullptr && below->is_member()) continue;
    Json kept = below == nullptr || below->children().empty()
                    ? *part
                    : without_items(*part, *below, part_schema(schema, element));
    if (value.is_object()) {
      out[element.substr(2)] = std::move(kept);
    } else {
      out.push_back(std::move(kept));
    }
  }
  return out.empty() ? Json() : out;
}

}  // namespace gatelift::fake
