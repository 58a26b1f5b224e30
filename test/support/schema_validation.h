// SPDX-License-Identifier: Apache-2.0
// Validation of an object against a structural schema: types, required, enum, bounds, patterns,
// uniqueness of list-map and set items, allOf/anyOf/oneOf/not. Formats and CEL rules are not looked
// at.
#pragma once

#include <vector>

#include "client/error.h"
#include "client/json.h"

namespace gatelift::fake {

/// The findings, as the causes of a 422. What is equal in `before` (nullptr for a create) passes
/// whatever the schema says: ratcheting, on by default since 1.30 (KEP-4008).
std::vector<Cause> validate(const Json& object, const Json* before, const Json& schema);

}  // namespace gatelift::fake
