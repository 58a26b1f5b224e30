// SPDX-License-Identifier: Apache-2.0
#include "client/endpoint.h"

#include <arpa/inet.h>

#include <algorithm>
#include <tuple>
#include <utility>

namespace gatelift {
namespace {

class FixedIdentity : public IdentitySource {
 public:
  explicit FixedIdentity(Identity identity) : identity_(std::move(identity)) {}
  Result<Identity> current() override { return identity_; }
  void refuse(const Identity&) override {}

 private:
  Identity identity_;
};

bool is_ip_of(int family, const std::string& host) {
  unsigned char address[sizeof(in6_addr)];
  return inet_pton(family, host.c_str(), address) == 1;
}

bool is_loopback(const ServerUrl& url) {
  return url.host == "localhost" || url.host == "::1" ||
         (url.is_ip && !url.is_ipv6 && url.host.starts_with("127."));
}

bool is_port(std::string_view text) {
  const bool is_number = !text.empty() && text.size() <= 5 &&
                         text.find_first_not_of("0123456789") == std::string_view::npos;
  return is_number && std::stoi(std::string(text)) <= 65535;
}

bool is_host(std::string_view text) {
  constexpr std::string_view kAllowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:";
  return !text.empty() && text.find_first_not_of(kAllowed) == std::string_view::npos;
}

/// Splits "host", "host:port" and "[v6]:port"; an empty port means the scheme's.
std::pair<std::string, std::string> split_authority(std::string_view authority) {
  std::size_t end_of_host = authority.find(':');
  std::string_view host = authority.substr(0, end_of_host);
  if (authority.starts_with('[')) {
    const std::size_t bracket = authority.find(']');
    if (bracket == std::string_view::npos) return {};
    host = authority.substr(1, bracket - 1);
    end_of_host = bracket + 1 < authority.size() ? bracket + 1 : std::string_view::npos;
  }
  if (end_of_host == std::string_view::npos) return {std::string(host), ""};
  const std::string_view rest = authority.substr(end_of_host);
  return {std::string(host), rest.starts_with(':') ? std::string(rest.substr(1)) : "?"};
}

}  // namespace

std::shared_ptr<IdentitySource> fixed_identity(TlsMaterial tls, std::string authorization) {
  return std::make_shared<FixedIdentity>(
      Identity{std::make_shared<const TlsMaterial>(std::move(tls)), std::move(authorization)});
}

std::string ServerUrl::authority() const {
  return (is_ipv6 ? "[" + host + "]" : host) + ":" + port;
}

Result<ServerUrl> parse_server_url(std::string_view text) {
  const auto refuse = [&](const char* why) {
    return fail(ErrorKind::Invalid, "server \"" + std::string(text) + "\": " + why);
  };
  ServerUrl url;
  std::string_view rest = text;
  if (rest.starts_with("https://")) {
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
    url.is_tls = false;
  } else {
    return refuse("it does not begin with https://");
  }
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  url.path = rest.substr(slash);
  while (url.path.ends_with('/')) url.path.pop_back();
  std::tie(url.host, url.port) = split_authority(rest.substr(0, slash));
  if (url.port.empty()) url.port = url.is_tls ? "443" : "80";
  if (!is_host(url.host)) return refuse("its host is not a name or an address");
  if (!is_port(url.port)) return refuse("its port is not a number below 65536");
  if (url.path.find_first_of("?# \t\r\n") != std::string::npos) {
    return refuse("it has a query or blanks");
  }
  url.is_ipv6 = is_ip_of(AF_INET6, url.host);
  url.is_ip = url.is_ipv6 || is_ip_of(AF_INET, url.host);
  if (!url.is_ipv6 && url.host.find(':') != std::string::npos)
    return refuse("its host has a colon");
  if (!url.is_tls && !is_loopback(url)) {
    return refuse("plain http would send credentials in the open; only loopback may have it");
  }
  return url;
}

}  // namespace gatelift
