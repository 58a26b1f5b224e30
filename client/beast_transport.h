// SPDX-License-Identifier: Apache-2.0
// HTTP/1.1 over Boost.Beast: watches, lists, and every call that cpprest cannot make (IPv6
// addresses, tls-server-name, calls that must not be repeated). One network thread owns all
// connections; callers wait. Never repeats a call.
#pragma once

#include <memory>

#include "client/tls.h"
#include "client/transport.h"

namespace gatelift {

class BeastNetwork;

class BeastTransport : public StreamTransport {
 public:
  BeastTransport(ServerUrl server, TlsPeer peer);
  ~BeastTransport() override;

  Result<HttpResponse> call(const HttpCall& call, const std::stop_token& stop) override;
  Result<StreamAnswer> open(const HttpCall& call, std::chrono::milliseconds idle,
                            const std::stop_token& stop) override;

 private:
  std::shared_ptr<BeastNetwork> network_;  // streams keep it too
};

}  // namespace gatelift
