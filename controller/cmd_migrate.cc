// SPDX-License-Identifier: Apache-2.0
// migrate: the same resource, record and reconciler as the daemon's, in the foreground.
#include <ostream>

#include "controller/commands.h"
#include "controller/plan_printer.h"
#include "controller/prerequisites.h"
#include "reconcilers/migration_json.h"

namespace gatelift {
namespace {

constexpr int kMostRuns = 100;

Result<std::optional<Migration>> find_migration(Cluster& cluster, const std::string& name) {
  ASSIGN_OR_RETURN(const auto object, get_if_exists(cluster, kMigrations, {"", name}));
  if (!object) return std::optional<Migration>();
  ASSIGN_OR_RETURN(Migration migration, parse_migration(*object));
  return std::optional<Migration>(std::move(migration));
}

bool is_under_way(const Migration& migration) {
  return migration.record.started_at.has_value() && !migration.record.finished_at.has_value();
}

bool is_over(const Migration& migration) { return migration.record.finished_at.has_value(); }

/// The spec that is written: with --approve, only the plan of that digest may run, whoever carries
/// it out.
MigrationSpec spec_to_write(const Options& options, const Proposal& proposal) {
  MigrationSpec spec = proposal.spec;
  if (!options.approve.empty()) {
    spec.approval = Approval::Required;
    spec.approved_plan = options.approve;
  }
  return spec;
}

/// A finished run stays as a record, so another one to the same target gets the next free name.
Result<std::string> free_name(Cluster& cluster, const std::string& wanted) {
  for (int i = 2; i < kMostRuns; ++i) {
    const std::string name = wanted + "-" + std::to_string(i);
    ASSIGN_OR_RETURN(const auto found, find_migration(cluster, name));
    if (!found || !is_over(*found)) return name;
  }
  return fail(ErrorKind::AlreadyExists, "too many migrations are named " + wanted +
                                            "-N; delete old ones, or choose another --name");
}

tl::unexpected<Error> name_is_taken(const Migration& other) {
  return fail(ErrorKind::AlreadyExists, "GatewayAPIMigration/" + other.name +
                                            " exists and goes to " + other.spec.target.display() +
                                            "; choose another --name, or delete it");
}

/// A merge patch after which nothing is left of `before` that `after` does not have.
Json replacement(const Json& before, Json after) {
  for (const auto& [name, value] : before.items()) {
    if (!after.contains(name)) {
      after[name] = nullptr;
    } else if (value.is_object() && after[name].is_object()) {
      after[name] = replacement(value, after[name]);
    }
  }
  return after;
}

/// Creates the resource, or brings an existing one that has not begun to the wanted spec.
Result<void> write_resource(Cluster& cluster, const std::string& name, const MigrationSpec& spec) {
  const auto created = create(cluster, kMigrations, migration_manifest(name, spec));
  if (created) return {};
  if (!created.error().is(ErrorKind::AlreadyExists)) return fail(created.error());
  ASSIGN_OR_RETURN(const auto found, find_migration(cluster, name));
  if (!found)
    return fail(ErrorKind::Conflict,
                "GatewayAPIMigration/" + name + " went away meanwhile; try again");
  if (found->spec == spec) return {};
  const Json patch = replacement(migration_manifest(name, found->spec)["spec"],
                                 migration_manifest(name, spec)["spec"]);
  RETURN_IF_ERROR(merge_patch(cluster, kMigrations,
                              {
                                  "", name
  },
                              Json{{"spec", patch}}));
  return {};
}

Result<void> install(const Options& options, CommandContext& context) {
  ASSIGN_OR_RETURN(const Prerequisites done,
                   ensure_prerequisites(context.cluster, context.clock, options.ns));
  std::ostream& err = context.terminal.err;
  if (context.terminal.quiet) return {};
  if (done.created_namespace) err << "created Namespace/" << options.ns << "\n";
  if (done.created_crd) err << "created the GatewayAPIMigration CRD\n";
  if (done.crd_differs) {
    err << "warning: the GatewayAPIMigration CRD in the cluster is not of this version of "
           "gatelift; "
           "apply manifests/crd of this version\n";
  }
  return {};
}

/// What to do about a proposal; nullopt to carry it out.
std::optional<ExitCode> decide(const Options& options, Terminal& terminal,
                               const Proposal& proposal) {
  const Plan& plan = proposal.plan;
  if (plan.stops()) return ExitCode::Blocked;
  if (plan.is_empty()) return ExitCode::Done;
  if (!options.approve.empty()) {
    if (options.approve == plan.digest) return std::nullopt;
    terminal.err << "blocked: the approved plan " << options.approve
                 << " is not what would be done now; review the plan above and approve "
                 << plan.digest << "\n";
    return ExitCode::Blocked;
  }
  if (options.yes) return std::nullopt;
  if (asked_yes(terminal, "Carry this out?")) return std::nullopt;
  terminal.err << "Nothing was written.\n";
  return ExitCode::Failed;
}

}  // namespace

Result<ExitCode> run_migrate(const Options& options, CommandContext& context,
                             const EngineFactory& make_engine) {
  if (options.dry_run) return run_plan(options, context);
  Terminal& terminal = context.terminal;
  if (!options.yes && options.approve.empty() && !terminal.in_is_terminal) {
    terminal.err
        << "error: standard input is no terminal to ask on: pass --yes, or --approve DIGEST\n";
    return ExitCode::Usage;
  }
  if (!options.name.empty()) {
    ASSIGN_OR_RETURN(const auto existing, find_migration(context.cluster, options.name));
    if (existing && is_under_way(*existing)) {
      if (options.file.empty() && existing->spec.target != options.spec.target) {
        return name_is_taken(*existing);
      }
      terminal.err << "continuing " << existing->name << " (phase "
                   << to_string(existing->record.phase) << ")\n";
      if (!options.file.empty())
        RETURN_IF_ERROR(propose(options, context));  // for the bundle in it
      return run_foreground(options, context, make_engine, existing->name,
                            existing->record.operation);
    }
  }
  ASSIGN_OR_RETURN(Proposal proposal, propose(options, context));
  print_plan(options, terminal, proposal);
  if (const auto decided = decide(options, terminal, proposal)) {
    if (options.output != Output::Text)
      print_data(terminal, options.output, plan_json(proposal.plan));
    return *decided;
  }
  ASSIGN_OR_RETURN(const auto existing, find_migration(context.cluster, proposal.name));
  if (existing && is_over(*existing)) {
    ASSIGN_OR_RETURN(proposal.name, free_name(context.cluster, proposal.name));
  } else if (existing && existing->spec.target != proposal.spec.target) {
    return name_is_taken(*existing);
  }
  RETURN_IF_ERROR(install(options, context));
  RETURN_IF_ERROR(write_resource(context.cluster, proposal.name, spec_to_write(options, proposal)));
  return run_foreground(options, context, make_engine, proposal.name, Operation::Upgrade);
}

}  // namespace gatelift
