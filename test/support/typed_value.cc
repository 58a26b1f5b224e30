// SPDX-License-Identifier: Apache-2.0
#include "test/support/typed_value.h"

#include <deque>
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

/// Merges two keyed lists in the order of typed/merge.go: shared items in the applied order, items
/// that only the live list has at their place between them.
class ListMerger {
 public:
  ListMerger(const Json& live, const Json& config, const Json& schema)
      : left_(parts_of(live, schema)), right_(parts_of(config, schema)), schema_(schema) {
    for (const auto& [element, item] : left_) in_left_.emplace(element, item);
    for (const auto& [element, item] : right_) in_right_.emplace(element, item);
    for (const auto& [element, item] : right_) {
      if (in_left_.contains(element)) shared_.push_back(element);
    }
  }

  Json merged() {
    std::size_t l = 0;
    std::size_t r = 0;
    while (l < left_.size() || r < right_.size()) {
      if (l < left_.size()) {
        const std::string& element = left_[l].first;
        bool both = in_right_.contains(element);
        if (!both) {
          out_.push_back(*left_[l++].second);
          continue;
        }
        bool is_next = r < right_.size() && right_[r].first == element;
        bool is_later = !shared_.empty() && shared_.front() != element;
        if (!is_next && is_later && r < right_.size()) {
          ++l;
          continue;
        }
        if (is_next || placed_.contains(element)) ++l;
      }
      if (r < right_.size()) take(right_[r++].first);
    }
    return std::move(out_);
  }

 private:
  void take(const std::string& element) {
    placed_.insert(element);
    auto live = in_left_.find(element);
    const Json& applied = *in_right_.at(element);
    out_.push_back(live == in_left_.end() ? applied
                                          : merge(*live->second, applied, item_schema(schema_)));
    if (!shared_.empty() && shared_.front() == element) shared_.pop_front();
  }

  Items left_;
  Items right_;
  const Json& schema_;
  std::map<std::string, const Json*> in_left_;
  std::map<std::string, const Json*> in_right_;
  std::deque<std::string> shared_;
  std::set<std::string> placed_;
  Json out_ = Json::array();
};

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
      return ListMerger(live, config, schema).merged();
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
