// SPDX-License-Identifier: Apache-2.0
// Credentials from files and plugins, kept and read again as their sources ask for.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "client/endpoint.h"
#include "client/exec_credential.h"
#include "client/time.h"

namespace gatelift {

/// A text that stands in the configuration itself or in a file.
struct TextSource {
  std::string text;
  std::string path;   // read when not empty
  std::string field;  // "FILE: users[me].client-key": how errors name it

  bool is_set() const { return !text.empty() || !path.empty(); }
  Result<std::string> read() const;
};

struct IdentitySources {
  TextSource ca;
  TextSource client_certificate;
  TextSource client_key;
  TextSource token;
  std::string basic_authorization;  // "Basic …", for username and password
  std::optional<ExecPlugin> plugin;
};

/// Files are read again after 60 s (client-go's period for tokens) and after a refusal; where that
/// fails and nothing was refused, what was read before is used. A plugin runs again when its
/// credential expires and after a refusal. `now` and `run` are for tests.
std::shared_ptr<IdentitySource> kept_identity(
    IdentitySources sources, std::function<Time()> now,
    std::function<Result<ExecCredential>(const ExecPlugin&)> run = &run_exec_plugin);

}  // namespace gatelift
