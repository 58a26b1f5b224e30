// SPDX-License-Identifier: Apache-2.0
// The bridge's own CEL rule, against objects that are whole in none of the versions.
#pragma once

#include <span>

#include "client/json.h"

namespace gatelift {

/// Adds to the spec of `joint`, the union of `sides`, the rule that an object has all that one of
/// the sides requires (bridge_crd.h), where there is such a rule. Pure.
void add_own_rule(Json& joint, std::span<const Json> sides);

}  // namespace gatelift
