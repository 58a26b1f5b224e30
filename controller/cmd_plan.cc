// SPDX-License-Identifier: Apache-2.0
// plan: what migrate would do. Planning sends nothing but reads, access reviews and dry runs.
#include <ostream>

#include "client/yaml.h"
#include "controller/commands.h"
#include "controller/plan_printer.h"
#include "reconcilers/duration.h"
#include "reconcilers/migration_json.h"
#include "reconcilers/plan/plan.h"
#include "reconcilers/report/plan_details.h"
#include "reconcilers/report/report_json.h"

namespace gatelift {
namespace {

constexpr int kWidest = 110;
constexpr int kIndent = 2;

/// ConfigMaps only add bundles: a reader without access to them still has the directories.
Result<void> read_config_maps(const Options& options, CommandContext& context) {
  const auto read = context.sources.read_config_maps(context.cluster, options.ns);
  if (read) return {};
  const bool may_go_on =
      read.error().is(ErrorKind::Forbidden) || read.error().is(ErrorKind::NotFound);
  if (!may_go_on) return fail(read.error());
  if (!context.terminal.quiet) {
    context.terminal.err << "note: bundles in ConfigMaps are left out: " << read.error().message
                         << "\n";
  }
  return {};
}

Result<BundleRef> add_file(const Options& options, BundleSources& sources) {
  ASSIGN_OR_RETURN(Bundle bundle, bundle_from_file(options.file));
  const BundleRef ref = bundle.ref;
  const BundleRef& asked = options.spec.target;
  if (!asked.version.empty() && asked != ref) {
    return fail(ErrorKind::Invalid,
                options.file.string() + " holds " + ref.display() + " and not " + asked.display());
  }
  sources.add(std::move(bundle));
  return ref;
}

/// How to carry a plan out: the command as the user called it, with migrate.
std::string migrate_command(const Options& options, const Proposal& proposal) {
  std::string command = options.program + " migrate";
  command += options.file.empty() ? " --to " + proposal.spec.target.display()
                                  : " --file " + options.file.string();
  const MigrationSpec usual;
  const MigrationSpec& spec = proposal.spec;
  if (spec.strategy != usual.strategy) {
    command += " --strategy " + std::string(to_string(spec.strategy));
  }
  if (spec.hold != usual.hold) command += " --hold " + std::string(to_string(spec.hold));
  if (spec.unused_for != usual.unused_for) {
    command += " --unused-for " + format_duration(spec.unused_for);
  }
  return command;
}

/// True where the plan is printed with what becomes of each object.
bool is_document(const Options& options) {
  return options.command == Command::Plan && options.output != Output::Text;
}

Report report_of(const Proposal& proposal, Time now) {
  Report report;
  report.made_at = now;
  report.record.plan = proposal.plan;
  report.details = proposal.details;
  report.needs_person = proposal.plan.stops();
  return report;
}

/// What plan_json has, and the CRDs and objects before and after.
Json document_json(const Proposal& proposal, const Report& report) {
  Json json = plan_json(proposal.plan);
  Json whole = report_json(report);
  for (const char* part : {"crds", "diffs"}) json[part] = std::move(whole[part]);
  return json;
}

}  // namespace

Result<Proposal> propose(const Options& options, CommandContext& context) {
  RETURN_IF_ERROR(read_config_maps(options, context));
  Proposal proposal;
  proposal.spec = options.spec;
  if (!options.file.empty()) {
    ASSIGN_OR_RETURN(proposal.spec.target, add_file(options, context.sources));
  }
  ASSIGN_OR_RETURN(const Bundle bundle, context.sources.load(proposal.spec.target));
  proposal.name =
      options.name.empty() ? default_migration_name(proposal.spec.target) : options.name;
  InstalledReader reader(context.cluster);
  ASSIGN_OR_RETURN(const Installed installed, reader.read());
  DiffCollector diffs(most_diffs(options.output));
  const PlanInputs inputs{.spec = proposal.spec,
                          .target = bundle,
                          .installed = installed,
                          .sources = context.sources,
                          .ns = options.ns,
                          .intention_sink = is_document(options) ? diffs.sink() : nullptr};
  ASSIGN_OR_RETURN(proposal.plan, make_plan(context.cluster, inputs));
  proposal.details.crds = crds_before_and_after(installed, bundle, proposal.plan);
  std::move(diffs).move_to(proposal.details);
  return proposal;
}

void print_data(Terminal& terminal, Output output, const Json& json) {
  switch (output) {
    case Output::Text:
    case Output::Html:
      return;
    case Output::JsonText:
      terminal.out << json.dump(kIndent, ' ', false, Json::error_handler_t::replace) << "\n";
      return;
    case Output::YamlText:
      terminal.out << print_yaml(json);
      return;
  }
}

void print_plan(const Options& options, Terminal& terminal, const Proposal& proposal) {
  const bool is_migrate = options.command == Command::Migrate && !options.dry_run;
  const bool as_data = options.output != Output::Text;
  if (as_data && !is_migrate) return print_data(terminal, options.output, plan_json(proposal.plan));
  // migrate's result comes later; its stdout holds that alone where a program reads it.
  std::ostream& out = as_data ? terminal.err : terminal.out;
  const bool colored =
      terminal.color && (as_data ? terminal.err_is_terminal : terminal.out_is_terminal);
  const Plan& plan = proposal.plan;
  out << plan_text(plan, {.colored = colored, .columns = std::min(terminal.columns, kWidest)})
      << "\n";
  if (plan.stops()) {
    out << "Blocked: " << checks_summary(plan.checks) << ". Nothing was written.\n";
    if (const std::string flags = consent_flags(plan); !flags.empty()) {
      out << "To accept:" << flags << "\n";
    }
  } else if (plan.is_empty()) {
    out << "Nothing to do: the cluster is at " << plan.to.display() << ".\n";
  } else if (!is_migrate) {
    out << "Nothing was written. To carry this out:\n  " << migrate_command(options, proposal)
        << "\n";
  }
  out << std::flush;
}

Result<ExitCode> run_plan(const Options& options, CommandContext& context) {
  ASSIGN_OR_RETURN(const Proposal proposal, propose(options, context));
  if (is_document(options)) {
    const Report report = report_of(proposal, context.clock.now());
    if (options.output == Output::Html) {
      RETURN_IF_ERROR(print_report(context.terminal, options.output, report));
    } else {
      print_data(context.terminal, options.output, document_json(proposal, report));
    }
  } else {
    print_plan(options, context.terminal, proposal);
  }
  return proposal.plan.stops() ? ExitCode::Blocked : ExitCode::Done;
}

}  // namespace gatelift
