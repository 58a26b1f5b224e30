// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "reconcilers/plan/plan.h"

namespace gatelift {
namespace {

constexpr int kInFlight = 4;  // a CRD is a megabyte or two while it is read

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

Result<void> InstalledReader::summarize(const std::vector<std::string>& names) {
  std::optional<Error> failed;
  Batch batch;
  batch.size = names.size();
  batch.request = [&](std::size_t i) {
    Request request;
    request.resource = resources::kCrds;
    request.key = {"", names[i]};
    return request;
  };
  batch.done = [&](std::size_t i, const Result<Json>& crd) {
    auto summary = crd ? summarize_crd(*crd) : Result<CrdSummary>(fail(crd.error()));
    if (summary) {
      known_.insert_or_assign(names[i], *std::move(summary));
    } else if (!summary.error().is(ErrorKind::NotFound) && !failed) {
      failed = std::move(summary).error();
    }
  };
  cluster_.send_each(batch, kInFlight);
  if (failed) return fail(*std::move(failed));
  return {};
}

Result<Installed> InstalledReader::read() {
  auto seen = list_names(cluster_);
  if (!seen) return fail(wrap(std::move(seen).error(), "looking for Gateway API CRDs"));
  std::erase_if(known_, [&](const auto& known) {
    const auto now = seen->find(known.first);
    return now == seen->end() || now->second.uid != known.second.uid ||
           now->second.resource_version != known.second.resource_version;
  });
  std::vector<std::string> unknown;
  for (const auto& [name, version] : *seen) {
    if (!known_.contains(name)) unknown.push_back(name);
  }
  RETURN_IF_ERROR(summarize(unknown));
  return Installed{known_};
}

}  // namespace gatelift
