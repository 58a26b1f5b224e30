// SPDX-License-Identifier: Apache-2.0
// The command line: arguments and environment in, values out.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/log.h"
#include "reconcilers/migration.h"

namespace gatelift {

enum class Command {
  Controller,
  Plan,
  Migrate,
  Status,
  Report,
  Rollback,
  BackupList,
  BackupShow,
  BackupExport,
  BackupVerify,
  BundlesList,
  BundlesShow,
  BundlesDiff,
  BundlesVerify,
  BundlesIdentify,
  Version,
  Completion,
};

enum class Output { Text, JsonText, YamlText, Html };

struct Options {
  Command command = Command::Version;
  std::string program = "gatelift";  // as the user calls it: "gatelift" or "kubectl gatelift"

  // Every command.
  std::string kubeconfig;                      // "": KUBECONFIG, ~/.kube/config, in-cluster
  std::string context;                         // "": the kubeconfig's current one
  std::string ns = "gatelift-system";          // where backups, reports and the lease are
  std::vector<std::filesystem::path> bundles;  // GATELIFT_BUNDLES, else /usr/share/gatelift/bundles
  Output output = Output::Text;
  bool no_color = false;
  bool quiet = false;

  // plan, migrate. spec.target is empty where only --file names it.
  MigrationSpec spec;
  std::filesystem::path file;  // "": bundle sources
  std::string name;            // "": made of the target
  bool yes = false;            // also rollback
  bool dry_run = false;
  std::string approve;                               // digest of the plan that may run; "": any
  std::optional<std::chrono::milliseconds> timeout;  // none; also rollback

  // status, report, rollback, backup, bundles.
  std::vector<std::string>
      arguments;  // a migration's name, backups' refs, bundles; as the command says
  std::filesystem::path directory;  // backup export
  bool watch = false;
  bool local = false;  // bundles: leave the cluster's ConfigMaps out

  // controller.
  bool leader_elect = false;  // ready also as a stand-by
  std::string listen = ":8080";
  LogFormat log_format = LogFormat::Text;
  LogLevel log_level = LogLevel::Info;

  std::string shell;  // completion
};

/// Options to run with, or what to print and exit with: help (0) or a wrong call (2).
struct ParsedArguments {
  std::optional<Options> options;
  int exit_code = 0;
  std::string out;
  std::string err;
};

using Environment = std::function<const char*(const char*)>;

/// `arguments[0]` is the program's path. Reads nothing but its parameters.
ParsedArguments parse_arguments(const std::vector<std::string>& arguments, const Environment& env);

/// "v1.1.1/experimental". Error kind Invalid.
Result<BundleRef> parse_bundle_ref(std::string_view text);

/// "to-v1-1-1-experimental": the name of a migration that was not given one.
std::string default_migration_name(const BundleRef& target);

/// A command's words and flags, for shell completion.
struct CommandWords {
  std::string path;  // "backup export"; "" for the program itself
  std::vector<std::string> subcommands;
  std::vector<std::string> flags;
};
std::vector<CommandWords> command_words();

/// A script for "bash" or "zsh".
std::string completion_script(std::string_view shell);

}  // namespace gatelift
