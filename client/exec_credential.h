// SPDX-License-Identifier: Apache-2.0
// Credential plugins: a program that a kubeconfig names and that prints an ExecCredential
// (client.authentication.k8s.io/v1 and v1beta1). EKS, GKE and AKS are reached in this way.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client/json.h"
#include "client/result.h"
#include "client/time.h"

namespace gatelift {

enum class InteractiveMode { Never, IfAvailable, Always };

struct ExecPlugin {
  std::string api_version;
  std::string command;
  std::vector<std::string> args;
  std::vector<std::pair<std::string, std::string>> env;
  std::string install_hint;
  InteractiveMode interactive = InteractiveMode::IfAvailable;
  Json cluster;        // spec.cluster of what the plugin is told; null unless provideClusterInfo
  std::string origin;  // file and field, for messages
};

struct ExecCredential {
  std::string token;
  std::string client_certificate;
  std::string client_key;
  std::optional<Time> expires;
};

/// KUBERNETES_EXEC_INFO: what the plugin is told in its environment.
std::string exec_info(const ExecPlugin& plugin, bool is_interactive);

/// Reads what a plugin printed. Never quotes it: it holds a secret.
Result<ExecCredential> parse_exec_credential(std::string_view text, const ExecPlugin& plugin);

/// Runs the plugin and waits for it, at most a minute, or five where it may ask the user on the
/// terminal. Its stderr is ours. Errors: Unauthorized, with the install hint where there is no such
/// program.
Result<ExecCredential> run_exec_plugin(const ExecPlugin& plugin);

}  // namespace gatelift
