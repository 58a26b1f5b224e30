// SPDX-License-Identifier: Apache-2.0
// An object of a bridged kind has both shapes side by side, each half whole for the clients of its
// versions. These functions tell the halves apart, say which of them somebody has edited since they
// were last brought into step, and make one out of the other. They go by the rules of the kind's
// conversion (convert/field_rules.h). Pure; any number of threads may use them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/json.h"
#include "reconcilers/convert/field_rules.h"

namespace gatelift {

/// Annotation of a bridged object: digests of both halves as they were last in step, "old/new".
/// Contraction takes it away.
inline constexpr std::string_view kProjectedAnnotation = "gatelift.dev/projected";

/// How the halves of one object stand to each other. "From" is the shape that leaves.
enum class HalvesState {
  InStep,
  OnlyFrom,    // created, or written whole, by a client of the version that leaves
  OnlyTo,      // by one of the version that stays
  FromEdited,  // since they were last in step
  ToEdited,
  BothEdited,  // or nobody knows: they differ, and the annotation is gone; or the half of `to` is
               // gone, and the other could not say all that was in it
  Neither,     // it has fields of neither shape
};

/// The two shapes of one kind, and the direction in which its objects go.
class Halves {
 public:
  /// nullopt where the shape is the same in both versions. The versions outlive the call only.
  static std::optional<Halves> between(std::string_view group, std::string_view kind,
                                       std::string_view from_version, std::string_view to_version);

  HalvesState state_of(const Json& object) const;

  /// The object as a client of one version means it: without the other half, and at that version.
  Json from_view(const Json& object) const;
  Json to_view(const Json& object) const;

  /// A half made out of the other, as the fields of spec that are ruled, from the root; or why the
  /// version that it belongs to cannot have it. What only the version of the half has fields for
  /// (a rule with no name on the other side) stays as the object has it.
  struct Projection {
    Json half;
    std::vector<ConversionProblem> problems;
  };
  Projection projected_to(const Json& object) const;    // the half of `to` out of that of `from`
  Projection projected_from(const Json& object) const;  // the other way

  /// The ruled fields alone, from the root; an empty object where there are none.
  Json from_half(const Json& object) const;
  Json to_half(const Json& object) const;

  /// JSON pointers to the fields of from_half.
  std::vector<std::string> from_pointers(const Json& object) const;

  /// managedFields without paths to the half of `from` in entries at other versions than `from`.
  Json without_from_paths(Json managed_fields) const;

  /// The annotation for an object that has these halves.
  std::string mark_of(const Json& object) const;

  /// The same for one whose half of `to` says something that the other cannot: it is then never
  /// taken for one that can be made of the other.
  std::string unshown_mark_of(const Json& object) const;
  bool is_marked_unshown(const Json& object) const;

  /// What the object shall be at the version that stays, once it has one shape: the view of `to`,
  /// or, where that is missing or older than an edit of the other, the other converted.
  ConversionOutcome settled(const Json& object) const;

  const std::string& from_version() const { return from_version_; }
  const std::string& to_version() const { return to_version_; }

 private:
  Halves(const Conversion& row, Direction direction, std::string_view from_version,
         std::string_view to_version);

  enum class Side { Old, New };
  Side from_side() const { return direction_ == Direction::Up ? Side::Old : Side::New; }
  Side to_side() const { return direction_ == Direction::Up ? Side::New : Side::Old; }
  Json view(const Json& object, Side side, const std::string& version) const;
  Json half(const Json& object, Side side) const;
  Projection projected(const Json& object, Side to) const;

  const Conversion* row_;
  Direction direction_;
  std::string from_version_;
  std::string to_version_;
};

/// convert_object, also for an object of a bridge, at whatever version it was read: what it shall
/// be at `to_version`, once it has one shape.
ConversionOutcome convert_bridged(const Json& object, std::string_view to_version);

}  // namespace gatelift
