// SPDX-License-Identifier: Apache-2.0
// Certificates parsed once, and the one strict configuration of a TLS client that both transports
// use.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "client/endpoint.h"
#include "client/result.h"

struct ssl_ctx_st;  // OpenSSL's SSL_CTX
struct ssl_st;      // OpenSSL's SSL

namespace gatelift {

struct TlsPeer {
  std::string name;  // the DNS name or address that the certificate must be for
  bool is_ip = false;
  bool is_verified = true;  // false for insecure-skip-tls-verify
};

/// The peer that an endpoint's certificate must prove to be.
TlsPeer peer_of(const Endpoint& endpoint);

/// Immutable after creation, shared by all connections.
class TlsIdentity {
 public:
  /// Errors (Invalid) say which of the PEM texts cannot be read. Without a CA the system's roots
  /// are loaded.
  static Result<std::shared_ptr<const TlsIdentity>> parse(const TlsMaterial& material);
  ~TlsIdentity();

  /// Replaces all trust of the context: this CA only, no CN in place of a subject alternative name,
  /// no partial wildcards, TLS 1.2 or newer, our certificate and key.
  void configure(ssl_ctx_st* context, const TlsPeer& peer) const;

 private:
  struct Parsed;
  explicit TlsIdentity(std::unique_ptr<Parsed> parsed);
  std::unique_ptr<Parsed> parsed_;
};

/// Why the handshake refused the server's certificate ("IP address mismatch"), or "" when that was
/// not the reason.
std::string verification_failure(ssl_st* connection);

/// Where a context leaves why its last handshake failed, for callers that have no connection to
/// ask.
class TlsRefusal {
 public:
  void note(std::string reason);
  std::string take();

 private:
  std::mutex mutex_;
  std::string reason_;
};

/// Notes in `refusal`, which the context keeps alive, each server certificate that its connections
/// refuse.
void note_refusals(ssl_ctx_st* context, std::shared_ptr<TlsRefusal> refusal);

/// Sends the name that the server chooses its certificate by (SNI); addresses are not names.
void request_name(ssl_st* connection, const TlsPeer& peer);

}  // namespace gatelift
