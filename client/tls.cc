// SPDX-License-Identifier: Apache-2.0
#include "client/tls.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <utility>
#include <vector>

namespace gatelift {
namespace {

template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Bio = std::unique_ptr<BIO, Deleter<BIO_free>>;
using Certificate = std::unique_ptr<X509, Deleter<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using Store = std::unique_ptr<X509_STORE, Deleter<X509_STORE_free>>;

// Where distributions keep their roots; the order is that of Go's crypto/x509.
constexpr std::array<const char*, 4> kSystemRoots{
    "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem"};

std::string openssl_reason() {
  std::array<char, 200> text{};
  ERR_error_string_n(ERR_get_error(), text.data(), text.size());
  ERR_clear_error();
  return text.data();
}

std::vector<Certificate> read_certificates(const std::string& pem) {
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  std::vector<Certificate> certificates;
  while (X509* certificate = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
    certificates.emplace_back(certificate);
  }
  ERR_clear_error();  // the end of the text is an error too
  return certificates;
}

Result<Store> make_store(const std::string& ca) {
  Store store(X509_STORE_new());
  // As Go: whatever stands in the CA file is trusted, also an intermediate or the server's own
  // certificate.
  X509_STORE_set_flags(store.get(), X509_V_FLAG_PARTIAL_CHAIN);
  if (ca.empty()) {
    for (const char* path : kSystemRoots) {
      std::error_code ignored;
      if (!std::filesystem::exists(path, ignored)) continue;
      X509_STORE_load_locations(store.get(), path, nullptr);
      return store;
    }
    return store;  // trusts nobody
  }
  const auto certificates = read_certificates(ca);
  if (certificates.empty()) {
    return fail(ErrorKind::Invalid, "the certificate authority is not a PEM certificate");
  }
  for (const Certificate& certificate : certificates) {
    X509_STORE_add_cert(store.get(), certificate.get());
  }
  return store;
}

using RefusalPointer = std::shared_ptr<TlsRefusal>;

void free_refusal(void*, void* pointer, CRYPTO_EX_DATA*, int, long, void*) {
  delete static_cast<RefusalPointer*>(pointer);
}

int refusal_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, &free_refusal);
  return index;
}

/// Called by OpenSSL at every turn of a handshake; the alert that we write is where a verification
/// has failed.
void on_handshake_event(const SSL* connection, int where, int /*value*/) {
  if ((where & SSL_CB_ALERT) == 0 || (where & SSL_CB_WRITE) == 0) return;
  const long result = SSL_get_verify_result(connection);
  if (result == X509_V_OK) return;
  const auto* refusal = static_cast<RefusalPointer*>(
      SSL_CTX_get_ex_data(SSL_get_SSL_CTX(connection), refusal_index()));
  if (refusal != nullptr) (*refusal)->note(X509_verify_cert_error_string(result));
}

}  // namespace

void TlsRefusal::note(std::string reason) {
  const std::lock_guard lock(mutex_);
  reason_ = std::move(reason);
}

std::string TlsRefusal::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(reason_, {});
}

void note_refusals(ssl_ctx_st* context, std::shared_ptr<TlsRefusal> refusal) {
  SSL_CTX_set_ex_data(context, refusal_index(), new RefusalPointer(std::move(refusal)));
  SSL_CTX_set_info_callback(context, &on_handshake_event);
}

struct TlsIdentity::Parsed {
  Store store;
  std::vector<Certificate> chain;  // ours, leaf first
  Key key;
};

TlsPeer peer_of(const Endpoint& endpoint) {
  const bool is_verified = !endpoint.insecure_skip_tls_verify;
  if (!endpoint.tls_server_name.empty()) return {endpoint.tls_server_name, false, is_verified};
  return {endpoint.server.host, endpoint.server.is_ip, is_verified};
}

TlsIdentity::TlsIdentity(std::unique_ptr<Parsed> parsed) : parsed_(std::move(parsed)) {}
TlsIdentity::~TlsIdentity() = default;

Result<std::shared_ptr<const TlsIdentity>> TlsIdentity::parse(const TlsMaterial& material) {
  auto parsed = std::make_unique<Parsed>();
  ASSIGN_OR_RETURN(parsed->store, make_store(material.ca));
  if (material.client_certificate.empty() != material.client_key.empty()) {
    return fail(ErrorKind::Invalid, "a client certificate and its key come together or not at all");
  }
  if (!material.client_certificate.empty()) {
    parsed->chain = read_certificates(material.client_certificate);
    if (parsed->chain.empty()) {
      return fail(ErrorKind::Invalid, "the client certificate is not a PEM certificate");
    }
    const Bio bio(
        BIO_new_mem_buf(material.client_key.data(), static_cast<int>(material.client_key.size())));
    // The empty pass phrase keeps OpenSSL from asking for one on the terminal.
    static char no_phrase[] = "";
    parsed->key.reset(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, no_phrase));
    if (!parsed->key) {
      return fail(ErrorKind::Invalid, "the client key cannot be read: " + openssl_reason());
    }
    if (X509_check_private_key(parsed->chain.front().get(), parsed->key.get()) != 1) {
      ERR_clear_error();
      return fail(ErrorKind::Invalid, "the client key does not belong to the client certificate");
    }
  }
  return std::shared_ptr<const TlsIdentity>(new TlsIdentity(std::move(parsed)));
}

void TlsIdentity::configure(ssl_ctx_st* context, const TlsPeer& peer) const {
  SSL_CTX_set1_cert_store(context, parsed_->store.get());
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_verify(context, peer.is_verified ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  X509_VERIFY_PARAM* param = SSL_CTX_get0_param(context);
  X509_VERIFY_PARAM_set_hostflags(
      param, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  if (peer.is_ip) {
    X509_VERIFY_PARAM_set1_ip_asc(param, peer.name.c_str());
  } else {
    X509_VERIFY_PARAM_set1_host(param, peer.name.data(), peer.name.size());
  }
  if (parsed_->chain.empty()) return;
  SSL_CTX_use_certificate(context, parsed_->chain.front().get());
  for (std::size_t i = 1; i < parsed_->chain.size(); ++i) {
    SSL_CTX_add1_chain_cert(context, parsed_->chain[i].get());
  }
  SSL_CTX_use_PrivateKey(context, parsed_->key.get());
}

std::string verification_failure(ssl_st* connection) {
  const long result = SSL_get_verify_result(connection);
  return result == X509_V_OK ? std::string() : X509_verify_cert_error_string(result);
}

void request_name(ssl_st* connection, const TlsPeer& peer) {
  if (!peer.is_ip) SSL_set_tlsext_host_name(connection, peer.name.c_str());
}

}  // namespace gatelift
