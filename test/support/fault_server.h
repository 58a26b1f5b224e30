// SPDX-License-Identifier: Apache-2.0
// An HTTP/1.1 server on loopback that misbehaves as the test says: byte by byte, late, half, or not
// at all. One thread per connection; whatever it waits for ends when the client goes away or the
// server is destroyed.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "test/support/test_certificates.h"

namespace gatelift::testing {

struct SeenRequest {
  int connection = 0;  // which one it came on, from 1
  int number = 0;      // which one of all, from 1
  std::string method;
  std::string target;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
};

/// What a handler does with the connection. After it returns, the next request is read, unless it
/// closed or reset.
class Reply {
 public:
  virtual ~Reply() = default;
  /// A whole answer with Content-Length; `headers` are lines that end in \r\n.
  void respond(int status, std::string_view body, std::string_view headers = {});
  /// Bytes as they are; false when the client is gone.
  virtual bool raw(std::string_view bytes) = 0;
  /// Waits; false when the client went away or the server stops before that.
  virtual bool pause(std::chrono::milliseconds duration) = 0;
  /// Waits until the client goes away or the server stops.
  void stall() {
    while (pause(std::chrono::hours(1))) {
    }
  }
  /// Ends the connection: with a TLS close_notify, without one, or with a TCP reset.
  virtual void close() = 0;
  virtual void abort() = 0;
  virtual void reset() = 0;
};

class FaultServer {
 public:
  using Handler = std::function<void(const SeenRequest&, Reply&)>;

  struct Options {
    std::optional<CertifiedKey> certificate;  // none: plain HTTP
    std::string client_ca;  // PEM; when given, clients must have a certificate of it
    bool use_ipv6 = false;
    bool skips_handshake = false;  // accepts, and says nothing
  };

  /// Handlers may run on several threads at once.
  FaultServer(Options options, Handler handler);
  ~FaultServer();

  int port() const;
  int num_connections() const;
  /// All requests that were read, also those that were never answered.
  std::vector<SeenRequest> seen() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace gatelift::testing
