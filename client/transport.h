// SPDX-License-Identifier: Apache-2.0
// HTTP to one API server. There are two: cpprest_transport (single calls) and beast_transport
// (everything), told apart by what each cannot do (api_cluster.cc). No type of either library shows
// here.
//
// What both promise: TLS 1.2 or newer, the endpoint's CA and the server's subject alternative names
// only; no redirect followed, no proxy used; a total deadline; a bound on the body; no repetition
// of a call that may have been processed, except what cpprest_transport.h says.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client/endpoint.h"
#include "client/http.h"
#include "client/result.h"

namespace gatelift {

struct HttpCall {
  HttpRequest request;
  std::vector<std::pair<std::string, std::string>> headers;  // besides Host, Accept, Content-Type
  std::shared_ptr<const TlsMaterial> tls;
  std::chrono::steady_clock::time_point deadline;
  std::size_t max_body_bytes = 16U << 20U;
};

class Transport {
 public:
  virtual ~Transport() = default;

  /// Sends one call and waits for the whole answer, whatever its status. Errors: Unavailable (with
  /// not_sent where the server surely saw nothing), Cancelled after `stop`, Internal where the
  /// answer is not HTTP or is beyond a bound. Thread-safe.
  virtual Result<HttpResponse> call(const HttpCall& call, const std::stop_token& stop) = 0;
};

/// Lines of an answer that goes on. Used by one thread; destroying it ends the answer.
class LineStream {
 public:
  virtual ~LineStream() = default;

  /// Waits up to `timeout`; nullopt when no line came. Expired at the regular end of the answer,
  /// Unavailable when it broke off.
  virtual Result<std::optional<std::string>> next_line(std::chrono::milliseconds timeout) = 0;
};

struct StreamAnswer {
  HttpResponse head;                  // with a body when `lines` is null
  std::unique_ptr<LineStream> lines;  // null unless the status is 2xx
};

class StreamTransport : public Transport {
 public:
  /// Opens a stream. The deadline is for its first byte; after that it breaks off when nothing
  /// comes for `idle`.
  virtual Result<StreamAnswer> open(const HttpCall& call, std::chrono::milliseconds idle,
                                    const std::stop_token& stop) = 0;
};

/// How far a call came before it failed, which decides what its error means.
enum class Fault { Resolve, Connect, Tls, Timeout, Cancelled, Truncated, Protocol, TooLarge, Io };
enum class Sent { No, Maybe };

/// The Error::reason of Fault::Tls: other certificates may help where the same ones cannot.
inline constexpr std::string_view kTlsFailure = "TLSFailure";

Error transport_error(Fault fault, Sent sent, std::string_view detail);

/// Refuses header values with line breaks, which would be further headers (a token file with two
/// lines, say).
Result<void> check_headers(const HttpCall& call);

/// The request as HTTP/1.1 has it on the wire. Requires: check_headers(call).
std::string wire_text(const HttpCall& call, const ServerUrl& server);

}  // namespace gatelift
