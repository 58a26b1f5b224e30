// SPDX-License-Identifier: Apache-2.0
// Single calls over cpprestsdk's http_client, with what it needs to be strict (docs: a design note
// tells why it is here and beast_transport beside it). What it cannot do, and BeastTransport does:
// IPv6 addresses (upstream #1816), another server name than the host's, a bound on header bytes,
// and never to repeat a call: http_client sends a call again, unasked, when a kept connection
// closes before the first byte of the answer, even if the server had processed it. Only calls that
// may be repeated belong here.
#pragma once

#include <memory>

#include "client/tls.h"
#include "client/transport.h"

namespace gatelift {

/// The environment variables that prepare_process() sets where they are unset, and their value.
/// Child processes that speak TLS must not see them.
inline constexpr const char* kRootVariables[] = {"SSL_CERT_FILE", "SSL_CERT_DIR"};
inline constexpr const char* kNoRoots = "/nonexistent/gatelift-trusts-the-cluster-ca-only";

/// To be called first in main, before any thread: gives cpprest's pool its one thread (with more,
/// its time-outs race with its reads), and points OpenSSL's default roots at nothing, which
/// http_client would parse for each connection.
void prepare_process();

class CpprestTransport : public Transport {
 public:
  /// True when http_client can speak to this server as strictly as we ask.
  static bool can_reach(const ServerUrl& server, const TlsPeer& peer);

  /// Requires: can_reach(server, peer).
  CpprestTransport(ServerUrl server, TlsPeer peer);
  ~CpprestTransport() override;

  Result<HttpResponse> call(const HttpCall& call, const std::stop_token& stop) override;

 private:
  class Client;
  std::unique_ptr<Client> client_;
};

}  // namespace gatelift
