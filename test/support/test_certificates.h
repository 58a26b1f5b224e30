// SPDX-License-Identifier: Apache-2.0
// A certificate authority that lives as long as a test.
#pragma once

#include <memory>
#include <string>
#include <vector>

namespace gatelift::testing {

struct CertifiedKey {
  std::string certificate;  // PEM
  std::string key;          // PEM
};

class TestAuthority {
 public:
  explicit TestAuthority(const std::string& name = "test authority");
  ~TestAuthority();

  /// The authority's own certificate, PEM.
  const std::string& certificate() const;

  /// A certificate for `common_name` with these subject alternative names, in OpenSSL's notation:
  /// "IP:127.0.0.1", "DNS:localhost". Without any it has no such extension.
  CertifiedKey issue(const std::string& common_name, const std::vector<std::string>& names) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace gatelift::testing
