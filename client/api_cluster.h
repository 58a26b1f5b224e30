// SPDX-License-Identifier: Apache-2.0
// The real cluster: Requests over a transport, with repetition by retry.h, credentials read again
// when the server refuses them, and everything bounded by a deadline. Thread-safe; calls block
// their thread.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <stop_token>
#include <string>

#include "client/cluster.h"
#include "client/endpoint.h"
#include "client/transport.h"

namespace gatelift {

/// What carries single calls; streams, lists and calls that must not be repeated always go over
/// Asio.
enum class HttpBackend { Cpprest, Asio };

struct ApiClusterOptions {
  std::string user_agent;  // "" is "gatelift/VERSION (linux/ARCH)"
  /// When it is requested, reads under way and all later calls are answered Cancelled. A write under
  /// way is finished, so that its outcome is known.
  std::stop_token stop;
  /// For a call with all its repetitions. The server itself gives up after 60 s.
  std::chrono::milliseconds deadline = std::chrono::seconds(75);
  HttpBackend backend = HttpBackend::Cpprest;
  /// Given each distinct text of a Warning header once; may be called on several threads at once.
  std::function<void(const std::string&)> on_warning;
};

class ApiCluster : public Cluster {
 public:
  /// Checks the endpoint and its certificates; sends nothing.
  static Result<std::unique_ptr<ApiCluster>> connect(Endpoint endpoint, ApiClusterOptions options);
  ~ApiCluster() override;

  Result<Json> send(const Request& request) override;
  void send_each(const Batch& batch, int in_flight) override;
  Result<std::unique_ptr<Watch>> watch(const WatchRequest& request) override;

 private:
  ApiCluster(Endpoint endpoint, ApiClusterOptions options);
  /// What an attempt is made with: fresh credentials, and the deadline of them all.
  struct Attempt {
    Identity identity;
    std::chrono::steady_clock::time_point deadline;
  };
  template <typename T>
  Result<T> repeat(const Request& request, const std::function<Result<T>(const Attempt&)>& once);
  Result<Json> send_once(const Request& request, const Attempt& attempt);
  Result<std::unique_ptr<Watch>> open_watch(const Request& call, const HttpRequest& http,
                                            std::chrono::seconds server_timeout,
                                            const Attempt& attempt);
  HttpCall prepare(const Request& request, HttpRequest http, const Attempt& attempt) const;
  Result<std::shared_ptr<Transport>> transport_for(const Request& request);
  Result<std::shared_ptr<Transport>> transport_to(const std::string& server);
  Error locate(const Request& request, Error error) const;
  bool knew_roles_at(const Request& request, std::chrono::steady_clock::time_point time) const;
  bool knows_roles(const Request& request, const Attempt& attempt);
  void report_warnings(const HttpResponse& response);

  const Endpoint endpoint_;
  const ApiClusterOptions options_;
  std::atomic<std::chrono::steady_clock::time_point> roles_known_{};  // when they last were
  std::shared_ptr<Transport> calls_;  // null where everything goes over streams_
  std::shared_ptr<StreamTransport> streams_;
  std::mutex others_mutex_;
  std::map<std::string, std::shared_ptr<Transport>> others_;  // by Request::server
  std::mutex warnings_mutex_;
  std::set<std::string> warnings_;
};

}  // namespace gatelift
