// SPDX-License-Identifier: Apache-2.0
// Single calls over cpprestsdk's http_client, with what it needs to be strict (docs: a design note
// tells why it is here and beast_transport beside it). What it cannot do, and BeastTransport does:
// IPv6 addresses (upstream #1816), another server name than the host's, a bound on header bytes,
// and never to repeat a call: http_client sends a call again, unasked, when a kept connection
// closes before the first byte of the answer, even if the server had processed it. Only calls that
// may be repeated belong here.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/tls.h"
#include "client/transport.h"

namespace gatelift {

/// To be called first in main, before any thread: gives cpprest's pool its one thread (with more,
/// its time-outs race with its reads), and points OpenSSL's default roots at nothing. http_client
/// would parse them for each connection, 70 ms of CPU where SSL_CERT_FILE names a full bundle, and
/// we would throw them away.
void prepare_process();

/// The variables of the environment that prepare_process() changes. Child processes that speak TLS
/// must see what they were before.
struct ChangedVariable {
  std::string name;
  std::optional<std::string> before;
};
std::vector<ChangedVariable> changed_variables();

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
