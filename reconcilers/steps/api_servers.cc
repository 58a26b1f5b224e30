// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/steps/api_servers.h"

#include <algorithm>
#include <charconv>
#include <set>

namespace gatelift {
namespace {

// One API server was seen to go by a changed CRD after up to 90 ms; of two, the other one within
// the same time. A replica that is busy or far away may take longer.
constexpr std::chrono::milliseconds kSettlesAlone{300};
constexpr std::chrono::milliseconds kSettlesAmongOthers{2000};

/// nullopt where we may not list them.
Result<std::optional<Json>> list_if_allowed(Cluster& cluster, const Resource& resource,
                                            const std::string& ns, const char* selector) {
  Request request;
  request.verb = Verb::List;
  request.resource = resource;
  request.key.ns = ns;
  request.label_selector = selector;
  auto listed = cluster.send(request);
  if (listed) return std::optional<Json>(*std::move(listed));
  if (listed.error().is(ErrorKind::Forbidden)) return std::optional<Json>();
  return fail(std::move(listed).error());
}

int num_addresses(const Json& slices) {
  std::set<std::string> addresses;
  for (const Json& slice : array_at(slices, "items")) {
    for (const Json& endpoint : array_at(slice, "endpoints")) {
      for (const Json& address : array_at(endpoint, "addresses")) {
        if (address.is_string()) addresses.insert(address.get<std::string>());
      }
    }
  }
  return static_cast<int>(addresses.size());
}

/// When this spec of a CRD was written, or first seen.
Time since_when(Run& run, const CrdSummary& crd) {
  CrdSeen& seen = run.crds_seen[crd.name];
  if (seen.uid != crd.uid || seen.generation != crd.generation) {
    seen.uid = crd.uid;
    seen.generation = crd.generation;
    seen.since = run.clock.now();
  }
  return seen.since;
}

}  // namespace

Result<std::optional<int>> num_api_servers(Run& run) {
  ASSIGN_OR_RETURN(const std::optional<Json> slices,
                   list_if_allowed(run.cluster, resources::kEndpointSlices, "default",
                                   "kubernetes.io/service-name=kubernetes"));
  if (!slices) return std::optional<int>();
  const int addresses = num_addresses(*slices);
  if (addresses != 1) return std::optional<int>(addresses);
  ASSIGN_OR_RETURN(const std::optional<Json> leases,
                   list_if_allowed(run.cluster, resources::kLeases, "kube-system",
                                   "apiserver.kubernetes.io/identity=kube-apiserver"));
  if (!leases) return std::optional<int>();
  // A lease of a server that is gone stays for an hour and counts as one that may come back.
  const int holders = static_cast<int>(array_at(*leases, "items").size());
  return std::optional<int>(std::max(addresses, holders));
}

Result<bool> forgives_unchanged_fields(Run& run) {
  constexpr int kFirstMinor = 30;
  Request request;
  request.raw_path = "/version";
  const auto answer = run.cluster.send(request);
  if (!answer) {
    const ErrorKind kind = answer.error().kind;
    if (kind == ErrorKind::Forbidden || kind == ErrorKind::NotFound) return false;
    return fail(answer.error());
  }
  const std::string major = string_at(*answer, "major");
  const std::string text = string_at(*answer, "minor");  // "36", and of some providers "36+"
  int minor = 0;
  std::from_chars(text.data(), text.data() + text.size(), minor);
  return major == "1" ? minor >= kFirstMinor : !major.empty();
}

Result<std::chrono::milliseconds> settling_time(Run& run,
                                                const std::vector<const CrdSummary*>& crds) {
  constexpr std::chrono::milliseconds kNone{0};
  Time youngest{};
  for (const CrdSummary* crd : crds) youngest = std::max(youngest, since_when(run, *crd));
  if (run.clock.now() >= youngest + kSettlesAmongOthers) return kNone;
  ASSIGN_OR_RETURN(const std::optional<int> servers, num_api_servers(run));
  const auto time = servers == 1 ? kSettlesAlone : kSettlesAmongOthers;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(youngest + time - run.clock.now());
  // A clock that was set back meanwhile must not make it longer.
  return std::clamp(left, kNone, time);
}

Result<void> wait_since_written(Run& run, const CrdSummary& crd, std::chrono::milliseconds time) {
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(since_when(run, crd) + time - run.clock.now());
  if (left.count() <= 0) return {};
  return run.clock.sleep(std::min(left, time));
}

Result<void> wait_until_settled(Run& run, const std::vector<const CrdSummary*>& crds) {
  ASSIGN_OR_RETURN(const std::chrono::milliseconds left, settling_time(run, crds));
  if (left.count() == 0) return {};
  return run.clock.sleep(left);
}

}  // namespace gatelift
