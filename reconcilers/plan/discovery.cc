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

constexpr int kInFlight = 8;

/// Adds the collections of one group version, but for those of a version that is less preferred.
class Discoverer {
 public:
  void add(const Json& resource_list, const std::string& group_version) {
    for (const Json& entry : array_at(resource_list, "resources")) {
      if (can_be_listed(entry)) add_collection(entry, group_version);
    }
  }
  void add_unreadable(std::string group_version) {
    discovery_.unreadable.push_back(std::move(group_version));
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

  Discovery discovery_;
  std::set<std::pair<std::string, std::string>> seen_;
};

/// Every group version that is served, those of one group in order of preference.
Result<std::vector<std::string>> all_group_versions(Cluster& cluster) {
  std::vector<std::string> all;
  ASSIGN_OR_RETURN(const Json core, get_path(cluster, "/api"));
  for (const Json& version : array_at(core, "versions")) {
    if (version.is_string()) all.push_back(version.get<std::string>());
  }
  ASSIGN_OR_RETURN(const Json groups, get_path(cluster, "/apis"));
  for (const Json& group : array_at(groups, "groups")) {
    for (std::string& version : group_versions(group)) all.push_back(std::move(version));
  }
  return all;
}

}  // namespace

bool is_out_of_reach(const Error& error) {
  return error.is(ErrorKind::Forbidden) || error.is(ErrorKind::NotFound) ||
         error.is(ErrorKind::Invalid) || error.http_status == 503;
}

Result<Discovery> discover(Cluster& cluster) {
  ASSIGN_OR_RETURN(const std::vector<std::string> versions, all_group_versions(cluster));
  std::vector<Result<Json>> lists = send_all(
      cluster, versions.size(),
      [&](std::size_t i) {
        const bool is_core = versions[i].find('/') == std::string::npos;
        Request request;
        request.raw_path = (is_core ? "/api/" : "/apis/") + versions[i];
        return request;
      },
      kInFlight);
  Discoverer discoverer;
  for (std::size_t i = 0; i < lists.size(); ++i) {
    if (lists[i]) {
      discoverer.add(*lists[i], versions[i]);
    } else if (is_out_of_reach(lists[i].error())) {
      discoverer.add_unreadable(versions[i]);
    } else {
      return fail(std::move(lists[i]).error());
    }
  }
  return discoverer.take();
}

}  // namespace gatelift
