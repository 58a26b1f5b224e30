// SPDX-License-Identifier: Apache-2.0
// Arguments to a command, the object graph around it, and how it ended to an exit code.
#include <malloc.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <iostream>

#include "client/api_cluster.h"
#include "client/cpprest_transport.h"
#include "client/kubeconfig.h"
#include "controller/commands.h"
#include "controller/local_engine.h"
#include "controller/signals.h"
#include "controller/system_clock.h"

namespace gatelift {
namespace {

/// Long enough for a server that starts, short enough for a person who mistyped an address.
constexpr std::chrono::seconds kProbeDeadline{10};

bool works_in_foreground(Command command) {
  return command == Command::Migrate || command == Command::Rollback;
}

/// What the first signal does besides the stop request.
void announce(const Options& options, Terminal& terminal, int number) {
  if (terminal.asking) {
    terminal.err << "\n";
    _exit(128 + number);
  }
  if (works_in_foreground(options.command)) {
    terminal.err << "\nstopping after the call under way (once more: at once)\n" << std::flush;
  }
}

std::string host_name() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "gatelift";
}

/// We read every kind there is, to find dependents, so deprecations are of our making and nobody's
/// here to act on.
bool concerns_the_user(const std::string& warning) {
  return warning.find(" is deprecated") == std::string::npos;
}

Result<std::unique_ptr<ApiCluster>> connect(const Options& options, std::stop_token stop,
                                            std::function<void(const std::string&)> on_warning) {
  ASSIGN_OR_RETURN(Endpoint endpoint, load_endpoint({options.kubeconfig, options.context}));
  ApiClusterOptions settings;
  settings.stop = std::move(stop);
  settings.on_warning = std::move(on_warning);
  return ApiCluster::connect(std::move(endpoint), std::move(settings));
}

/// Fails soon where the server cannot be reached or does not know us; all else is for the command
/// to find.
Result<void> probe(Cluster& cluster, const std::string& ns) {
  Request request;
  request.resource = resources::kNamespaces;
  request.key = {"", ns};
  request.deadline = kProbeDeadline;
  const auto answer = cluster.send(request);
  if (answer) return {};
  const Error& error = answer.error();
  const bool is_fatal = error.is(ErrorKind::Unavailable) || error.is(ErrorKind::Unauthorized) ||
                        error.is(ErrorKind::Internal) || error.is(ErrorKind::Cancelled);
  if (is_fatal) return fail(error);
  return {};
}

Result<ExitCode> run_daemon(const Options& options, std::stop_source& stop) {
  Log log(std::cout, options.log_format, options.log_level);
  const auto warned = [&log](const std::string& text) {
    log.info("the API server warns", {
                                         {"warning", text}
    });
  };
  ASSIGN_OR_RETURN(const auto cluster, connect(options, stop.get_token(), warned));
  ASSIGN_OR_RETURN(const auto lease_cluster, connect(options, {}, {}));
  BundleSources sources(options.bundles);
  ControllerContext context{*cluster, *lease_cluster, sources, log, stop};
  return run_controller(options, context);
}

Result<ExitCode> run_bundles(const Options& options, Terminal& terminal, std::stop_token stop) {
  BundleSources sources(options.bundles);
  std::unique_ptr<ApiCluster> cluster;
  if (!options.local && options.file.empty()) {
    auto connected = connect(options, std::move(stop), {});
    const Result<void> answers =
        connected ? probe(**connected, options.ns) : Result<void>(fail(connected.error()));
    if (answers) {
      cluster = *std::move(connected);
    } else if (options.command == Command::BundlesIdentify) {
      return fail(answers.error());
    } else if (!terminal.quiet) {
      terminal.err << "note: no cluster answers; only directories are looked at\n";
    }
  }
  return run_bundles(options, terminal, sources, cluster.get());
}

Result<ExitCode> run_on_cluster(const Options& options, Terminal& terminal, std::stop_token stop) {
  const auto warned = [&terminal](const std::string& text) {
    if (terminal.quiet || !concerns_the_user(text)) return;
    terminal.err << "warning: " << printable(text) << std::endl;
  };
  ASSIGN_OR_RETURN(const auto cluster, connect(options, stop, warned));
  RETURN_IF_ERROR(probe(*cluster, options.ns));
  BundleSources sources(options.bundles);
  SystemClock clock(stop);
  CommandContext context{terminal, *cluster, clock, sources, stop};
  if (options.command == Command::Plan) return run_plan(options, context);
  if (options.command == Command::Status) return run_status(options, context);
  if (options.command == Command::Report) return run_report(options, context);
  if (!works_in_foreground(options.command)) return run_backup(options, context);

  ASSIGN_OR_RETURN(const auto lease_cluster, connect(options, {}, {}));
  const EngineFactory make_engine = [&](Progress& progress) {
    ReconcilerSettings settings;
    settings.ns = options.ns;
    settings.instance = host_name();
    settings.progress = [&progress](const ProgressReport& report) { progress.report(report); };
    settings.log = [&progress](std::string_view level, const std::string& message) {
      if (level == "warn") progress.say("warning: " + printable(message));
    };
    return std::make_unique<LocalEngine>(*cluster, *lease_cluster, clock, sources,
                                         std::move(settings), nullptr, nullptr);
  };
  return options.command == Command::Migrate ? run_migrate(options, context, make_engine)
                                             : run_rollback(options, context, make_engine);
}

Result<ExitCode> dispatch(const Options& options, Terminal& terminal, SignalStop& signals) {
  switch (options.command) {
    case Command::Version:
      if (options.output == Output::Text) {
        terminal.out << "gatelift " GATELIFT_VERSION "\n";
      }
      print_data(terminal, options.output,
                 {
                     {"version", GATELIFT_VERSION}
      });
      return ExitCode::Done;
    case Command::Completion:
      terminal.out << completion_script(options.shell);
      return ExitCode::Done;
    case Command::Controller:
      return run_daemon(options, signals.source());
    case Command::BundlesList:
    case Command::BundlesShow:
    case Command::BundlesDiff:
    case Command::BundlesIdentify:
      return run_bundles(options, terminal, signals.token());
    case Command::BundlesVerify:
      return run_bundles_verify(options, terminal);
    case Command::Plan:
    case Command::Migrate:
    case Command::Status:
    case Command::Report:
    case Command::Rollback:
    case Command::BackupList:
    case Command::BackupShow:
    case Command::BackupExport:
    case Command::BackupVerify:
      return run_on_cluster(options, terminal, signals.token());
  }
  return ExitCode::Usage;
}

int exit_status(const Result<ExitCode>& result, Terminal& terminal, int signal) {
  const int interrupted = signal == SIGINT ? static_cast<int>(ExitCode::Interrupted)
                                           : static_cast<int>(ExitCode::Failed);
  if (!result && signal != 0 && result.error().is(ErrorKind::Cancelled)) return interrupted;
  if (!result) {
    terminal.err << explain(result.error());
    return static_cast<int>(ExitCode::Failed);
  }
  return *result == ExitCode::Interrupted ? interrupted : static_cast<int>(*result);
}

int run(const std::vector<std::string>& arguments) {
  const ParsedArguments parsed =
      parse_arguments(arguments, [](const char* name) -> const char* { return std::getenv(name); });
  std::cout << parsed.out;
  std::cerr << parsed.err;
  if (!parsed.options) return parsed.exit_code;
  const Options& options = *parsed.options;
  Terminal terminal = process_terminal(options.no_color, options.quiet);
  SignalStop signals([&](int number) { announce(options, terminal, number); });
  const auto result = dispatch(options, terminal, signals);
  return exit_status(result, terminal, signals.signal());
}

}  // namespace
}  // namespace gatelift

int main(int argc, char** argv) {
  // glibc gives each thread an arena of its own, up to eight per core, and returns little of them:
  // bulk steps have sixteen threads, and memory would be held sixteen times.
  mallopt(M_ARENA_MAX, 2);
  gatelift::prepare_process();
  return gatelift::run(std::vector<std::string>(argv, argv + argc));
}
