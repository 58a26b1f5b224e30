// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/steps/config_maps.h"

#include <map>
#include <optional>
#include <utility>

#include "reconcilers/plan/move_checks.h"

namespace gatelift {
namespace {

Json copy_of(const Json& config_map, const ObjectKey& to) {
  Json copy = data_of(config_map);
  copy["apiVersion"] = "v1";
  copy["kind"] = "ConfigMap";
  copy["metadata"] = {
      {"name",      to.name},
      {"namespace", to.ns  }
  };
  return copy;
}

/// The objects of a CRD that the backup intends for another namespace.
Result<std::vector<NamespaceMove>> intended_moves(const Run& run, const PlannedAction& action) {
  std::map<std::string, std::string> former;  // namespaces of objects as they were, by uid
  for (const BackupEntry& entry : run.backup->entries()) {
    if (entry.role == BackupRole::Original && entry.crd == action.crd) {
      former[entry.uid] = entry.key.ns;
    }
  }
  std::vector<NamespaceMove> moves;
  RETURN_IF_ERROR(run.backup->for_each(
      BackupRole::Intended, action.crd,
      [&](const BackupEntry& entry, Json&& intended) -> Result<void> {
        const auto was = former.find(entry.uid);
        if (was == former.end() || was->second == entry.key.ns) return {};
        NamespaceMove move{display_name(action.object_kind, {was->second, entry.key.name}),
                           entry.key.name,
                           was->second,
                           entry.key.ns,
                           {}};
        for (const Json& each : array_at(intended, "spec", "validation", "caCertificateRefs")) {
          move.config_maps.push_back(string_at(each, "name"));
        }
        moves.push_back(std::move(move));
        return {};
      }));
  return moves;
}

Result<void> copy_one(Run& run, const ObjectKey& from, const ObjectKey& to) {
  ASSIGN_OR_RETURN(const std::optional<Json> source,
                   get_if_exists(run.cluster, resources::kConfigMaps, from));
  if (!source) return {};  // the policy had no certificate before either
  Request request;
  request.verb = Verb::Create;
  request.resource = resources::kConfigMaps;
  request.key = {to.ns, ""};
  request.body = copy_of(*source, to);
  const auto made = run.cluster.send(request);
  // One that is there holds the same: it was looked at.
  if (!made && !made.error().is(ErrorKind::AlreadyExists)) return fail(made.error());
  return {};
}

}  // namespace

Result<StepOutcome> copy_config_maps(Run& run, const PlannedAction& action) {
  ASSIGN_OR_RETURN(const std::vector<NamespaceMove> moves, intended_moves(run, action));
  ASSIGN_OR_RETURN(const std::vector<Check> obstacles, obstacles_to(run.cluster, moves));
  if (!obstacles.empty()) {
    const Check& first = obstacles.front();
    return StepOutcome::stalled(first.code, first.object + ": " + first.message + "; next: " +
                                                first.next + "; nothing has been deleted");
  }
  for (const NamespaceMove& move : moves) {
    for (const std::string& name : move.config_maps) {
      RETURN_IF_ERROR(copy_one(run, {move.from, name}, {move.to, name}));
    }
  }
  return StepOutcome::progressed();
}

}  // namespace gatelift
