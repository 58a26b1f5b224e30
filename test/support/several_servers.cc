// SPDX-License-Identifier: Apache-2.0
#include "test/support/several_servers.h"

namespace gatelift {
namespace {

bool is_a_crd(const Request& request) {
  return request.resource == resources::kCrds && request.subresource.empty();
}

}  // namespace

Json SeveralServers::endpoint_slice() const {
  Json slice = {
      {"apiVersion",  "discovery.k8s.io/v1"                             },
      {"kind",        "EndpointSlice"                                   },
      {"metadata",
       {{"namespace", "default"},
        {"name", "kubernetes"},
        {"labels", {{"kubernetes.io/service-name", "kubernetes"}}}}     },
      {"addressType", "IPv4"                                            },
      {"endpoints",   Json::array()                                     },
      {"ports",       Json::array({{{"name", "https"}, {"port", 6443}}})}
  };
  for (const auto& [address, server] : servers_) {
    if (address.empty()) continue;
    const std::string host = address.substr(0, address.find(':'));
    slice["endpoints"].push_back({
        {"addresses", Json::array({host})}
    });
  }
  return slice;
}

Result<Json> SeveralServers::send(const Request& request) {
  Server& server = servers_[request.server];
  if (!server.is_reachable) return fail(ErrorKind::Unavailable, "connection refused");
  if (request.raw_path == "/metrics") {
    server.metrics_read_at = clock_.now();
    if (server.metrics.empty()) return fail(ErrorKind::Forbidden, "not yours to read");
    return Json(server.metrics);
  }
  if (request.raw_path == "/version" && !request.server.empty()) return Json::object();
  Result<Json> answer = is_a_crd(request) && request.from_watch_cache ? as_heard(server, request)
                                                                      : inner_.send(request);
  if (answer && is_write(request.verb) && !request.dry_run && is_a_crd(request)) {
    written_[key_of(*answer).name] = {int_at(*answer, 0, "metadata", "generation"), clock_.now()};
  }
  return answer;
}

Result<Json> SeveralServers::as_heard(const Server& server, const Request& request) {
  ASSIGN_OR_RETURN(Json crd, inner_.send(request));
  const auto written = written_.find(request.key.name);
  if (written == written_.end()) return crd;
  const auto& [generation, at] = written->second;
  const std::int64_t live = int_at(crd, 0, "metadata", "generation");
  if (live == generation && clock_.now() < at + server.lag) {
    crd["metadata"]["generation"] = live - 1;
  }
  return crd;
}

}  // namespace gatelift
