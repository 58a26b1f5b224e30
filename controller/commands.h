// SPDX-License-Identifier: Apache-2.0
// The commands. Each prints results to the terminal's out, everything else to its err, and returns
// how it ended; an Error that it returns is printed by main. They see the cluster through
// interfaces only, so that tests run them on a fake one.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>

#include "client/cluster.h"
#include "controller/exit_code.h"
#include "controller/lease_runner.h"
#include "controller/options.h"
#include "controller/progress.h"
#include "controller/terminal.h"
#include "reconcilers/bundle/bundle.h"
#include "reconcilers/migration_reconciler.h"
#include "reconcilers/report/report.h"

namespace gatelift {

struct CommandContext {
  Terminal& terminal;
  Cluster& cluster;
  Clock& clock;
  BundleSources& sources;
  std::stop_token stop;
};

/// What carries out migrations in this process: the lease and the reconciler.
class Engine {
 public:
  virtual ~Engine() = default;
  /// Begins to compete for the lease.
  virtual void start() = 0;
  virtual LeaseRunner::View lease() const = 0;
  virtual Result<ReconcileResult> reconcile(const std::string& migration) = 0;
  /// Gives the lease back. No reconcile may be under way.
  virtual void stop() = 0;
};
using EngineFactory = std::function<std::unique_ptr<Engine>(Progress&)>;

Result<ExitCode> run_plan(const Options& options, CommandContext& context);
Result<ExitCode> run_migrate(const Options& options, CommandContext& context,
                             const EngineFactory& make_engine);
Result<ExitCode> run_rollback(const Options& options, CommandContext& context,
                              const EngineFactory& make_engine);
Result<ExitCode> run_status(const Options& options, CommandContext& context);
Result<ExitCode> run_report(const Options& options, CommandContext& context);
Result<ExitCode> run_backup(const Options& options, CommandContext& context);

/// `cluster` is null where the command line asked for directories only.
Result<ExitCode> run_bundles(const Options& options, Terminal& terminal, BundleSources& sources,
                             Cluster* cluster);

/// Exit code Blocked where a change, or a release, violates upstream's versioning policy.
Result<ExitCode> run_bundles_diff(const Options& options, Terminal& terminal,
                                  const BundleSources& sources);

/// Requires: a cluster, or a file in `options`.
Result<ExitCode> run_bundles_identify(const Options& options, Terminal& terminal,
                                      const BundleSources& sources, Cluster* cluster);

/// Of the directories of `options` only. Exit code Failed where a bundle is not what is pinned.
Result<ExitCode> run_bundles_verify(const Options& options, Terminal& terminal);

/// The daemon. `lease_cluster` must answer also after a stop was asked for.
struct ControllerContext {
  Cluster& cluster;
  Cluster& lease_cluster;
  BundleSources& sources;
  Log& log;
  std::stop_source& stop;
};
Result<ExitCode> run_controller(const Options& options, ControllerContext& context);

// Parts that several commands share.

/// A bundle to go to and what that would do.
struct Proposal {
  std::string name;  // of the migration
  MigrationSpec spec;
  Plan plan;
  PlanDetails details;  // with as many diffs as `options.output` shows
};

/// Reads the bundles that ConfigMaps hold and --file, and plans. Writes nothing.
Result<Proposal> propose(const Options& options, CommandContext& context);

/// Prints a plan and, below it, what to do next.
void print_plan(const Options& options, Terminal& terminal, const Proposal& proposal);

/// Prints a report in the format asked for.
Result<void> print_report(Terminal& terminal, Output output, const Report& report);

/// How many objects a document in this format shows before and after.
std::size_t most_diffs(Output output);

/// Prints json as JSON or YAML; for other formats nothing.
void print_data(Terminal& terminal, Output output, const Json& json);

/// Follows or carries out a migration to its end and prints how it ended.
Result<ExitCode> run_foreground(const Options& options, CommandContext& context,
                                const EngineFactory& make_engine, const std::string& name,
                                Operation operation);

/// "5s", "3m", "7h", "2d": an age as kubectl prints it; "<unknown>" where `created_at` is no time.
std::string age_text(const std::string& created_at, Time now);

}  // namespace gatelift
