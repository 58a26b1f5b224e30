// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/steps/config_maps.h"

#include <map>
#include <optional>
#include <utility>

namespace gatelift {
namespace {

/// nullopt also where we may not read it.
Result<std::optional<Json>> readable(Cluster& cluster, const Resource& resource,
                                     const ObjectKey& key) {
  auto found = get_if_exists(cluster, resource, key);
  if (!found && found.error().is(ErrorKind::Forbidden)) return std::optional<Json>();
  return found;
}

/// What a ConfigMap holds, without its metadata.
Json data_of(const Json& config_map) {
  Json data = Json::object();
  for (const char* field : {"data", "binaryData"}) {
    if (const Json* value = find(config_map, field)) data[field] = *value;
  }
  return data;
}

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

class Obstacles {
 public:
  explicit Obstacles(Cluster& cluster) : cluster_(cluster) {}

  Result<void> look_at(const NamespaceMove& move) {
    ASSIGN_OR_RETURN(const bool is_there, has_namespace(move.to));
    if (!is_there) {
      found_.push_back(
          {"NamespaceMissing", Severity::Blocker, move.object, "spec.targetRef.namespace",
           "it is to be moved to namespace " + move.to + ", which is not there or is being deleted",
           "make the namespace, or choose the resolution LeaveInBackup", false});
      return {};
    }
    for (const std::string& name : move.config_maps) RETURN_IF_ERROR(look_at_copy(move, name));
    return {};
  }

  std::vector<Check> take() { return std::move(found_); }

 private:
  Result<bool> has_namespace(const std::string& name) {
    const auto known = namespaces_.find(name);
    if (known != namespaces_.end()) return known->second;
    const auto ns = get_if_exists(cluster_, resources::kNamespaces, {"", name});
    if (!ns && !ns.error().is(ErrorKind::Forbidden)) return fail(ns.error());
    const bool is_there = !ns || (*ns && !is_being_deleted(**ns));
    return namespaces_[name] = is_there;
  }

  Result<void> look_at_copy(const NamespaceMove& move, const std::string& name) {
    const ObjectKey from{move.from, name};
    const ObjectKey to{move.to, name};
    ASSIGN_OR_RETURN(const std::optional<Json> source,
                     readable(cluster_, resources::kConfigMaps, from));
    if (!source) return {};
    ASSIGN_OR_RETURN(const std::optional<Json> there,
                     readable(cluster_, resources::kConfigMaps, to));
    if (there && data_of(*there) != data_of(*source)) {
      say_taken(move, from, display_name("ConfigMap", to) + " exists and holds other data than ");
    }
    const auto [other, is_first] = copies_.try_emplace(to, from, data_of(*source));
    if (!is_first && other->second.second != data_of(*source)) {
      say_taken(move, from,
                display_name("ConfigMap", other->second.first) +
                    " is to be copied to the same place and holds other data than ");
    }
    return {};
  }

  void say_taken(const NamespaceMove& move, const ObjectKey& from, std::string message) {
    message += display_name("ConfigMap", from) + ", which this policy names";
    found_.push_back({"ConfigMapTaken", Severity::Blocker, move.object, "spec.tls.caCertRefs",
                      std::move(message),
                      "rename one of the two, or choose the resolution LeaveInBackup", false});
  }

  Cluster& cluster_;
  std::map<std::string, bool> namespaces_;
  std::map<ObjectKey, std::pair<ObjectKey, Json>> copies_;  // by destination: source and data
  std::vector<Check> found_;
};

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

Result<std::vector<Check>> obstacles_to(Cluster& cluster, const std::vector<NamespaceMove>& moves) {
  Obstacles obstacles(cluster);
  for (const NamespaceMove& move : moves) RETURN_IF_ERROR(obstacles.look_at(move));
  return obstacles.take();
}

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
