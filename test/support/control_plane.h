// SPDX-License-Identifier: Apache-2.0
// A real API server for the time of a test, on the loopback interface, and kubectl to talk to it.
// The launcher ends all that it started when its stdin closes, and so also when the test dies.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "client/cluster.h"

namespace gatelift {

struct ControlPlaneOptions {
  bool with_controller_manager = false;  // garbage collection, the end of namespaces
  int num_apiservers = 1;
  std::vector<std::string> apiserver_flags;  // "--flag=value"
};

/// What a program that has ended left behind.
struct ProgramOutcome {
  int exit_status = -1;
  std::string output;  // stdout and stderr together
};

class ControlPlane {
 public:
  /// Starts one in a new directory of its own and waits until it serves. The binaries are those of
  /// GATELIFT_CONTROLPLANE_BIN, else of `scripts/control-plane path`, which must have been built.
  static Result<std::unique_ptr<ControlPlane>> start(const ControlPlaneOptions& options = {});
  /// Stops everything and removes the directory.
  ~ControlPlane();
  ControlPlane(const ControlPlane&) = delete;
  ControlPlane& operator=(const ControlPlane&) = delete;

  /// The administrator's.
  std::string kubeconfig() const { return string_at(state_, "kubeconfig"); }
  std::string server() const { return string_at(state_, "server"); }
  const std::string& directory() const { return directory_; }
  /// The line that the launcher printed.
  const Json& state() const { return state_; }

  /// A client as the administrator, or with another kubeconfig.
  Result<std::unique_ptr<Cluster>> connect(const std::string& kubeconfig = {}) const;
  ProgramOutcome kubectl(const std::vector<std::string>& arguments,
                         const std::string& input = {}) const;

 private:
  ControlPlane(std::string directory, std::string binaries);
  Result<void> launch(const ControlPlaneOptions& options);

  std::string directory_;
  std::string binaries_;
  Json state_;
  pid_t launcher_ = -1;
  int launcher_stdin_ = -1;
};

/// Runs a program to its end with this input.
ProgramOutcome run_program(const std::vector<std::string>& arguments,
                           const std::string& input = {});

}  // namespace gatelift
