// SPDX-License-Identifier: Apache-2.0
// CEL rules of one field that were added, removed or rewritten. Rules are told apart by their text
// and never evaluated.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "reconcilers/bundle/schema_diff.h"

namespace gatelift {

/// Adds to `diff` the rules that differ at `path`. Requires: the changes at the path and below it,
/// which say what is new there, are in `diff` from index `below` on.
void diff_rules(const Json& from, const Json& to, const std::string& path, std::size_t below,
                SchemaDiff& diff);

/// Names, numbers, quoted texts with their quotes, and other characters one by one.
std::vector<std::string_view> cel_tokens(std::string_view rule);

}  // namespace gatelift
