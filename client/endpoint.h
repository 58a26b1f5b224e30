// SPDX-License-Identifier: Apache-2.0
// Where the API server is, how it proves itself, and who we are to it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client/http.h"
#include "client/result.h"

namespace gatelift {

/// PEM texts. Empty `ca` means the system's roots, as for kubectl.
struct TlsMaterial {
  std::string ca;
  std::string client_certificate;
  std::string client_key;

  bool operator==(const TlsMaterial&) const = default;
};

/// What one call is made with. `tls` stays the same object for as long as its content does, so that
/// connections and parsed certificates can be kept by its address.
struct Identity {
  std::shared_ptr<const TlsMaterial> tls;
  std::string authorization;  // value of the header, "" for none
};

/// Credentials that may change while the process runs. Thread-safe.
class IdentitySource {
 public:
  virtual ~IdentitySource() = default;

  /// The credentials to use now. May read files or run a credential plugin, each seldom.
  virtual Result<Identity> current() = 0;

  /// Says that the server refused these, or could not be verified with them: the next current()
  /// reads everything again, unless that was done since they were handed out.
  virtual void refuse(const Identity& refused) = 0;
};

/// Credentials that never change.
std::shared_ptr<IdentitySource> fixed_identity(TlsMaterial tls, std::string authorization);

struct ServerUrl {
  bool is_tls = true;
  std::string host;  // without brackets
  std::string port;
  std::string path;  // "" or "/prefix", as proxies such as Rancher's have it
  bool is_ip = false;
  bool is_ipv6 = false;

  /// "host:port", with brackets where the host needs them.
  std::string authority() const;
};

/// Reads "https://host[:port][/prefix]". Plain http is for loopback addresses only.
Result<ServerUrl> parse_server_url(std::string_view text);

struct Endpoint {
  ServerUrl server;
  std::string tls_server_name;  // "" verifies the host of `server`
  bool insecure_skip_tls_verify = false;
  std::string default_namespace = "default";
  std::vector<std::pair<std::string, std::string>> headers;  // impersonation
  std::shared_ptr<IdentitySource> identity;
  std::string origin;  // for messages: the file and context, or "in-cluster"
};

}  // namespace gatelift
