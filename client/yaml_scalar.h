// SPDX-License-Identifier: Apache-2.0
// What an unquoted YAML scalar means, and which strings can be written without quotes. Shared by
// yaml.cc and yaml_print.cc, so that one cannot drift from the other. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "client/json.h"

namespace gatelift {

/// The value of a plain scalar by go-yaml v2's resolver (resolve.go). A number without fraction is
/// an integer, as it is after kubectl's way through JSON. Infinities and NaN, which JSON has not,
/// come back as nullopt.
std::optional<Json> resolve_plain_scalar(std::string_view text);

/// True when `text`, written without quotes in block context, is read back as this very string.
bool is_plain_safe(std::string_view text);

/// Offset of the first byte that YAML text may not hold raw (not UTF-8, or a control character), or
/// npos.
std::size_t find_unprintable(std::string_view text);

}  // namespace gatelift
