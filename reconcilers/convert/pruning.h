// SPDX-License-Identifier: Apache-2.0
// What an API server takes out of an object that a schema does not describe.
#pragma once

#include <string>
#include <vector>

#include "client/json.h"

namespace gatelift {

struct PrunedField {
  std::string path;  // "spec.listeners[0].tls.frontendValidation"
  Json value;
};

/// Takes out of `object` what an API server prunes by the schema of a CRD version
/// (spec.versions[].schema.openAPIV3Schema), and returns it, in order of path segments. metadata,
/// apiVersion and kind are never pruned; nulls go without being reported. Pure.
std::vector<PrunedField> prune(const Json& schema, Json& object);

/// The path of a field of the object at `path`, as the API server prints it (field.Path): "a.b", or
/// "a[b.c/d]" where the key is no plain name.
std::string child_path(const std::string& path, const std::string& key);

}  // namespace gatelift
