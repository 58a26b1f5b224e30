// SPDX-License-Identifier: Apache-2.0
#include "client/exec_credential.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "client/cpprest_transport.h"

extern char** environ;

namespace gatelift {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kMaxOutputBytes = 1U << 20U;
constexpr std::chrono::seconds kTimeout{60};
constexpr std::chrono::seconds kInteractiveTimeout{300};

Error refused(const ExecPlugin& plugin, const std::string& why) {
  Error error;
  error.kind = ErrorKind::Unauthorized;
  error.message = plugin.origin + ": credential plugin " + plugin.command + ": " + why;
  return error;
}

/// Closes what it holds, once.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() { close(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

 private:
  int fd_;
};

class FileActions {
 public:
  FileActions() { posix_spawn_file_actions_init(&actions_); }
  ~FileActions() { posix_spawn_file_actions_destroy(&actions_); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;
  posix_spawn_file_actions_t* get() { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_{};
};

void set_variable(std::vector<std::string>& all, const std::string& name,
                  const std::optional<std::string>& value) {
  std::erase_if(all, [&](const std::string& entry) { return entry.starts_with(name + "="); });
  if (value) all.push_back(name + "=" + *value);
}

std::vector<std::string> environment_for(const ExecPlugin& plugin, bool is_interactive) {
  std::vector<std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry) all.emplace_back(*entry);
  for (const auto& [name, before] : changed_variables()) set_variable(all, name, before);
  for (const auto& [name, value] : plugin.env) set_variable(all, name, value);
  set_variable(all, "KUBERNETES_EXEC_INFO", exec_info(plugin, is_interactive));
  return all;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

Result<pid_t> spawn(const ExecPlugin& plugin, bool is_interactive, int output) {
  FileActions actions;
  if (!is_interactive) {
    posix_spawn_file_actions_addopen(actions.get(), STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  }
  posix_spawn_file_actions_adddup2(actions.get(), output, STDOUT_FILENO);
  posix_spawn_file_actions_addclosefrom_np(actions.get(), STDERR_FILENO + 1);
  std::vector<std::string> args{plugin.command};
  args.insert(args.end(), plugin.args.begin(), plugin.args.end());
  std::vector<std::string> env = environment_for(plugin, is_interactive);
  pid_t child = 0;
  const int error = posix_spawnp(&child, plugin.command.c_str(), actions.get(), nullptr,
                                 pointers_to(args).data(), pointers_to(env).data());
  if (error == 0) return child;
  std::string why = std::string("cannot be started: ") + std::strerror(error);
  if (error == ENOENT && !plugin.install_hint.empty()) why += "; " + plugin.install_hint;
  return fail(refused(plugin, why));
}

/// Reads to the end of the pipe; an error text when that did not come in time or there was too
/// much.
Result<std::string> read_all(const ExecPlugin& plugin, int fd, SteadyClock::time_point deadline) {
  std::string text;
  std::array<char, 4096> chunk{};
  while (true) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - SteadyClock::now());
    pollfd ready{fd, POLLIN, 0};
    const int count = left.count() > 0 ? ::poll(&ready, 1, static_cast<int>(left.count())) : 0;
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return fail(refused(plugin, "did not end in time"));
    const ssize_t size = ::read(fd, chunk.data(), chunk.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return fail(refused(plugin, std::strerror(errno)));
    if (size == 0) return text;
    text.append(chunk.data(), static_cast<std::size_t>(size));
    if (text.size() > kMaxOutputBytes) return fail(refused(plugin, "prints too much"));
  }
}

int wait_for(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

Result<bool> may_interact(const ExecPlugin& plugin) {
  const bool has_terminal = ::isatty(STDIN_FILENO) == 1;
  switch (plugin.interactive) {
    case InteractiveMode::Never:
      return false;
    case InteractiveMode::IfAvailable:
      return has_terminal;
    case InteractiveMode::Always:
      break;
  }
  if (has_terminal) return true;
  return fail(
      refused(plugin, "wants to ask on a terminal (interactiveMode: Always); there is none"));
}

}  // namespace

std::string exec_info(const ExecPlugin& plugin, bool is_interactive) {
  Json spec{
      {"interactive", is_interactive}
  };
  if (!plugin.cluster.is_null()) spec["cluster"] = plugin.cluster;
  return print_json(Json{
      {"apiVersion", plugin.api_version},
      {"kind",       "ExecCredential"  },
      {"spec",       std::move(spec)   }
  });
}

Result<ExecCredential> parse_exec_credential(std::string_view text, const ExecPlugin& plugin) {
  const auto json = parse_json(text);
  if (!json || string_at(*json, "kind") != "ExecCredential") {
    return fail(refused(plugin, "did not print an ExecCredential"));
  }
  if (const std::string version = string_at(*json, "apiVersion"); version != plugin.api_version) {
    return fail(refused(plugin, "printed apiVersion \"" + version +
                                    "\" where the kubeconfig asks for " + plugin.api_version));
  }
  ExecCredential credential;
  credential.token = string_at(*json, "status", "token");
  credential.client_certificate = string_at(*json, "status", "clientCertificateData");
  credential.client_key = string_at(*json, "status", "clientKeyData");
  if (credential.client_certificate.empty() != credential.client_key.empty()) {
    return fail(refused(plugin, "printed one of clientCertificateData and clientKeyData only"));
  }
  if (credential.token.empty() && credential.client_key.empty()) {
    return fail(refused(plugin, "printed neither a token nor a client certificate"));
  }
  if (const std::string expires = string_at(*json, "status", "expirationTimestamp");
      !expires.empty()) {
    auto time = parse_time(expires);
    if (!time) return fail(refused(plugin, "status.expirationTimestamp: " + time.error().message));
    credential.expires = *time;
  }
  return credential;
}

Result<ExecCredential> run_exec_plugin(const ExecPlugin& plugin) {
  ASSIGN_OR_RETURN(const bool is_interactive, may_interact(plugin));
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail(refused(plugin, std::strerror(errno)));
  const Descriptor from_child(ends[0]);
  Descriptor to_us(ends[1]);
  ASSIGN_OR_RETURN(const pid_t child, spawn(plugin, is_interactive, to_us.get()));
  to_us.close();
  const auto timeout = is_interactive ? kInteractiveTimeout : kTimeout;
  auto text = read_all(plugin, from_child.get(), SteadyClock::now() + timeout);
  if (!text) ::kill(child, SIGKILL);
  const int status = wait_for(child);
  if (!text) return fail(std::move(text).error());
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    const std::string how = WIFEXITED(status) ? "exit status " + std::to_string(WEXITSTATUS(status))
                                              : "signal " + std::to_string(WTERMSIG(status));
    return fail(refused(plugin, "failed with " + how));
  }
  return parse_exec_credential(*text, plugin);
}

}  // namespace gatelift
