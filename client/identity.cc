// SPDX-License-Identifier: Apache-2.0
#include "client/identity.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <mutex>
#include <utility>

namespace gatelift {
namespace {

constexpr std::chrono::seconds kReadAgainAfter{60};
constexpr std::chrono::seconds kExpiryLeeway{10};

class KeptIdentity : public IdentitySource {
 public:
  KeptIdentity(IdentitySources sources, std::function<Time()> now,
               std::function<Result<ExecCredential>(const ExecPlugin&)> run)
      : sources_(std::move(sources)), now_(std::move(now)), run_(std::move(run)) {}

  Result<Identity> current() override {
    // Held while a plugin runs: whoever comes meanwhile wants its result, not a second run.
    const std::lock_guard lock(mutex_);
    const Time now = now_();
    if (identity_ && !is_stale(now)) return *identity_;
    auto fresh = read(now);
    if (!fresh) {
      if (identity_ && !is_refused_ && !has_expired(now)) return *identity_;
      return fail(std::move(fresh).error());
    }
    identity_ = *std::move(fresh);
    read_at_ = now;
    is_refused_ = false;
    return *identity_;
  }

  void refuse(const Identity& refused) override {
    const std::lock_guard lock(mutex_);
    if (!identity_ || refused.tls != identity_->tls) return;
    if (refused.authorization != identity_->authorization) return;
    is_refused_ = true;
  }

 private:
  bool has_expired(Time now) const {
    return credential_ && credential_->expires && now + kExpiryLeeway >= *credential_->expires;
  }
  bool is_stale(Time now) const {
    return is_refused_ || now - read_at_ >= kReadAgainAfter || has_expired(now);
  }

  Result<Identity> read(Time now) {
    TlsMaterial tls;
    ASSIGN_OR_RETURN(tls.ca, sources_.ca.read());
    ASSIGN_OR_RETURN(tls.client_certificate, sources_.client_certificate.read());
    ASSIGN_OR_RETURN(tls.client_key, sources_.client_key.read());
    ASSIGN_OR_RETURN(std::string token, sources_.token.read());
    if (sources_.plugin) {
      RETURN_IF_ERROR(renew_credential(now));
      if (!credential_->token.empty()) token = credential_->token;
      if (!credential_->client_key.empty()) {
        tls.client_certificate = credential_->client_certificate;
        tls.client_key = credential_->client_key;
      }
    }
    Identity identity;
    const bool is_unchanged = identity_ && *identity_->tls == tls;
    identity.tls =
        is_unchanged ? identity_->tls : std::make_shared<const TlsMaterial>(std::move(tls));
    ASSIGN_OR_RETURN(identity.authorization, authorization_of(token));
    return identity;
  }

  Result<void> renew_credential(Time now) {
    if (credential_ && !is_refused_ && !has_expired(now)) return {};
    ASSIGN_OR_RETURN(credential_, run_(*sources_.plugin));
    return {};
  }

  Result<std::string> authorization_of(const std::string& token) const {
    const std::size_t first = token.find_first_not_of(" \t\r\n");
    if (first == std::string::npos) {
      if (!sources_.token.path.empty()) {
        return fail(ErrorKind::Unauthorized,
                    sources_.token.field + ": " + sources_.token.path + " is empty");
      }
      return sources_.basic_authorization;
    }
    const std::size_t last = token.find_last_not_of(" \t\r\n");
    return "Bearer " + token.substr(first, last - first + 1);
  }

  const IdentitySources sources_;
  const std::function<Time()> now_;
  const std::function<Result<ExecCredential>(const ExecPlugin&)> run_;
  std::mutex mutex_;
  std::optional<Identity> identity_;
  std::optional<ExecCredential> credential_;
  Time read_at_;
  bool is_refused_ = false;
};

}  // namespace

Result<std::string> TextSource::read() const {
  if (path.empty()) return text;
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string content{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (file.is_open() && !file.bad()) return content;
  return fail(ErrorKind::Invalid, field + ": cannot read " + path + ": " + std::strerror(errno));
}

std::shared_ptr<IdentitySource> kept_identity(
    IdentitySources sources, std::function<Time()> now,
    std::function<Result<ExecCredential>(const ExecPlugin&)> run) {
  return std::make_shared<KeptIdentity>(std::move(sources), std::move(now), std::move(run));
}

}  // namespace gatelift
