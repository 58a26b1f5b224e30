// SPDX-License-Identifier: Apache-2.0
// What differs between two structural schemas of one version of a CRD.
#pragma once

#include <string>
#include <vector>

#include "client/json.h"
#include "reconcilers/bundle/change.h"

namespace gatelift {

struct SchemaDiff {
  /// A value that an enumeration has gained, as CEL writes it ("'CORS'").
  struct NewValue {
    std::string path;
    std::string literal;
  };

  std::vector<Change> changes;    // by path; crd, version and verdicts are the caller's to fill in
  std::size_t documentation = 0;  // keywords that differ without any effect, such as descriptions
  std::vector<NewValue> new_values;
};

/// Both are openAPIV3Schemas. A field that was added is one change, whatever is in it; of one that
/// changed its type nothing else is compared.
SchemaDiff diff_schemas(const Json& from, const Json& to);

/// Paths of all fields in a schema, in order: "spec.listeners[].tls". Elements of lists end in
/// "[]", values of maps in "{}".
std::vector<std::string> schema_paths(const Json& schema);

}  // namespace gatelift
