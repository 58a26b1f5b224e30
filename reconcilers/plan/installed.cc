// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "reconcilers/plan/plan.h"

namespace gatelift {
namespace {

bool is_gateway_api(const std::string& crd_name) {
  return crd_name.ends_with(".gateway.networking.k8s.io") ||
         crd_name.ends_with(".gateway.networking.x-k8s.io");
}

struct Seen {
  std::string uid;
  std::string resource_version;
};

/// CustomResourceDefinitions cannot be selected by group, so all are listed, without their schemas.
Result<std::map<std::string, Seen>> list_names(Cluster& cluster) {
  std::map<std::string, Seen> seen;
  Request list;
  list.verb = Verb::List;
  list.resource = resources::kCrds;
  list.metadata_only = true;
  RETURN_IF_ERROR(for_each_object(cluster, list, [&](Json&& crd) -> Result<void> {
    const std::string name = key_of(crd).name;
    if (is_gateway_api(name)) seen[name] = {uid_of(crd), resource_version_of(crd)};
    return {};
  }));
  return seen;
}

}  // namespace

const CrdSummary* Installed::crd(std::string_view name) const {
  const auto it = crds.find(std::string(name));
  return it == crds.end() ? nullptr : &it->second;
}

Result<Installed> InstalledReader::read() {
  auto seen = list_names(cluster_);
  if (!seen) return fail(wrap(std::move(seen).error(), "looking for Gateway API CRDs"));
  std::map<std::string, CrdSummary> now;
  for (const auto& [name, version] : *seen) {
    const auto known = known_.find(name);
    if (known != known_.end() && known->second.uid == version.uid &&
        known->second.resource_version == version.resource_version) {
      now.emplace(name, known->second);
      continue;
    }
    ASSIGN_OR_RETURN(const std::optional<Json> crd,
                     get_if_exists(cluster_, resources::kCrds, {"", name}));
    if (!crd) continue;
    ASSIGN_OR_RETURN(CrdSummary summary, summarize_crd(*crd));
    now.emplace(name, std::move(summary));
  }
  known_ = now;
  return Installed{std::move(now)};
}

}  // namespace gatelift
