// SPDX-License-Identifier: Apache-2.0
// What a person can do about an object that a release refuses and an earlier one took. The rows are
// the rules that Gateway API tightened between v0.6 and v1.6; a release that tightens another one
// needs another row, or says what every refusal says.
#pragma once

#include <string_view>

namespace gatelift {

/// The repair for a refused field, as the API server names it ("spec.rules[0].retry.attempts"):
/// a clause without a full stop. "" where no row knows the field.
std::string_view repair_for(std::string_view kind, std::string_view field);

}  // namespace gatelift
