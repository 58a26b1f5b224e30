// SPDX-License-Identifier: Apache-2.0
// One store behind several API servers, for tests of what has to be known of each: whether it can
// be asked by itself, how late it hears of a changed CRD, and what its metrics say.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <utility>

#include "client/cluster.h"
#include "client/time.h"

namespace gatelift {

class SeveralServers : public Cluster {
 public:
  struct Server {
    bool is_reachable = true;
    std::chrono::milliseconds lag{0};  // from a CRD's write to when this server goes by it
    std::string metrics;               // "" is refused
    Time metrics_read_at{};            // last
  };

  /// Decorates `inner`; both must outlive it.
  SeveralServers(Cluster& inner, const Clock& clock) : inner_(inner), clock_(clock) {}

  /// By "host:port"; "" is whichever answers.
  Server& at(const std::string& server) { return servers_[server]; }

  /// The EndpointSlice of the Service default/kubernetes with all of them that have an address.
  Json endpoint_slice() const;

  Result<Json> send(const Request& request) override;
  Result<std::unique_ptr<Watch>> watch(const WatchRequest& request) override {
    return inner_.watch(request);
  }

 private:
  Result<Json> as_heard(const Server& server, const Request& request);

  Cluster& inner_;
  const Clock& clock_;
  std::map<std::string, Server> servers_;
  std::map<std::string, std::pair<std::int64_t, Time>> written_;  // generation, by CRD
};

}  // namespace gatelift
