// SPDX-License-Identifier: Apache-2.0
// The end that migrate and rollback share: carry out or follow, and say how it ended.
#include <algorithm>
#include <ostream>

#include "controller/commands.h"
#include "controller/foreground.h"
#include "controller/plan_printer.h"
#include "reconcilers/migration_json.h"
#include "reconcilers/plan/actions.h"

namespace gatelift {
namespace {

Counts total_of(const Record& record) {
  Counts total;
  for (const CrdProgress& crd : record.crds) {
    total.found += crd.objects.found;
    total.done += crd.objects.done;
    total.unchanged += crd.objects.unchanged;
    total.skipped += crd.objects.skipped;
    total.failed += crd.objects.failed;
  }
  return total;
}

std::string counts_text(const Counts& counts) {
  std::string text =
      std::to_string(counts.settled()) + " of " + std::to_string(counts.found) + " objects";
  std::string parts;
  const auto add = [&parts](int count, const char* word) {
    if (count == 0) return;
    parts += (parts.empty() ? "" : ", ") + std::to_string(count) + " " + word;
  };
  add(counts.unchanged, "unchanged");
  add(counts.skipped, "skipped");
  add(counts.failed, "failed");
  return parts.empty() ? text : text + " (" + parts + ")";
}

/// kubectl keeps for hours which version of a kind it prefers, and asks for one that has left
/// (client-go's disk cache).
std::string cache_hint(const Record& record) {
  const bool moved =
      record.plan &&
      std::any_of(record.plan->actions.begin(), record.plan->actions.end(),
                  [](const PlannedAction& action) { return is_conversion(action.kind); });
  if (!moved) return {};
  return "Where kubectl answers NotFound for a converted kind, `kubectl api-resources` renews its "
         "cache.\n";
}

std::string done_text(const Options& options, const Migration& migration) {
  const Record& record = migration.record;
  std::string text = "Done: " + migration.name;
  if (record.plan) text += ": the cluster is at " + record.plan->to.display();
  if (record.operation == Operation::Rollback) {
    text = "Rolled back: " + migration.name + ": the cluster is as backup " + record.rolls_back_to +
           " holds it";
  }
  text += "; " + counts_text(total_of(record));
  if (record.unavailable_measured && record.unavailable_measured->count() > 0) {
    text += "; absent for " + duration_text(*record.unavailable_measured);
  }
  text += ".\n";
  if (!record.backup.ref.empty()) {
    text += "Backup: " + record.backup.ref + " (" + options.program + " backup show " +
            record.backup.ref + ")\n";
  }
  if (record.operation == Operation::Upgrade && !record.backup.ref.empty()) {
    text += "Undo:   " + options.program + " rollback " + migration.name + "\n";
  }
  return text + cache_hint(record);
}

/// How the user goes on with a run that is not over.
std::string continue_text(const Options& options, const std::string& name, Operation operation) {
  if (operation == Operation::Rollback) return options.program + " rollback " + name;
  const std::string target = options.file.empty() ? "--to " + options.spec.target.display()
                                                  : "--file " + options.file.string();
  const bool is_default =
      options.file.empty() && name == default_migration_name(options.spec.target);
  return options.program + " migrate " + target + (is_default ? "" : " --name " + name);
}

/// Rolled back by itself: what was asked for did not come about.
bool ended_otherwise(const ForegroundResult& result, Operation asked) {
  return asked == Operation::Upgrade && result.migration &&
         result.migration->record.operation == Operation::Rollback &&
         result.migration->record.finished_at.has_value();
}

ExitCode print_end(const Options& options, Terminal& terminal, const ForegroundResult& result,
                   const std::string& name, Operation operation) {
  const std::string go_on = continue_text(options, name, operation);
  if (ended_otherwise(result, operation)) {
    terminal.err << "error: " << name << " failed and was rolled back: "
                 << printable(result.migration->record.rolled_back_because) << "\n";
    return ExitCode::Failed;
  }
  switch (result.end) {
    case ForegroundEnd::Done:
      return ExitCode::Done;
    case ForegroundEnd::NeedsPerson:
      terminal.err << "blocked: " << printable(result.message) << "\n"
                   << "then:    " << go_on << "\n";
      return ExitCode::Blocked;
    case ForegroundEnd::Gone:
      terminal.err << "error: GatewayAPIMigration/" << name << " was deleted; the work stopped\n";
      return ExitCode::Failed;
    case ForegroundEnd::TimedOut:
      terminal.err << "error: not over after the --timeout; nothing is lost\ncontinue: " << go_on
                   << "\n";
      return ExitCode::Failed;
    case ForegroundEnd::LeaseLost:
      terminal.err << "error: " << printable(result.message)
                   << ": stopped between two steps; nothing is lost\ncontinue: " << go_on << "\n";
      return ExitCode::Failed;
    case ForegroundEnd::Interrupted:
      terminal.err << "stopped between two steps; nothing is lost\ncontinue: " << go_on << "\n";
      return ExitCode::Interrupted;
  }
  return ExitCode::Failed;
}

}  // namespace

Result<ExitCode> run_foreground(const Options& options, CommandContext& context,
                                const EngineFactory& make_engine, const std::string& name,
                                Operation operation) {
  Terminal& terminal = context.terminal;
  Progress progress(terminal);
  const std::unique_ptr<Engine> engine = make_engine(progress);
  engine->start();
  Foreground foreground(
      {.cluster = context.cluster,
       .clock = context.clock,
       .progress = progress,
       .reconcile = [&engine](const std::string& key) { return engine->reconcile(key); },
       .lease = [&engine] { return engine->lease(); }});
  auto result = foreground.run({.name = name, .operation = operation, .timeout = options.timeout});
  engine->stop();
  progress.clear();
  if (!result) return fail(wrap(std::move(result).error(), name));
  const ExitCode code = print_end(options, terminal, *result, name, operation);
  if (!result->migration) return code;
  if (options.output != Output::Text) {
    Json object = migration_manifest(name, result->migration->spec);
    object["status"] = status_json(result->migration->record);
    print_data(terminal, options.output, object);
  } else if (result->end == ForegroundEnd::Done) {
    terminal.out << done_text(options, *result->migration) << std::flush;
  }
  return code;
}

}  // namespace gatelift
