// SPDX-License-Identifier: Apache-2.0
// Structural schemas as a CRD carries them: what is kept, what is filled in, and which type a node
// has. A schema is the JSON of openAPIV3Schema, completed at its root by `complete_root`. Rules:
// Kubernetes documentation, "Extend the Kubernetes API with CustomResourceDefinitions", sections on
// pruning, defaulting and merge strategy.
#pragma once

#include <string>
#include <vector>

#include "client/json.h"

namespace gatelift::fake {

/// Returns `schema` with apiVersion, kind and the metadata of every object declared at its root.
Json complete_root(Json schema);
/// The schema of anything: no declared field, everything kept.
const Json& open_schema();

bool preserves_unknown(const Json& schema);
/// True when `name` is one of the schema's properties.
bool declares(const Json& schema, const std::string& name);
/// True when an object of this schema may have a field `name`.
bool admits(const Json& schema, const std::string& name);
/// The schema of a field or a list item; the open schema where nothing is said.
const Json& field_schema(const Json& schema, const std::string& name);
const Json& item_schema(const Json& schema);

/// Removes every field the schema does not have, and returns their paths ("spec.rules[0].x").
std::vector<std::string> prune(Json& object, const Json& schema);
/// Fills in the schema's defaults.
void apply_defaults(Json& object, const Json& schema);

/// How server-side apply sees a value of this schema.
enum class Shape { Leaf, Map, KeyedList, Set };
Shape shape_of(const Json& schema, const Json& value);
/// The path element of an item of a KeyedList or Set, for instance k:{"name":"a"}.
std::string item_element(const Json& schema, const Json& item);
/// The first path (".spec.x") that the schema has no place for, or "" when there is none.
std::string first_undeclared(const Json& object, const Json& schema);

}  // namespace gatelift::fake
