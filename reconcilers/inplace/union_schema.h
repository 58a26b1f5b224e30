// SPDX-License-Identifier: Apache-2.0
// One schema that takes what each of several schemas of a kind takes, and an object that has the
// shapes of all of them side by side: the schema of every version of a bridge (bridge_crd.h).
#pragma once

#include <span>
#include <string>
#include <vector>

#include "client/json.h"

namespace gatelift {

/// A field that two schemas have and that no schema can describe for both.
struct SchemaConflict {
  std::string path;  // "spec.listeners[].port", as schema_paths() writes it; "" is the whole object
  std::string older;  // what it is, in words: "string", "map", "list by name, port", "default 1"
  std::string newer;

  /// "spec.port: string before, integer after".
  std::string display() const;
  auto operator<=>(const SchemaConflict&) const = default;
};

struct SchemaUnion {
  Json schema;  // an openAPIV3Schema; of no use where there are conflicts
  std::vector<SchemaConflict> conflicts;

  bool ok() const { return conflicts.empty(); }
};

/// The union of two structural schemas (KEP-1979; openAPIV3Schema of a CRD version), node by node.
///
/// A node that only one has stays as it is, with all that it requires. Of one that both have:
/// - fields are those of both; `required` and CEL rules are those that both have, a rule being
///   known by its text and optionalOldSelf. The newer's message stands.
/// - bounds are the wider of two and enumerations are joined; what one of them does not limit is
///   not limited. `nullable` and x-kubernetes-preserve-unknown-fields hold where one says so.
/// - pattern, format, multipleOf, allOf, anyOf, oneOf, not, and any keyword that is not named here
///   stay where they are equal.
/// - a default stays where it is equal, or where the other requires the field, which thus never
///   lacked. So keys of list maps keep what makes sure of them.
/// - documentation is the newer's.
/// - maxProperties goes where one has fields that the other has not: an object with both shapes has
///   more of them than either counted on.
///
/// A conflict is a node with another type, list type, list map keys or map type (both decide to
/// whom server-side apply gives a field), one with named fields in one and any keys in the other,
/// or one that is a whole object of the API in one only; and a key of a list map with two defaults.
///
/// Where a bound goes because one side lacks it, the API server estimates the cost of the CEL rules
/// on and above the node as if lists and strings were as long as a request may be, and may refuse
/// the CRD for it: a dry run of the write says so. An enumeration limits the length of what it
/// names; so beside a maxLength it does not make the length unlimited.
///
/// Whatever is valid under one of them is valid under the union. The exception is a field that one
/// of them does not name and keeps all the same: it has to be as the other says.
///
/// union_schema(union_schema(a, b), b) is union_schema(a, b): a union that is found again is
/// recognised by this. Pure.
SchemaUnion union_schema(const Json& older, const Json& newer);

/// The same of any number, the oldest first. Requires at least one.
SchemaUnion union_schema(std::span<const Json> schemas);

}  // namespace gatelift
