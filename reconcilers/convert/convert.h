// SPDX-License-Identifier: Apache-2.0
// Conversions between versions of one kind that have different shapes. Each is a row of a table; a
// pair of versions that no row names has one shape, and its objects move by their apiVersion alone.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "client/json.h"

namespace gatelift {

/// Why an object cannot be converted, in the words of a check.
struct ConversionProblem {
  std::string code;     // for instance "ForeignTargetNamespace"
  std::string field;    // path in the object as it is, for instance "spec.targetRef.namespace"
  std::string message;  // what is wrong
  std::string next;     // what a person can do
  std::vector<std::string> resolutions = {};  // what we can do, where a person chooses one
};

/// Resolutions of ForeignTargetNamespace.
inline constexpr const char* kLeaveInBackup = "LeaveInBackup";
inline constexpr const char* kMoveToTarget = "MoveToTarget";

/// A v1alpha2 BackendTLSPolicy in the namespace that it targets, with a target of its own
/// namespace. The ConfigMaps that it names have to be there too. Pure.
Json moved_to_target(Json policy);

/// A converted object, or why there is none. Never both, never neither.
struct ConversionOutcome {
  Json object;  // null when there are problems
  std::vector<ConversionProblem> problems;
  bool ok() const { return problems.empty(); }
};

/// True when objects of the kind change their shape between the two versions (in this direction).
bool shape_changes(std::string_view group, std::string_view kind, std::string_view from_version,
                   std::string_view to_version);

/// Converts one whole object: apiVersion, spec, status, the last-applied-configuration annotation
/// of kubectl, and managedFields, with versions and field paths mapped
/// (kubernetes-sigs/structured-merge-diff's FieldsV1). Everything not named by a rule stays as it
/// is. Where no row changes the shape only the versions are mapped. `object` names its version in
/// apiVersion. Pure.
ConversionOutcome convert_object(const Json& object, std::string_view to_version);

/// managedFields with every entry of `group` at `to_version`, paths mapped where the shape changes;
/// entries of `drop_manager` are left out ("" drops none). Entries of other groups stay as they
/// are; entries that become alike in manager, operation, version and subresource become one.
/// `converted` is the object at `to_version`, where it is at hand: an atomic list's item gets its
/// fields listed from it.
Json convert_managed_fields(const Json& entries, std::string_view group, std::string_view kind,
                            std::string_view to_version, std::string_view drop_manager,
                            const Json* converted = nullptr);

/// A field that becomes one atomic value, and the managers who own different parts of it, of whom
/// at least one applies: each comes to own all of it, and who applies a change then meets a
/// conflict.
struct SharedField {
  std::string field;                  // as it is, for instance "spec.targetRef"
  std::vector<std::string> managers;  // in the order of managedFields
};

/// The shared fields of an object that is to be converted; usually none. Pure.
std::vector<SharedField> shared_fields(const Json& object, std::string_view to_version);

/// The value of kubectl.kubernetes.io/last-applied-configuration at `to_version`; unchanged where
/// it is not JSON of this kind. Compact, with the trailing newline that kubectl writes.
std::string convert_last_applied(const std::string& annotation, std::string_view to_version);

/// Versions named by the group's managedFields entries that are not in `kept`.
std::vector<std::string> stale_managed_versions(const Json& object, std::string_view group,
                                                const std::vector<std::string>& kept);

}  // namespace gatelift
