// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/convert/halves.h"

#include <algorithm>
#include <utility>

#include "client/object.h"
#include "reconcilers/bundle/digest.h"

namespace gatelift {
namespace {

using Rules = std::span<const FieldRule>;

/// A field's name on the side that is looked at, and on the other.
struct Names {
  std::string own;
  std::string other;

  Names(const FieldRule& rule, bool is_old)
      : own(is_old ? rule.old_name : rule.new_name),
        other(is_old ? rule.new_name : rule.old_name) {}
  bool is_shared() const { return own == other; }
};

/// The ruled fields of one side.
Json select(const Json& tree, Rules rules, bool is_old) {
  Json out = Json::object();
  for (const FieldRule& rule : rules) {
    const Names names(rule, is_old);
    const Json* value = names.own.empty() ? nullptr : find(tree, names.own);
    if (value == nullptr) continue;
    if (!names.is_shared()) {
      out[names.own] = *value;
    } else if (Json below = select(*value, rule.children, is_old); !below.empty()) {
      out[names.own] = std::move(below);
    }
  }
  return out;
}

/// Takes away what the other side has under names of its own.
void strip_other(Json& tree, Rules rules, bool is_old) {
  if (!tree.is_object()) return;
  for (const FieldRule& rule : rules) {
    const Names names(rule, is_old);
    if (names.is_shared()) {
      if (const auto it = tree.find(names.own); it != tree.end()) {
        strip_other(*it, rule.children, is_old);
      }
    } else if (!names.other.empty()) {
      tree.erase(names.other);
    }
  }
}

/// Gives `half` the fields of `current` that the other side has no names for.
void keep_own(Json& half, const Json& current, Rules rules, bool is_old) {
  if (!half.is_object()) return;
  for (const FieldRule& rule : rules) {
    const Names names(rule, is_old);
    const Json* value = names.own.empty() ? nullptr : find(current, names.own);
    if (value == nullptr) continue;
    if (names.other.empty()) {
      if (!half.contains(names.own)) half[names.own] = *value;
    } else if (const auto it = half.find(names.own); it != half.end()) {
      keep_own(*it, *value, rule.children, is_old);
    }
  }
}

/// JSON pointers to the ruled fields of one side.
void add_pointers(const Json& tree, Rules rules, bool is_old, const std::string& above,
                  std::vector<std::string>& pointers) {
  for (const FieldRule& rule : rules) {
    const Names names(rule, is_old);
    if (names.own.empty() || !tree.is_object() || !tree.contains(names.own)) continue;
    const std::string pointer = above + "/" + names.own;
    if (names.is_shared()) {
      add_pointers(tree.at(names.own), rule.children, is_old, pointer, pointers);
    } else {
      pointers.push_back(pointer);
    }
  }
}

/// FieldsV1 without the ruled fields of one side.
void strip_paths(Json& fields, Rules rules, bool is_old) {
  if (!fields.is_object()) return;
  for (const FieldRule& rule : rules) {
    const Names names(rule, is_old);
    if (names.own.empty()) continue;
    const auto it = fields.find("f:" + names.own);
    if (it == fields.end()) continue;
    if (names.is_shared()) {
      strip_paths(*it, rule.children, is_old);
    } else {
      fields.erase(it);
    }
  }
}

/// In the place of a digest.
constexpr const char* kUnshown = "unshown";

std::string short_digest(const Json& half) { return digest_of(half).substr(7, 16); }

Direction opposite(Direction direction) {
  return direction == Direction::Up ? Direction::Down : Direction::Up;
}

}  // namespace

Halves::Halves(const Conversion& row, Direction direction, std::string_view from_version,
               std::string_view to_version)
    : row_(&row), direction_(direction), from_version_(from_version), to_version_(to_version) {}

std::optional<Halves> Halves::between(std::string_view group, std::string_view kind,
                                      std::string_view from_version, std::string_view to_version) {
  const auto found = conversion_between(group, kind, from_version, to_version);
  if (!found) return std::nullopt;
  return Halves(*found->row, found->direction, from_version, to_version);
}

Json Halves::half(const Json& object, Side side) const {
  return select(object, row_->rules, side == Side::Old);
}

Json Halves::from_half(const Json& object) const { return half(object, from_side()); }
Json Halves::to_half(const Json& object) const { return half(object, to_side()); }

Json Halves::view(const Json& object, Side side, const std::string& version) const {
  Json seen = object;
  strip_other(seen, row_->rules, side == Side::Old);
  seen["apiVersion"] = std::string(row_->group) + "/" + version;
  const auto metadata = seen.find("metadata");
  if (metadata == seen.end()) return seen;
  const auto annotations = metadata->find("annotations");
  if (annotations == metadata->end()) return seen;
  annotations->erase(std::string(kProjectedAnnotation));
  if (annotations->empty()) metadata->erase("annotations");
  return seen;
}

Json Halves::from_view(const Json& object) const {
  return view(object, from_side(), from_version_);
}
Json Halves::to_view(const Json& object) const { return view(object, to_side(), to_version_); }

Halves::Projection Halves::projected(const Json& object, Side to) const {
  const bool forward = to == to_side();
  const Direction direction = forward ? direction_ : opposite(direction_);
  const Json source = forward ? from_view(object) : to_view(object);
  Projection projection;
  projection.problems = row_->problems(source, direction);
  if (!projection.problems.empty()) return projection;
  projection.half = half(convert_tree(source, row_->rules, direction), to);
  keep_own(projection.half, half(object, to), row_->rules, to == Side::Old);
  return projection;
}

Halves::Projection Halves::projected_to(const Json& object) const {
  return projected(object, to_side());
}

Halves::Projection Halves::projected_from(const Json& object) const {
  return projected(object, from_side());
}

std::vector<std::string> Halves::from_pointers(const Json& object) const {
  std::vector<std::string> pointers;
  add_pointers(object, row_->rules, from_side() == Side::Old, "", pointers);
  return pointers;
}

Json Halves::without_from_paths(Json managed_fields) const {
  for (Json& entry : managed_fields) {
    const std::string api_version = string_at(entry, "apiVersion");
    const bool is_from =
        shape_changes(row_->group, row_->kind, version_of_api_version(api_version), to_version_);
    if (is_from || !entry.contains("fieldsV1")) continue;
    strip_paths(entry["fieldsV1"], row_->rules, from_side() == Side::Old);
  }
  return managed_fields;
}

std::string Halves::mark_of(const Json& object) const {
  return short_digest(half(object, Side::Old)) + "/" + short_digest(half(object, Side::New));
}

std::string Halves::unshown_mark_of(const Json& object) const {
  const std::string from = short_digest(from_half(object));
  return from_side() == Side::Old ? from + "/" + kUnshown : kUnshown + ("/" + from);
}

bool Halves::is_marked_unshown(const Json& object) const {
  const std::string mark = annotation_of(object, kProjectedAnnotation);
  return mark.ends_with("/" + std::string(kUnshown)) ||
         mark.starts_with(std::string(kUnshown) + "/");
}

HalvesState Halves::state_of(const Json& object) const {
  const Json from = from_half(object);
  const Json to = to_half(object);
  if (from.empty() && to.empty()) return HalvesState::Neither;
  if (to.empty()) {
    return is_marked_unshown(object) ? HalvesState::BothEdited : HalvesState::OnlyFrom;
  }
  if (from.empty()) return HalvesState::OnlyTo;
  const std::string mark = annotation_of(object, kProjectedAnnotation);
  const auto slash = mark.find('/');
  const std::string in_old = mark.substr(0, slash);
  const std::string in_new = slash == std::string::npos ? "" : mark.substr(slash + 1);
  const bool is_up = direction_ == Direction::Up;
  const bool from_edited = short_digest(from) != (is_up ? in_old : in_new);
  const bool to_edited = short_digest(to) != (is_up ? in_new : in_old);
  if (!from_edited) return to_edited ? HalvesState::ToEdited : HalvesState::InStep;
  if (!to_edited) return HalvesState::FromEdited;
  // Both were brought to the same by others, or nobody has marked them yet.
  const Projection projection = projected_to(object);
  const bool agree = projection.problems.empty() && projection.half == to;
  return agree ? HalvesState::FromEdited : HalvesState::BothEdited;
}

ConversionOutcome Halves::settled(const Json& object) const {
  const HalvesState state = state_of(object);
  if (state == HalvesState::OnlyFrom) return convert_object(from_view(object), to_version_);
  if (state != HalvesState::FromEdited) return {to_view(object), {}};
  Projection projection = projected_to(object);
  if (!projection.problems.empty()) return {Json(), std::move(projection.problems)};
  ConversionOutcome outcome{to_view(object), {}};
  strip_other(outcome.object, row_->rules, from_side() == Side::Old);
  outcome.object.merge_patch(projection.half);
  return outcome;
}

ConversionOutcome convert_bridged(const Json& object, std::string_view to_version) {
  const std::string api_version = string_at(object, "apiVersion");
  const std::string group = group_of_api_version(api_version);
  const std::string kind = kind_of(object);
  const std::string version = version_of_api_version(api_version);
  const bool is_at_other = shape_changes(group, kind, version, to_version);
  const std::string other = is_at_other ? version : version_of_other_shape(group, kind, to_version);
  const auto halves = Halves::between(group, kind, other, to_version);
  if (!halves) return convert_object(object, to_version);
  const Json unexpected = is_at_other ? halves->to_half(object) : halves->from_half(object);
  return unexpected.empty() ? convert_object(object, to_version) : halves->settled(object);
}

}  // namespace gatelift
