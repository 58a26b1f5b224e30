// SPDX-License-Identifier: Apache-2.0
// Whether the validation of one field became tighter or looser, keyword by keyword; CEL rules are
// apart, in cel_diff.h.
#pragma once

#include "reconcilers/bundle/schema_diff.h"

namespace gatelift {

/// Adds to `diff` what differs between two schemas of the same type at `path`, without what is in
/// their fields.
void diff_constraints(const Json& from, const Json& to, const std::string& path, SchemaDiff& diff);

/// Adds to `diff` the fields of an object that became required or optional. One that has a default
/// is never missing when it is validated.
void diff_required(const Json& from, const Json& to, const std::string& path, SchemaDiff& diff);

/// "null", or the compact print.
std::string value_text(const Json* value);

}  // namespace gatelift
