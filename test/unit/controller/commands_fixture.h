// SPDX-License-Identifier: Apache-2.0
// Commands as a person types them, on a small Gateway API world in memory.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "controller/commands.h"
#include "test/support/gateway_world.h"

namespace gatelift {

/// Carries migrations out at once, as the only one who does.
class OnlyEngine : public Engine {
 public:
  OnlyEngine(GatewayWorld& world, Progress& progress)
      : reconciler_(world.cluster, world.clock, world.sources, settings(progress)) {}

  void start() override {}
  LeaseRunner::View lease() const override {
    LeaseRunner::View view;
    view.leading = true;
    return view;
  }
  Result<ReconcileResult> reconcile(const std::string& migration) override {
    return reconciler_.reconcile(migration);
  }
  void stop() override {}

 private:
  static ReconcilerSettings settings(Progress& progress) {
    ReconcilerSettings settings;
    settings.progress = [&progress](const ProgressReport& report) { progress.report(report); };
    return settings;
  }
  MigrationReconciler reconciler_;
};

class CommandsTest : public ::testing::Test {
 protected:
  /// Runs a command line, with `typed` on a standard input that is a terminal when `on_terminal`.
  int run(std::vector<std::string> arguments, const std::string& typed = "",
          bool on_terminal = false) {
    arguments.insert(arguments.begin(), "gatelift");
    const ParsedArguments parsed =
        parse_arguments(arguments, [](const char*) -> const char* { return nullptr; });
    out_.str("");
    err_.str("");
    err_ << parsed.err;
    if (!parsed.options) return parsed.exit_code;
    std::istringstream in(typed);
    Terminal terminal{.in = in, .out = out_, .err = err_, .in_is_terminal = on_terminal};
    CommandContext context{terminal, world_.cluster, world_.clock, world_.sources,
                           stop_.get_token()};
    const auto result = dispatch(*parsed.options, context);
    if (result) return static_cast<int>(*result);
    err_ << explain(result.error());
    return static_cast<int>(ExitCode::Failed);
  }

  Result<ExitCode> dispatch(const Options& options, CommandContext& context) {
    const EngineFactory engine = [this](Progress& progress) {
      return std::make_unique<OnlyEngine>(world_, progress);
    };
    switch (options.command) {
      case Command::Plan:
        return run_plan(options, context);
      case Command::Migrate:
        return run_migrate(options, context, engine);
      case Command::Rollback:
        return run_rollback(options, context, engine);
      case Command::Status:
        return run_status(options, context);
      case Command::Report:
        return run_report(options, context);
      case Command::BackupList:
      case Command::BackupShow:
      case Command::BackupExport:
      case Command::BackupVerify:
        return run_backup(options, context);
      case Command::BundlesList:
      case Command::BundlesShow:
      case Command::BundlesDiff:
      case Command::BundlesIdentify:
        return run_bundles(options, context.terminal, context.sources, &context.cluster);
      case Command::BundlesVerify:
        return run_bundles_verify(options, context.terminal);
      case Command::Controller:
      case Command::Version:
      case Command::Completion:
        break;
    }
    return fail(ErrorKind::Internal, "not a command of these tests");
  }

  std::string out() const { return out_.str(); }
  std::string err() const { return err_.str(); }
  bool out_has(const std::string& text) const { return out().find(text) != std::string::npos; }
  bool err_has(const std::string& text) const { return err().find(text) != std::string::npos; }

  /// Writes that changed something.
  std::vector<WriteRecord> changes() const {
    std::vector<WriteRecord> changes;
    for (const WriteRecord& write : world_.cluster.writes()) {
      const bool is_review = write.resource.group == "authorization.k8s.io";
      if (!write.dry_run && !is_review && write.succeeded()) changes.push_back(write);
    }
    return changes;
  }

  int migrate() {
    return run({"migrate", "--to", "v1.1.1/experimental", "--strategy", "Recreate", "--yes"});
  }
  Json output_json() const { return parse_json(out()).value_or(Json()); }

  GatewayWorld world_;
  std::stop_source stop_;
  std::ostringstream out_;
  std::ostringstream err_;
};

inline const std::string kName = "to-v1-1-1-experimental";

}  // namespace gatelift
