// SPDX-License-Identifier: Apache-2.0
// The HTTP server for probes and metrics: /healthz, /readyz and /metrics, by GET or HEAD, and
// nothing else.
//
// It faces whoever reaches the pod, so everything it holds for a peer is bounded: 8 KiB of header,
// 4 KiB of body, five seconds per request, 256 connections. A new connection beyond that takes the
// place of the oldest that has not yet sent a whole request, so that idle peers cannot keep the
// kubelet out.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "client/result.h"

namespace gatelift {

struct HealthAnswer {
  int status = 200;
  std::string body;
};

/// `live` and `ready` are called on the server's event thread and must not wait for anything;
/// `metrics` on another.
struct HealthRoutes {
  std::function<HealthAnswer()> live;
  std::function<HealthAnswer()> ready;
  std::function<std::string()> metrics;
};

struct HealthLimits {
  std::uint32_t header_bytes = 8 * 1024;
  std::uint64_t body_bytes = 4 * 1024;
  std::chrono::milliseconds request_time{5000};
  std::size_t connections = 256;
};

class HealthServer {
 public:
  /// Listens at `address`: ":8080" on all addresses of both families, else "HOST:PORT" with a
  /// literal host, IPv6 in brackets; port 0 takes a free one. Error kind Invalid for a bad address,
  /// Unavailable where it is taken.
  static Result<std::unique_ptr<HealthServer>> start(const std::string& address,
                                                     HealthRoutes routes, HealthLimits limits = {});
  ~HealthServer();

  std::uint16_t port() const;

 private:
  struct State;
  explicit HealthServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// Host ("" for all) and port of a listen address. Pure.
Result<std::pair<std::string, std::uint16_t>> parse_listen_address(std::string_view address);

}  // namespace gatelift
