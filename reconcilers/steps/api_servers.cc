// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/steps/api_servers.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

#include "reconcilers/plan/findings.h"

namespace gatelift {
namespace {

// One API server was seen to go by a changed CRD after up to 90 ms; of two, the other one within
// the same time. A replica that is busy or far away may take longer.
constexpr std::chrono::milliseconds kSettlesAlone{300};
constexpr std::chrono::milliseconds kSettlesAmongOthers{2000};
constexpr std::chrono::milliseconds kAskAgain{250};
constexpr std::chrono::seconds kGivenUp{60};
constexpr std::chrono::seconds kSignOfLife{1};
/// Leases are renewed every 10 s.
constexpr std::chrono::minutes kLeaseIsFresh{1};
/// Fresh connections for each API server that has to be met by chance: that one of three is missed
/// has a chance of 1 in 4,000 then, and two seconds follow.
constexpr int kConnectionsEach = 8;
constexpr int kServersAtMost = 5;  // where their number is not known

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

std::string port_of(const Json& slice) {
  std::string found;
  for (const Json& port : array_at(slice, "ports")) {
    if (found.empty() || string_at(port, "name") == "https") {
      found = std::to_string(int_at(port, 0, "port"));
    }
  }
  return found;
}

/// "host:port", with brackets around IPv6.
std::set<std::string> addresses_of(const Json& slices) {
  std::set<std::string> addresses;
  for (const Json& slice : array_at(slices, "items")) {
    const bool is_ipv6 = string_at(slice, "addressType") == "IPv6";
    for (const Json& endpoint : array_at(slice, "endpoints")) {
      for (const Json& address : array_at(endpoint, "addresses")) {
        if (!address.is_string()) continue;
        const auto host = address.get<std::string>();
        addresses.insert((is_ipv6 ? "[" + host + "]" : host) + ":" + port_of(slice));
      }
    }
  }
  return addresses;
}

/// Those renewed within a minute of the one renewed last. The lease of a server that is gone stays
/// for an hour.
std::size_t num_fresh(const Json& leases) {
  std::vector<Time> renewed;
  for (const Json& lease : array_at(leases, "items")) {
    const auto time = parse_time(string_at(lease, "spec", "renewTime"));
    renewed.push_back(time ? *time : Time::max());
  }
  if (renewed.empty()) return 0;
  const Time last = *std::ranges::max_element(renewed);
  return static_cast<std::size_t>(
      std::ranges::count_if(renewed, [&](Time time) { return last - time < kLeaseIsFresh; }));
}

/// "" where it answers, be it a refusal.
std::string why_not_reached(Cluster& cluster, const std::string& server) {
  Request request;
  request.raw_path = "/version";
  request.server = server;
  request.deadline = kSignOfLife;
  const auto answer = cluster.send(request);
  return answer || answer.error().http_status != 0 ? "" : quoted(answer.error().message);
}

CrdSeen& seen_of(Run& run, const CrdSummary& crd) {
  CrdSeen& seen = run.crds_seen[crd.name];
  if (seen.uid != crd.uid || seen.generation != crd.generation) {
    seen.uid = crd.uid;
    seen.generation = crd.generation;
    seen.since = run.clock.now();
    seen.agreed.reset();
  }
  return seen;
}

/// One API server, or whichever a fresh connection leads to.
struct Asked {
  std::string server;
  bool fresh_connection = false;
};

/// What it answers out of its watch cache; nullopt where that is NotFound.
Result<std::optional<Json>> ask(Run& run, Request request, const Asked& asked) {
  request.metadata_only = true;
  request.from_watch_cache = true;
  request.server = asked.server;
  request.fresh_connection = asked.fresh_connection;
  auto answer = run.cluster.send(request);
  if (answer) return std::optional<Json>(*std::move(answer));
  if (answer.error().is(ErrorKind::NotFound)) return std::optional<Json>();
  return fail(std::move(answer).error());
}

Result<bool> has_heard_of(Run& run, const CrdSummary& crd, const Asked& asked) {
  Request request;
  request.resource = resources::kCrds;
  request.key = {"", crd.name};
  ASSIGN_OR_RETURN(const std::optional<Json> heard, ask(run, std::move(request), asked));
  return heard && uid_of(*heard) == crd.uid &&
         int_at(*heard, 0, "metadata", "generation") >= crd.generation;
}

Result<bool> serves(Run& run, const Resource& resource, const Asked& asked) {
  Request request;
  request.verb = Verb::List;
  request.resource = resource;
  // Out of the watch cache a list has no limit, but a selector.
  request.field_selector = "metadata.name=is-it-served";
  ASSIGN_OR_RETURN(const std::optional<Json> listed, ask(run, std::move(request), asked));
  return listed.has_value();
}

Result<bool> goes_by(Run& run, const CrdSummary& crd, const Asked& asked) {
  ASSIGN_OR_RETURN(const bool has_heard, has_heard_of(run, crd, asked));
  if (!has_heard) return false;
  for (const CrdVersion& version : crd.versions) {
    // What is served and not stored may be on its way out, and our requests would count as use.
    if (version.served && !version.storage) continue;
    ASSIGN_OR_RETURN(const bool is_served, serves(run, crd.resource_at(version.name), asked));
    if (is_served != version.served) return false;
  }
  return true;
}

std::vector<Asked> all_of(const ApiServers& servers) {
  std::vector<Asked> asked;
  for (const std::string& address : servers.addresses) asked.push_back({address, false});
  if (asked.empty()) {
    const int number = std::max(servers.number.value_or(kServersAtMost), 1);
    asked.assign(static_cast<std::size_t>(number * kConnectionsEach), {"", true});
  }
  return asked;
}

/// Who does not go by the CRD yet, or cannot be asked; "" where all do.
std::string who_is_behind(Run& run, const CrdSummary& crd, const ApiServers& servers) {
  for (const Asked& asked : all_of(servers)) {
    const auto agrees = goes_by(run, crd, asked);
    if (agrees && *agrees) continue;
    const std::string name = asked.server.empty() ? "an API server" : "API server " + asked.server;
    return name + (agrees
                       ? " does not go by the present spec of CustomResourceDefinition/" +
                             crd.name + " (generation " + std::to_string(crd.generation) + ") yet"
                       : " could not be asked about CustomResourceDefinition/" + crd.name + ": " +
                             agrees.error().message);
  }
  return "";
}

std::chrono::milliseconds left_until(Run& run, Time then, std::chrono::milliseconds at_most) {
  constexpr std::chrono::milliseconds kNone{0};
  // A clock that was set back meanwhile must not make it longer.
  return std::clamp(std::chrono::ceil<std::chrono::milliseconds>(then - run.clock.now()), kNone,
                    at_most);
}

}  // namespace

Result<ApiServers> find_api_servers(Cluster& cluster) {
  ApiServers servers;
  servers.not_apart =
      "we may not look for them (LIST endpointslices in default, and leases in "
      "kube-system)";
  ASSIGN_OR_RETURN(const std::optional<Json> slices,
                   list_if_allowed(cluster, resources::kEndpointSlices, "default",
                                   "kubernetes.io/service-name=kubernetes"));
  ASSIGN_OR_RETURN(const std::optional<Json> leases,
                   list_if_allowed(cluster, resources::kLeases, "kube-system",
                                   "apiserver.kubernetes.io/identity=kube-apiserver"));
  if (!slices || !leases) return servers;
  const std::set<std::string> addresses = addresses_of(*slices);
  // A server that is gone may come back, and its lease stays that long.
  servers.number = static_cast<int>(std::max(addresses.size(), array_at(*leases, "items").size()));
  servers.not_apart.clear();
  if (servers.is_one()) return servers;
  if (addresses.size() < num_fresh(*leases) || addresses.empty()) {
    servers.not_apart =
        "the Service default/kubernetes has fewer addresses than API servers hold "
        "leases";
    return servers;
  }
  for (const std::string& address : addresses) {
    servers.not_apart = why_not_reached(cluster, address);
    if (!servers.not_apart.empty()) return servers;
  }
  servers.addresses.assign(addresses.begin(), addresses.end());
  return servers;
}

Result<std::optional<int>> num_api_servers(Run& run) {
  ASSIGN_OR_RETURN(const ApiServers servers, find_api_servers(run.cluster));
  return servers.number;
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

Result<Settling> settling(Run& run, const std::vector<const CrdSummary*>& crds) {
  const auto is_settled = [&](const CrdSummary* crd) {
    const CrdSeen& seen = seen_of(run, *crd);
    return seen.agreed && run.clock.now() >= *seen.agreed + kSettlesAmongOthers;
  };
  if (std::ranges::all_of(crds, is_settled)) return Settling{};
  ASSIGN_OR_RETURN(const ApiServers servers, find_api_servers(run.cluster));
  Settling settling;
  for (const CrdSummary* crd : crds) {
    CrdSeen& seen = seen_of(run, *crd);
    if (!seen.agreed && servers.is_one()) seen.agreed = seen.since;
    if (!seen.agreed) {
      settling.behind = who_is_behind(run, *crd, servers);
      if (!settling.behind.empty()) {
        settling.time = kAskAgain;
        return settling;
      }
      seen.agreed = run.clock.now();
    }
    const bool are_known = servers.is_one() || !servers.addresses.empty();
    const auto time = are_known ? kSettlesAlone : kSettlesAmongOthers;
    settling.time = std::max(settling.time, left_until(run, *seen.agreed + time, time));
  }
  return settling;
}

Result<void> wait_until_settled(Run& run, const std::vector<const CrdSummary*>& crds) {
  const Time give_up = run.clock.now() + kGivenUp;
  while (true) {
    ASSIGN_OR_RETURN(const Settling left, settling(run, crds));
    if (left.time.count() == 0) return {};
    if (!left.behind.empty() && run.clock.now() >= give_up) {
      return fail(ErrorKind::Unavailable, left.behind + ", after 60 s; next: see that it is well");
    }
    RETURN_IF_ERROR(run.clock.sleep(left.time));
  }
}

Result<void> wait_since_settled(Run& run, const CrdSummary& crd, std::chrono::milliseconds time) {
  RETURN_IF_ERROR(wait_until_settled(run, {&crd}));
  const CrdSeen& seen = seen_of(run, crd);
  const auto left = left_until(run, seen.agreed.value_or(seen.since) + time, time);
  return left.count() == 0 ? Result<void>() : run.clock.sleep(left);
}

}  // namespace gatelift
