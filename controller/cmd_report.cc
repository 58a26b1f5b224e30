// SPDX-License-Identifier: Apache-2.0
// report: a migration as something to keep, to send round or to approve, in one text, JSON, YAML or
// page. And a plan as a page.
#include <limits>
#include <ostream>

#include "client/yaml.h"
#include "controller/commands.h"
#include "reconcilers/migration_json.h"
#include "reconcilers/report/backup_diffs.h"
#include "reconcilers/report/report_html.h"
#include "reconcilers/report/report_json.h"
#include "reconcilers/report/report_store.h"
#include "reconcilers/report/report_text.h"
#include "reconcilers/report/write_report.h"

namespace gatelift {
namespace {

std::string list_hint(const Options& options) {
  return "; `" + options.program + " status` lists them";
}

/// The migration that was named, or the only one there is.
Result<std::string> chosen_name(const Options& options, Cluster& cluster) {
  if (!options.arguments.empty()) return options.arguments.front();
  std::vector<std::string> names;
  Request list;
  list.resource = kMigrations;
  const auto listed = for_each_object(cluster, list, [&names](Json&& object) -> Result<void> {
    names.push_back(key_of(object).name);
    return {};
  });
  if (!listed && !listed.error().is(ErrorKind::NotFound)) return fail(listed.error());
  if (names.empty()) return fail(ErrorKind::NotFound, "there is no migration to report on");
  if (names.size() == 1) return names.front();
  return fail(ErrorKind::Invalid,
              "there is more than one migration; name one" + list_hint(options));
}

Report report_of(Migration migration, Time now) {
  Report report;
  report.migration = std::move(migration.name);
  report.uid = std::move(migration.uid);
  report.made_at = now;
  report.record = std::move(migration.record);
  if (const Condition* ready = report.record.condition("Ready")) {
    report.reason = ready->reason;
    report.message = ready->message;
  }
  const Condition* stalled = report.record.condition("Stalled");
  report.needs_person = stalled != nullptr && stalled->status == "True";
  return report;
}

/// From the resource and from what was written of it; of a migration that is deleted the latter.
Result<Report> load_report(const Options& options, CommandContext& context,
                           const std::string& name) {
  ASSIGN_OR_RETURN(const auto object, get_if_exists(context.cluster, kMigrations, {"", name}));
  auto written = read_report(context.cluster, options.ns, name);
  if (!object) {
    if (!written) return fail(std::move(written).error());
    if (*written) return **std::move(written);
    return fail(ErrorKind::NotFound,
                "there is no GatewayAPIMigration named " + name + list_hint(options));
  }
  ASSIGN_OR_RETURN(Migration migration, parse_migration(*object));
  Report report = report_of(std::move(migration), context.clock.now());
  if (!written) {
    context.terminal.err << "note: what was written of it is left out: "
                         << printable(written.error().message) << "\n";
  } else if (*written) {
    take_over(**written, report);
  }
  return report;
}

/// The backup has every object, the ConfigMap the first hundred.
Result<void> read_diffs(const Options& options, CommandContext& context, Report& report) {
  const Record& record = report.record;
  if (record.backup.ref.empty() || !record.plan) return {};
  BackupStore store(context.cluster, context.clock, options.ns);
  ASSIGN_OR_RETURN(const auto backup, store.open(record.backup.ref));
  if (!backup) return fail(ErrorKind::NotFound, "there is no backup " + record.backup.ref);
  std::optional<Bundle> target;
  if (record.operation == Operation::Upgrade) {
    if (auto loaded = context.sources.load(record.plan->to)) target = *std::move(loaded);
  }
  DiffCollector diffs(most_diffs(options.output));
  RETURN_IF_ERROR(add_backup_diffs(*backup, *record.plan, target ? &*target : nullptr, diffs));
  std::move(diffs).move_to(report.details);
  return {};
}

/// Line by line, since the text is of the cluster's and is to keep its lines.
void print_lines(std::ostream& out, const std::string& text) {
  std::string line;
  for (const char c : text) {
    if (c != '\n') {
      line += c;
      continue;
    }
    out << printable(line) << "\n";
    line.clear();
  }
}

}  // namespace

std::size_t most_diffs(Output output) {
  switch (output) {
    case Output::Text:
      return ReportBounds{}.diffs;
    case Output::Html:
      return PageBounds{}.diffs;
    case Output::JsonText:
    case Output::YamlText:
      break;
  }
  return std::numeric_limits<std::size_t>::max();
}

Result<void> print_report(Terminal& terminal, Output output, const Report& report) {
  switch (output) {
    case Output::Text:
      print_lines(terminal.out, report_text(report));
      break;
    case Output::Html: {
      ASSIGN_OR_RETURN(const std::string page, report_html(report));
      terminal.out << page;
      break;
    }
    case Output::JsonText:
    case Output::YamlText:
      print_data(terminal, output, report_json(report));
      break;
  }
  terminal.out << std::flush;
  return {};
}

Result<ExitCode> run_report(const Options& options, CommandContext& context) {
  ASSIGN_OR_RETURN(const std::string name, chosen_name(options, context.cluster));
  ASSIGN_OR_RETURN(Report report, load_report(options, context, name));
  // ConfigMaps only add bundles, and the target only adds to what the backup says.
  if (!report.record.backup.ref.empty()) {
    (void)context.sources.read_config_maps(context.cluster, options.ns);
  }
  if (const auto read = read_diffs(options, context, report); !read) {
    context.terminal.err << "note: objects before and after are "
                         << (report.details.diffs.empty() ? "left out: " : "of the plan: ")
                         << printable(read.error().message) << "\n";
  }
  RETURN_IF_ERROR(print_report(context.terminal, options.output, report));
  return report.needs_person ? ExitCode::Blocked : ExitCode::Done;
}

}  // namespace gatelift
