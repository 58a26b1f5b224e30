// SPDX-License-Identifier: Apache-2.0
// Random objects that a structural schema accepts.
#pragma once

#include <optional>
#include <random>

#include "client/json.h"

namespace gatelift::fake {

/// A value that validate() (schema_validation.h) has nothing against, of as many fields as chance
/// has it; nullopt where none was found in some tries. Formats and CEL rules are not looked at.
std::optional<Json> valid_value(const Json& schema, std::mt19937& random);

}  // namespace gatelift::fake
