// SPDX-License-Identifier: Apache-2.0
// A set of paths into an object, as managedFields keeps it (fieldsV1 of structured-merge-diff). A
// path element is spelled as in fieldsV1: "f:spec", "k:{\"name\":\"a\"}" for an item of a keyed
// list, "v:\"x\"" for an item of a set.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "client/json.h"

namespace gatelift::fake {

using FieldPath = std::vector<std::string>;

class FieldSet {
 public:
  static FieldSet from_json(const Json& fields_v1);
  Json to_json() const;

  bool empty() const;
  bool has(const FieldPath& path) const;
  void insert(const FieldPath& path);

  /// Whether this node itself is in the set; for the root it never is.
  bool is_member() const { return member_; }
  const std::map<std::string, FieldSet>& children() const { return children_; }
  /// The part of the set below `element`, or nullptr when there is none.
  const FieldSet* below(const std::string& element) const;

  FieldSet united(const FieldSet& other) const;
  FieldSet intersected(const FieldSet& other) const;
  /// Without the paths of `other`; what lies below them stays.
  FieldSet minus(const FieldSet& other) const;
  /// Without the paths of `other` and all that lies below them.
  FieldSet minus_subtrees(const FieldSet& other) const;
  /// With every ancestor that is a field declared in `schema` (EnsureNamedFieldsAreMembers).
  FieldSet with_declared_ancestors(const Json& schema) const;

  /// Every path in order, printed as in conflicts: ".spec.rules[name=\"a\"]".
  std::vector<std::string> printed() const;

 private:
  Json node_json() const;
  void prune_empty();

  bool member_ = false;
  std::map<std::string, FieldSet> children_;
};

/// "k:{...}" or "v:..." as printed in conflicts, "f:x" as ".x".
std::string print_element(const std::string& element);

}  // namespace gatelift::fake
