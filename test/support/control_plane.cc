// SPDX-License-Identifier: Apache-2.0
#include "test/support/control_plane.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "client/api_cluster.h"
#include "client/kubeconfig.h"

extern char** environ;

namespace gatelift {
namespace {

struct Pipe {
  int read_end = -1;
  int write_end = -1;

  Pipe() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) == 0) {
      read_end = ends[0];
      write_end = ends[1];
    }
  }
};

/// Starts a program with these as its stdin and stdout; -1 when it could not be started.
pid_t spawn(const std::vector<std::string>& arguments, int in, int out, bool with_stderr) {
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
  if (with_stderr) posix_spawn_file_actions_adddup2(&actions, out, STDERR_FILENO);
  pid_t child = -1;
  if (posix_spawnp(&child, argv[0], &actions, nullptr, argv.data(), environ) != 0) child = -1;
  posix_spawn_file_actions_destroy(&actions);
  return child;
}

/// Reads to the end, or to the end of the first line.
std::string read_text(int from, bool one_line) {
  std::string text;
  char buffer[4096];
  while (!one_line || text.find('\n') == std::string::npos) {
    ssize_t size = read(from, buffer, sizeof buffer);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) break;
    text.append(buffer, static_cast<std::size_t>(size));
  }
  return text;
}

int exit_status_of(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

Result<std::string> directory_of_binaries() {
  if (const char* given = std::getenv("GATELIFT_CONTROLPLANE_BIN")) return std::string(given);
  ProgramOutcome found = run_program({GATELIFT_SCRIPTS "/control-plane", "path"});
  std::string path = found.output.substr(0, found.output.find('\n'));
  if (found.exit_status != 0 || !std::filesystem::exists(path + "/controlplane")) {
    return fail(ErrorKind::Internal,
                "no control plane at \"" + path + "\"; run: scripts/control-plane build");
  }
  return path;
}

}  // namespace

ProgramOutcome run_program(const std::vector<std::string>& arguments, const std::string& input) {
  // The input goes through a file, so that neither side can wait for the other.
  std::string name = (std::filesystem::temp_directory_path() / "gatelift-input-XXXXXX").string();
  int in = mkostemp(name.data(), O_CLOEXEC);
  unlink(name.c_str());
  Pipe out;
  if (in < 0 || out.read_end < 0) return {-1, std::strerror(errno)};
  ssize_t written = write(in, input.data(), input.size());
  lseek(in, 0, SEEK_SET);
  ProgramOutcome outcome;
  pid_t child = written < 0 ? -1 : spawn(arguments, in, out.write_end, true);
  close(in);
  close(out.write_end);
  if (child > 0) {
    outcome.output = read_text(out.read_end, false);
    outcome.exit_status = exit_status_of(child);
  }
  close(out.read_end);
  return outcome;
}

ControlPlane::ControlPlane(std::string directory, std::string binaries)
    : directory_(std::move(directory)), binaries_(std::move(binaries)) {}

Result<std::unique_ptr<ControlPlane>> ControlPlane::start(const ControlPlaneOptions& options) {
  ASSIGN_OR_RETURN(std::string binaries, directory_of_binaries());
  std::string directory = (std::filesystem::temp_directory_path() / "gatelift-XXXXXX").string();
  if (mkdtemp(directory.data()) == nullptr) {
    return fail(ErrorKind::Internal, "no temporary directory: " + std::string(strerror(errno)));
  }
  std::unique_ptr<ControlPlane> plane(new ControlPlane(directory, std::move(binaries)));
  RETURN_IF_ERROR(plane->launch(options));
  return plane;
}

Result<void> ControlPlane::launch(const ControlPlaneOptions& options) {
  std::vector<std::string> arguments = {binaries_ + "/controlplane", "--dir",
                                        directory_ + "/plane"};
  if (options.with_controller_manager) arguments.push_back("--with-controller-manager");
  if (options.num_apiservers != 1) {
    arguments.insert(arguments.end(), {"--apiservers", std::to_string(options.num_apiservers)});
  }
  for (const std::string& flag : options.apiserver_flags) {
    arguments.push_back("--apiserver-arg=" + flag);
  }
  Pipe in;
  Pipe out;
  launcher_ = spawn(arguments, in.read_end, out.write_end, false);
  close(in.read_end);
  close(out.write_end);
  launcher_stdin_ = in.write_end;
  std::string line = launcher_ > 0 ? read_text(out.read_end, true) : std::string();
  close(out.read_end);
  auto state = parse_json(line);
  if (!state) return fail(ErrorKind::Internal, "the control plane did not start: " + line);
  state_ = *std::move(state);
  return {};
}

ControlPlane::~ControlPlane() {
  if (launcher_stdin_ >= 0) close(launcher_stdin_);
  if (launcher_ > 0) exit_status_of(launcher_);
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

Result<std::unique_ptr<Cluster>> ControlPlane::connect(const std::string& kubeconfig) const {
  EndpointChoice choice;
  choice.kubeconfig = kubeconfig.empty() ? this->kubeconfig() : kubeconfig;
  ASSIGN_OR_RETURN(Endpoint endpoint, load_kubeconfig(choice, Surroundings::of_process()));
  return ApiCluster::connect(std::move(endpoint), {});
}

ProgramOutcome ControlPlane::kubectl(const std::vector<std::string>& arguments,
                                     const std::string& input) const {
  std::vector<std::string> all = {binaries_ + "/kubectl", "--kubeconfig", kubeconfig()};
  all.insert(all.end(), arguments.begin(), arguments.end());
  return run_program(all, input);
}

}  // namespace gatelift
