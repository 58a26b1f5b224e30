// SPDX-License-Identifier: Apache-2.0
// rollback: asks for it on the resource, as anybody can with kubectl annotate, and then does as
// migrate does.
#include <ostream>

#include "controller/commands.h"
#include "reconcilers/migration_json.h"

namespace gatelift {
namespace {

std::string question(const Migration& migration) {
  const BackupRecord& backup = migration.record.backup;
  std::string text = "Roll " + migration.name + " back";
  if (migration.record.plan) text += " to " + migration.record.plan->from.display();
  if (!backup.ref.empty()) {
    text += " from backup " + backup.ref + " (" + std::to_string(backup.objects) + " objects)";
  }
  return text + (migration.spec.strategy == Strategy::Recreate
                     ? "? Objects that were converted are absent for a moment."
                     : "? No object is deleted; controllers have to read the old versions again.");
}

}  // namespace

Result<ExitCode> run_rollback(const Options& options, CommandContext& context,
                              const EngineFactory& make_engine) {
  Terminal& terminal = context.terminal;
  const std::string& name = options.arguments.front();
  if (!options.yes && !terminal.in_is_terminal) {
    terminal.err << "error: standard input is no terminal to ask on: pass --yes\n";
    return ExitCode::Usage;
  }
  ASSIGN_OR_RETURN(const auto object, get_if_exists(context.cluster, kMigrations, {"", name}));
  if (!object) {
    return fail(ErrorKind::NotFound, "there is no GatewayAPIMigration named " + name + "; `" +
                                         options.program + " status` lists them");
  }
  ASSIGN_OR_RETURN(const Migration migration, parse_migration(*object));
  const Record& record = migration.record;
  if (record.operation == Operation::Rollback) {
    if (record.finished_at) {
      terminal.out << name << " is rolled back already.\n";
      return ExitCode::Done;
    }
    terminal.err << "continuing the rollback of " << name << "\n";
    return run_foreground(options, context, make_engine, name, Operation::Rollback);
  }
  if (!record.started_at) {
    terminal.out << name << " has changed nothing yet: there is nothing to go back to.\n";
    return ExitCode::Done;
  }
  if (!options.yes && !asked_yes(terminal, question(migration))) {
    terminal.err << "Nothing was written.\n";
    return ExitCode::Failed;
  }
  const Json patch = {
      {"metadata", {{"annotations", {{kRollbackAnnotation, "true"}}}}}
  };
  RETURN_IF_ERROR(merge_patch(context.cluster, kMigrations, {"", name}, patch));
  return run_foreground(options, context, make_engine, name, Operation::Rollback);
}

}  // namespace gatelift
