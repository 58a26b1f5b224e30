// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/plan/move_checks.h"

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

}  // namespace

Json data_of(const Json& config_map) {
  Json data = Json::object();
  for (const char* field : {"data", "binaryData"}) {
    if (const Json* value = find(config_map, field)) data[field] = *value;
  }
  return data;
}

Result<std::vector<Check>> obstacles_to(Cluster& cluster, const std::vector<NamespaceMove>& moves) {
  Obstacles obstacles(cluster);
  for (const NamespaceMove& move : moves) RETURN_IF_ERROR(obstacles.look_at(move));
  return obstacles.take();
}

}  // namespace gatelift
