// SPDX-License-Identifier: Apache-2.0
// The engine of conversions: rules about fields as data, and what follows from them for objects and
// for managedFields. A rule is written once, in the table of its kind, and read in both directions
// and for both trees.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "client/json.h"
#include "reconcilers/convert/convert.h"

namespace gatelift {

enum class Direction { Up, Down };

enum class FieldShape {
  Same,
  OnlyItemOfList,  // one object in the old version, an atomic list holding it in the new one
};

/// What becomes of one field and of the fields under it. Fields without a rule keep their name and
/// value. A field whose name is "" on the other side is dropped there; the row's `problems` has
/// made sure that nothing is lost by it.
struct FieldRule {
  std::string_view old_name;
  std::string_view new_name;
  FieldShape shape = FieldShape::Same;
  std::span<const FieldRule> children = {};
  /// OnlyItemOfList: fields that every item has, for ownership of a list whose item is not at hand.
  std::span<const std::string_view> item_fields = {};
};

/// A row of the table: a kind whose objects have one shape in `old_versions` and another in
/// `new_versions`.
struct Conversion {
  std::string_view group;
  std::string_view kind;
  std::span<const std::string_view> old_versions;
  std::span<const std::string_view> new_versions;
  std::span<const FieldRule> rules;  // from the root of the object
  /// What in `object` the rules cannot carry in this direction.
  std::vector<ConversionProblem> (*problems)(const Json& object, Direction direction);
};

/// `tree` by the rules. Total: what the rules cannot carry (see Conversion::problems) is left out.
Json convert_tree(const Json& tree, std::span<const FieldRule> rules, Direction direction);

/// FieldsV1 by the rules (structured-merge-diff, fieldpath/serialize.go): "f:" names are mapped,
/// everything under an atomic list becomes the list, and downwards the list becomes the fields of
/// its item. That item is looked up in `converted`, the object at the version converted to, unless
/// that is nullptr. Paths of dropped fields are dropped. `operation` is the entry's: updates own
/// structs themselves ("."), applies their leaves only.
Json convert_fields(const Json& fields, std::span<const FieldRule> rules, Direction direction,
                    std::string_view operation, const Json* converted);

/// The row for a kind whose objects change their shape between two versions; nullopt where they do
/// not.
struct DirectedConversion {
  const Conversion* row = nullptr;
  Direction direction = Direction::Up;
};
std::optional<DirectedConversion> conversion_between(std::string_view group, std::string_view kind,
                                                     std::string_view from, std::string_view to);

/// A version whose objects have another shape than `version`; "" where there is none.
std::string version_of_other_shape(std::string_view group, std::string_view kind,
                                   std::string_view version);

/// What both sets of fields hold together.
Json union_of_fields(const Json& a, const Json& b);

}  // namespace gatelift
