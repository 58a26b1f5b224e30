// SPDX-License-Identifier: Apache-2.0
#include "test/support/field_set.h"

#include "test/support/structural_schema.h"

namespace gatelift::fake {

FieldSet FieldSet::from_json(const Json& fields_v1) {
  FieldSet set;
  if (!fields_v1.is_object()) return set;
  for (const auto& [element, below] : fields_v1.items()) {
    if (element == ".") {
      set.member_ = true;
      continue;
    }
    FieldSet child = from_json(below);
    child.member_ = child.member_ || below.empty();
    set.children_.emplace(element, std::move(child));
  }
  return set;
}

Json FieldSet::node_json() const {
  Json node = Json::object();
  if (member_ && !children_.empty()) node["."] = Json::object();
  for (const auto& [element, child] : children_) node[element] = child.node_json();
  return node;
}

Json FieldSet::to_json() const {
  Json node = node_json();
  node.erase(".");
  return node;
}

bool FieldSet::empty() const { return !member_ && children_.empty(); }

const FieldSet* FieldSet::below(const std::string& element) const {
  auto it = children_.find(element);
  return it == children_.end() ? nullptr : &it->second;
}

bool FieldSet::has(const FieldPath& path) const {
  const FieldSet* node = this;
  for (const std::string& element : path) {
    node = node->below(element);
    if (node == nullptr) return false;
  }
  return node->member_;
}

void FieldSet::insert(const FieldPath& path) {
  if (path.empty()) return;
  FieldSet* node = this;
  for (const std::string& element : path) node = &node->children_[element];
  node->member_ = true;
}

void FieldSet::prune_empty() {
  std::erase_if(children_, [](const auto& entry) { return entry.second.empty(); });
}

FieldSet FieldSet::united(const FieldSet& other) const {
  FieldSet out = *this;
  out.member_ = out.member_ || other.member_;
  for (const auto& [element, child] : other.children_) {
    auto it = out.children_.find(element);
    if (it == out.children_.end()) {
      out.children_.emplace(element, child);
    } else {
      it->second = it->second.united(child);
    }
  }
  return out;
}

FieldSet FieldSet::intersected(const FieldSet& other) const {
  FieldSet out;
  out.member_ = member_ && other.member_;
  for (const auto& [element, child] : children_) {
    if (const FieldSet* theirs = other.below(element)) {
      out.children_.emplace(element, child.intersected(*theirs));
    }
  }
  out.prune_empty();
  return out;
}

FieldSet FieldSet::minus(const FieldSet& other) const {
  FieldSet out;
  out.member_ = member_ && !other.member_;
  for (const auto& [element, child] : children_) {
    const FieldSet* theirs = other.below(element);
    out.children_.emplace(element, theirs == nullptr ? child : child.minus(*theirs));
  }
  out.prune_empty();
  return out;
}

FieldSet FieldSet::minus_subtrees(const FieldSet& other) const {
  FieldSet out;
  if (other.member_) return out;
  out.member_ = member_;
  for (const auto& [element, child] : children_) {
    const FieldSet* theirs = other.below(element);
    out.children_.emplace(element, theirs == nullptr ? child : child.minus_subtrees(*theirs));
  }
  out.prune_empty();
  return out;
}

FieldSet FieldSet::with_declared_ancestors(const Json& schema) const {
  FieldSet out;
  out.member_ = member_;
  for (const auto& [element, child] : children_) {
    bool is_field = element.starts_with("f:");
    const Json& below = is_field ? field_schema(schema, element.substr(2)) : item_schema(schema);
    FieldSet grown = child.with_declared_ancestors(below);
    if (is_field && declares(schema, element.substr(2))) grown.member_ = true;
    out.children_.emplace(element, std::move(grown));
  }
  return out;
}

std::string print_element(const std::string& element) {
  std::string rest = element.substr(std::min<std::size_t>(2, element.size()));
  if (element.starts_with("f:")) return "." + rest;
  if (element.starts_with("i:")) return "[" + rest + "]";
  if (element.starts_with("v:")) return "[=" + rest + "]";
  Json keys = Json::parse(rest, nullptr, false);
  std::string out;
  for (const auto& [name, value] : keys.items()) {
    out += (out.empty() ? "" : ",") + name + "=" + value.dump();
  }
  return "[" + out + "]";
}

namespace {

void print_below(const FieldSet& set, const std::string& prefix, std::vector<std::string>& out) {
  for (const auto& [element, child] : set.children()) {
    std::string path = prefix + print_element(element);
    if (child.is_member()) out.push_back(path);
    print_below(child, path, out);
  }
}

}  // namespace

std::vector<std::string> FieldSet::printed() const {
  std::vector<std::string> out;
  print_below(*this, "", out);
  return out;
}

}  // namespace gatelift::fake
