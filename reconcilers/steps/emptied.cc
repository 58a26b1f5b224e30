// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/steps/emptied.h"

#include <functional>

#include "reconcilers/steps/json_patch.h"

namespace gatelift {
namespace {

/// Both halves of what a backup holds, one made of the other where it has but one.
std::optional<Json> both_halves(const Halves& halves, const Json& original) {
  Json from = halves.from_half(original);
  Json to = halves.to_half(original);
  if (from.empty() == to.empty()) return std::nullopt;
  Halves::Projection made =
      to.empty() ? halves.projected_to(original) : halves.projected_from(original);
  if (!made.problems.empty()) return std::nullopt;
  from.merge_patch(to);
  from.merge_patch(made.half);
  return from;
}

/// The first that `look` finds in what backups hold of this very object, that of this run first.
Result<std::optional<Json>> in_backups(
    const Run& run, const BridgedKind& kind, const Json& object,
    const std::function<std::optional<Json>(const Json& original)>& look) {
  for (const auto& backup : {run.backup, run.source}) {
    if (backup == nullptr) continue;
    const BackupEntry* entry = backup->entry(BackupRole::Original, kind.action.crd, key_of(object));
    if (entry == nullptr || entry->uid != uid_of(object)) continue;
    ASSIGN_OR_RETURN(const Json original, backup->document(*entry));
    if (std::optional<Json> found = look(original)) return found;
  }
  return std::optional<Json>();
}

}  // namespace

Result<std::optional<Json>> halves_before_emptied(const Run& run, const BridgedKind& kind,
                                                  const Json& object) {
  const std::string mark = annotation_of(object, kProjectedAnnotation);
  return in_backups(run, kind, object, [&](const Json& original) {
    std::optional<Json> found = both_halves(kind.halves, original);
    return found && kind.halves.mark_of(*found) == mark ? found : std::nullopt;
  });
}

Result<std::optional<Json>> owners_put_back(const Run& run, const BridgedKind& kind,
                                            const Json& object) {
  if (!array_at(object, "metadata", "managedFields").empty()) return std::optional<Json>();
  return in_backups(run, kind, object, [&](const Json& original) -> std::optional<Json> {
    Json entries = entries_of_others(original);
    if (entries.empty()) return std::nullopt;
    Json patch = managed_fields_patch(object, std::move(entries));
    patch.back()["op"] = "add";  // there is nothing to replace
    return patch;
  });
}

ConversionProblem emptied_problem(const Run& run, const BridgedKind& kind) {
  const std::string& ref = run.migration.record.backup.ref;
  ConversionProblem problem;
  problem.code = "Emptied";
  problem.field = "spec";
  problem.message =
      "it was written while CustomResourceDefinition/" + kind.crd.name +
      " was not the bridge, and has lost both its shapes; no backup has what it was last";
  problem.next = "apply it again, at " +
                 (kind.serves_from ? kind.halves.from_version() + " or " : std::string()) +
                 kind.halves.to_version() + "; as it was before the run it is in the backup " +
                 "(gatelift backup show " + ref + ")";
  return problem;
}

}  // namespace gatelift
