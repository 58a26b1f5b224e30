// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/steps/api_servers.h"

#include <set>

namespace gatelift {
namespace {

// One API server was seen to go by a changed CRD after up to 90 ms; of two, the other one within the same time. A
// replica that is busy or far away may take longer.
constexpr std::chrono::milliseconds kSettlesAlone{300};
constexpr std::chrono::milliseconds kSettlesAmongOthers{2000};

}  // namespace

Result<std::optional<int>> num_api_servers(Cluster& cluster) {
  Request request;
  request.verb = Verb::List;
  request.resource = resources::kEndpointSlices;
  request.key.ns = "default";
  request.label_selector = "kubernetes.io/service-name=kubernetes";
  const auto slices = cluster.send(request);
  if (!slices) {
    if (slices.error().is(ErrorKind::Forbidden)) return std::optional<int>();
    return fail(slices.error());
  }
  std::set<std::string> addresses;
  for (const Json& slice : array_at(*slices, "items")) {
    for (const Json& endpoint : array_at(slice, "endpoints")) {
      for (const Json& address : array_at(endpoint, "addresses")) {
        if (address.is_string()) addresses.insert(address.get<std::string>());
      }
    }
  }
  return std::optional<int>(static_cast<int>(addresses.size()));
}

Result<void> wait_until_settled(Run& run, const std::string& crd) {
  const Time written = run.crd_writes.try_emplace(crd, CrdWritten{run.clock.now(), ""}).first->second.at;
  auto passed = run.clock.now() - written;
  if (passed >= kSettlesAmongOthers) return {};
  ASSIGN_OR_RETURN(const std::optional<int> servers, num_api_servers(run.cluster));
  const auto settles = servers == 1 ? kSettlesAlone : kSettlesAmongOthers;
  passed = run.clock.now() - written;
  if (passed >= settles) return {};
  return run.clock.sleep(std::chrono::ceil<std::chrono::milliseconds>(settles - passed));
}

}  // namespace gatelift
