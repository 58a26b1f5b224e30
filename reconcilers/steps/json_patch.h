// SPDX-License-Identifier: Apache-2.0
// Operations of JSON patches (RFC 6902) as objects are written with them. Pure.
#pragma once

#include <string>
#include <string_view>

#include "client/object.h"

namespace gatelift {

Json replacement(std::string pointer, Json value);
Json removal(std::string pointer);

/// An annotation's place, escaped (RFC 6901).
std::string annotation_pointer(std::string_view name);

/// The managedFields of an object but ours.
Json entries_of_others(const Json& object);

/// A patch under the object's resourceVersion that makes `entries` its managedFields, to which
/// other operations may be added. A change of managedFields alone makes nobody an owner.
Json managed_fields_patch(const Json& object, Json entries);

}  // namespace gatelift
