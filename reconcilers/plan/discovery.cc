// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/plan/discovery.h"

#include <algorithm>
#include <set>
#include <utility>

namespace gatelift {
namespace {

Result<Json> get_path(Cluster& cluster, std::string path) {
  Request request;
  request.raw_path = std::move(path);
  return cluster.send(request);
}

/// The versions of one entry of /apis, the preferred one first.
std::vector<std::string> group_versions(const Json& group) {
  std::vector<std::string> versions;
  const std::string preferred = string_at(group, "preferredVersion", "groupVersion");
  if (!preferred.empty()) versions.push_back(preferred);
  for (const Json& version : array_at(group, "versions")) {
    std::string name = string_at(version, "groupVersion");
    if (!name.empty() && name != preferred) versions.push_back(std::move(name));
  }
  return versions;
}

bool can_be_listed(const Json& resource) {
  const Json& verbs = array_at(resource, "verbs");
  return string_at(resource, "name").find('/') == std::string::npos &&
         std::ranges::find(verbs, Json("list")) != verbs.end();
}

class Discoverer {
 public:
  explicit Discoverer(Cluster& cluster) : cluster_(cluster) {}

  Result<void> add(const std::string& prefix, const std::string& group_version) {
    auto list = get_path(cluster_, prefix + group_version);
    if (!list) {
      if (!is_out_of_reach(list.error())) return fail(std::move(list).error());
      discovery_.unreadable.push_back(group_version);
      return {};
    }
    for (const Json& entry : array_at(*list, "resources")) {
      if (can_be_listed(entry)) add_collection(entry, group_version);
    }
    return {};
  }

  Discovery take() { return std::move(discovery_); }

 private:
  void add_collection(const Json& entry, const std::string& group_version) {
    Collection collection;
    collection.resource = {group_of_api_version(group_version),
                           version_of_api_version(group_version), string_at(entry, "name"),
                           bool_at(entry, false, "namespaced")};
    collection.kind = string_at(entry, "kind");
    if (!seen_.insert({collection.resource.group, collection.resource.plural}).second) return;
    discovery_.listable.push_back(std::move(collection));
  }

  Cluster& cluster_;
  Discovery discovery_;
  std::set<std::pair<std::string, std::string>> seen_;
};

}  // namespace

bool is_out_of_reach(const Error& error) {
  return error.is(ErrorKind::Forbidden) || error.is(ErrorKind::NotFound) ||
         error.is(ErrorKind::Invalid) || error.http_status == 503;
}

Result<Discovery> discover(Cluster& cluster) {
  Discoverer discoverer(cluster);
  ASSIGN_OR_RETURN(const Json core, get_path(cluster, "/api"));
  for (const Json& version : array_at(core, "versions")) {
    if (!version.is_string()) continue;
    RETURN_IF_ERROR(discoverer.add("/api/", version.get<std::string>()));
  }
  ASSIGN_OR_RETURN(const Json groups, get_path(cluster, "/apis"));
  for (const Json& group : array_at(groups, "groups")) {
    for (const std::string& version : group_versions(group)) {
      RETURN_IF_ERROR(discoverer.add("/apis/", version));
    }
  }
  return discoverer.take();
}

}  // namespace gatelift
