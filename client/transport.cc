// SPDX-License-Identifier: Apache-2.0
#include "client/transport.h"

namespace gatelift {
namespace {

std::string_view name_of(Fault fault) {
  switch (fault) {
    case Fault::Resolve:
      return "cannot resolve the host";
    case Fault::Connect:
      return "cannot connect";
    case Fault::Tls:
      return "cannot agree on TLS";
    case Fault::Timeout:
      return "no answer in time";
    case Fault::Cancelled:
      return "cancelled";
    case Fault::Truncated:
      return "the connection was closed before the answer was complete";
    case Fault::Protocol:
      return "the answer is not HTTP";
    case Fault::TooLarge:
      return "the answer is too large";
    case Fault::Io:
      return "the connection broke";
  }
  return "";
}

ErrorKind kind_of(Fault fault) {
  switch (fault) {
    case Fault::Cancelled:
      return ErrorKind::Cancelled;
    case Fault::Protocol:
    case Fault::TooLarge:
      return ErrorKind::Internal;
    case Fault::Resolve:
    case Fault::Connect:
    case Fault::Tls:
    case Fault::Timeout:
    case Fault::Truncated:
    case Fault::Io:
      return ErrorKind::Unavailable;
  }
  return ErrorKind::Internal;
}

}  // namespace

Error transport_error(Fault fault, Sent sent, std::string_view detail) {
  Error error;
  error.kind = kind_of(fault);
  error.not_sent = sent == Sent::No;
  error.message = name_of(fault);
  if (fault == Fault::Tls) error.reason = kTlsFailure;
  if (!detail.empty()) error.message += ": " + std::string(detail);
  return error;
}

Result<void> check_headers(const HttpCall& call) {
  for (const auto& [name, value] : call.headers) {
    if (value.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) {
      return fail(ErrorKind::Invalid, "not sent: the header " + name + " would have a line break");
    }
  }
  return {};
}

std::string wire_text(const HttpCall& call, const ServerUrl& server) {
  const HttpRequest& request = call.request;
  std::string text = request.method + ' ' + server.path + request.target + " HTTP/1.1\r\n";
  const auto add = [&](std::string_view name, std::string_view value) {
    if (value.empty()) return;
    text.append(name).append(": ").append(value).append("\r\n");
  };
  add("Host", server.authority());
  add("Accept", request.accept);
  for (const auto& [name, value] : call.headers) add(name, value);
  add("Content-Type", request.content_type);
  if (!request.body.empty() || request.method == "POST" || request.method == "PUT") {
    add("Content-Length", std::to_string(request.body.size()));
  }
  text += "\r\n";
  return text + request.body;
}

}  // namespace gatelift
