// SPDX-License-Identifier: Apache-2.0
// status: what `kubectl get gwm` shows, and for one migration everything that its record and its
// report hold.
#include <ostream>

#include "controller/commands.h"
#include "controller/plan_printer.h"
#include "reconcilers/migration_json.h"
#include "reconcilers/report/report_store.h"
#include "reconcilers/report/wording.h"

namespace gatelift {
namespace {

constexpr std::chrono::milliseconds kWatchTick{1000};
constexpr std::chrono::milliseconds kRelistDelay{1000};
const std::vector<std::string> kHeader{"NAME",     "PHASE",    "FROM",  "TO",
                                       "STRATEGY", "PROGRESS", "READY", "AGE"};

std::string or_none(std::string text) { return text.empty() ? "<none>" : text; }

std::string condition_status(const Json& object, std::string_view type) {
  for (const Json& condition : array_at(object, "status", "conditions")) {
    if (string_at(condition, "type") == type) return string_at(condition, "status");
  }
  return {};
}

/// Read field by field, so that a resource that this version cannot parse is shown too.
std::vector<std::string> row_of(const Json& object, Time now) {
  std::vector<std::string> row = {key_of(object).name,
                                  string_at(object, "status", "phase"),
                                  string_at(object, "status", "from", "version"),
                                  string_at(object, "status", "to", "version"),
                                  string_at(object, "spec", "strategy"),
                                  string_at(object, "status", "progress"),
                                  condition_status(object, "Ready")};
  if (row[3].empty()) row[3] = string_at(object, "spec", "target", "version");
  for (std::string& cell : row) cell = printable(cell);
  row.push_back(age_text(creation_timestamp_of(object), now));
  return row;
}

Json without_managed_fields(Json object) {
  if (object.contains("metadata")) object["metadata"].erase("managedFields");
  return object;
}

struct Listed {
  std::vector<Json> objects;
  std::string resource_version;
};

Result<Listed> list(Cluster& cluster, const std::string& name) {
  Listed listed;
  Request request;
  request.resource = kMigrations;
  if (!name.empty()) request.field_selector = "metadata.name=" + name;
  auto version = for_each_object(cluster, request, [&listed](Json&& object) -> Result<void> {
    listed.objects.push_back(std::move(object));
    return {};
  });
  if (!version && version.error().is(ErrorKind::NotFound)) return listed;  // no CRD: no migrations
  if (!version) return fail(std::move(version).error());
  listed.resource_version = *version;
  return listed;
}

void print_conditions(std::ostream& out, const Record& record) {
  std::vector<std::vector<std::string>> rows;
  for (const Condition& condition : record.conditions) {
    rows.push_back({"  " + condition.type, condition.status, printable(condition.reason),
                    printable(condition.message)});
  }
  if (!rows.empty()) out << "\n" << table({"  CONDITION", "STATUS", "REASON", "MESSAGE"}, rows);
}

void print_crds(std::ostream& out, const Record& record) {
  std::vector<std::vector<std::string>> rows;
  for (const CrdProgress& crd : record.crds) {
    const Counts& counts = crd.objects;
    rows.push_back({"  " + printable(crd.name), std::string(to_string(crd.action)),
                    or_none(printable(crd.step)), std::to_string(counts.found),
                    std::to_string(counts.done), std::to_string(counts.unchanged),
                    std::to_string(counts.skipped), std::to_string(counts.failed)});
  }
  if (rows.empty()) return;
  out << "\n"
      << table({"  CRD", "ACTION", "STEP", "FOUND", "DONE", "UNCHANGED", "SKIPPED", "FAILED"},
               rows);
}

void print_checks(std::ostream& out, const Record& record) {
  if (!record.plan || record.plan->checks.empty()) return;
  out << "\nChecks: " << checks_summary(record.plan->checks) << "\n";
  std::vector<std::vector<std::string>> rows;
  for (const Check& check : record.plan->checks) {
    rows.push_back({"  " + std::string(to_string(check.severity)), printable(check.code),
                    or_none(printable(check.object)), or_none(printable(check.field)),
                    printable(check.message) +
                        (check.next.empty() ? "" : "; next: " + printable(check.next))});
  }
  out << table({"  SEVERITY", "CHECK", "OBJECT", "FIELD", "MESSAGE"}, rows);
}

void print_failures(std::ostream& out, const Record& record) {
  if (record.failures.empty()) return;
  std::vector<std::vector<std::string>> rows;
  for (const Failure& failure : record.failures) {
    rows.push_back(
        {"  " + printable(failure.object), printable(failure.reason), printable(failure.message)});
  }
  out << "\n" << table({"  FAILED", "REASON", "MESSAGE"}, rows);
}

void print_head(std::ostream& out, const Migration& migration, Time now) {
  const Record& record = migration.record;
  out << "Name:      " << migration.name << "  (" << age_text(migration.created_at, now) << ")\n"
      << "Target:    " << migration.spec.target.display() << "\n"
      << "Phase:     " << to_string(record.phase)
      << (record.operation == Operation::Rollback ? " (rollback)" : "") << "\n";
  if (!record.rolled_back_because.empty()) {
    out << "Because:   " << printable(record.rolled_back_because) << "\n";
  }
  if (record.plan) {
    out << "Plan:      " << record.plan->from.display() << " -> " << record.plan->to.display()
        << "  " << record.plan->digest << "\n";
  }
  if (record.rehearsal) {
    out << "Rehearsal: " << rehearsal_text(*record.rehearsal) << "\n";
  }
  if (!record.backup.ref.empty()) {
    out << "Backup:    " << record.backup.ref << "  (" << record.backup.objects << " objects"
        << (record.backup.verified_at ? ", verified " + format_time(*record.backup.verified_at)
                                      : "")
        << ")\n";
  }
  if (record.unavailable_measured) {
    out << "Absent:    " << duration_text(*record.unavailable_measured);
    if (record.plan)
      out << "  (estimated " << duration_text(record.plan->estimated_unavailable) << ")";
    out << "\n";
  } else if (record.unavailable_since) {
    out << "Absent:    since " << format_time(*record.unavailable_since) << "\n";
  }
}

void print_objects(std::ostream& out, const Report& report, const std::string& ns) {
  std::vector<std::vector<std::string>> rows;
  for (const ObjectReport& object : report.objects) {
    rows.push_back(
        {"  " + printable(object.object), printable(object.outcome), printable(object.detail)});
  }
  out << "\nReport: ConfigMap " << ns << "/" << report_name(report.migration) << "\n";
  if (!rows.empty()) out << table({"  OBJECT", "OUTCOME", "WHY"}, rows);
  if (report.objects_omitted > 0) out << "  and " << report.objects_omitted << " more\n";
}

Result<ExitCode> print_one(const Options& options, CommandContext& context, const Json& object) {
  Terminal& terminal = context.terminal;
  if (options.output != Output::Text) {
    print_data(terminal, options.output, without_managed_fields(object));
    return ExitCode::Done;
  }
  ASSIGN_OR_RETURN(const Migration migration, parse_migration(object));
  std::ostream& out = terminal.out;
  print_head(out, migration, context.clock.now());
  print_conditions(out, migration.record);
  print_crds(out, migration.record);
  print_failures(out, migration.record);
  print_checks(out, migration.record);
  const auto report = read_report(context.cluster, options.ns, migration.name);
  if (!report) {
    terminal.err << "note: the report is left out: " << printable(report.error().message) << "\n";
  } else if (*report) {
    print_objects(out, **report, options.ns);
    out << "`" << options.program << " report " << printable(migration.name)
        << "` has before and after, also with -o html\n";
  }
  return ExitCode::Done;
}

void print_row(std::ostream& out, const std::vector<std::string>& row,
               const std::vector<std::size_t>& widths) {
  for (std::size_t i = 0; i < row.size(); ++i) {
    out << row[i];
    if (i + 1 == row.size()) break;
    const auto width = static_cast<std::size_t>(display_width(row[i]));
    out << std::string(width < widths[i] ? widths[i] - width + 3 : 3, ' ');
  }
  out << std::endl;
}

/// Rows as they change. Columns keep the widths of the first rows, as with kubectl get --watch.
class ChangePrinter {
 public:
  ChangePrinter(std::ostream& out, const std::vector<Json>& objects, Time now) : out_(out) {
    for (const std::string& title : kHeader) widths_.push_back(title.size());
    widths_[1] = widths_[2] = widths_[3] = 8;
    for (const Json& object : objects) {
      const auto row = row_of(object, now);
      for (std::size_t i = 0; i < row.size(); ++i) {
        widths_[i] = std::max(widths_[i], static_cast<std::size_t>(display_width(row[i])));
      }
    }
    print_row(out_, kHeader, widths_);
    for (const Json& object : objects) print(object, now);
  }

  void print(const Json& object, Time now) {
    std::vector<std::string> row = row_of(object, now);
    std::vector<std::string> without_age(row.begin(), row.end() - 1);
    if (last_[row.front()] == without_age) return;
    last_[row.front()] = std::move(without_age);
    print_row(out_, row, widths_);
  }

 private:
  std::ostream& out_;
  std::vector<std::size_t> widths_;
  std::map<std::string, std::vector<std::string>> last_;
};

Result<ExitCode> watch_changes(CommandContext& context, const std::string& name, Listed listed) {
  ChangePrinter printer(context.terminal.out, listed.objects, context.clock.now());
  while (true) {
    const std::string selector = name.empty() ? "" : "metadata.name=" + name;
    auto watch = context.cluster.watch({kMigrations, "", listed.resource_version, selector});
    if (!watch) return fail(std::move(watch).error());
    while (true) {
      const auto event = (*watch)->next(kWatchTick);
      if (context.stop.stop_requested()) return ExitCode::Interrupted;
      if (!event) break;  // ended, as watches do: list again
      if (!*event || (*event)->type == WatchEventType::Bookmark) continue;
      printer.print((*event)->object, context.clock.now());
    }
    RETURN_IF_ERROR(context.clock.sleep(kRelistDelay));
    ASSIGN_OR_RETURN(listed, list(context.cluster, name));
    for (const Json& object : listed.objects) printer.print(object, context.clock.now());
  }
}

void print_list(const Options& options, CommandContext& context, const Listed& listed) {
  Terminal& terminal = context.terminal;
  if (options.output != Output::Text) {
    Json items = Json::array();
    for (const Json& object : listed.objects) items.push_back(without_managed_fields(object));
    print_data(terminal, options.output,
               {
                   {"apiVersion", "v1"            },
                   {"kind",       "List"          },
                   {"items",      std::move(items)}
    });
    return;
  }
  if (listed.objects.empty()) {
    terminal.err << "No migrations found.\n";
    return;
  }
  std::vector<std::vector<std::string>> rows;
  for (const Json& object : listed.objects) rows.push_back(row_of(object, context.clock.now()));
  terminal.out << table(kHeader, rows);
}

}  // namespace

std::string age_text(const std::string& created_at, Time now) {
  const auto created = parse_time(created_at);
  if (!created) return "<unknown>";
  const auto age = std::max<std::int64_t>(
      0, std::chrono::duration_cast<std::chrono::seconds>(now - *created).count());
  constexpr std::int64_t kMinute = 60;
  constexpr std::int64_t kHour = 60 * kMinute;
  constexpr std::int64_t kDay = 24 * kHour;
  if (age < 2 * kMinute) return std::to_string(age) + "s";
  if (age < 2 * kHour) return std::to_string(age / kMinute) + "m";
  if (age < 2 * kDay) return std::to_string(age / kHour) + "h";
  return std::to_string(age / kDay) + "d";
}

Result<ExitCode> run_status(const Options& options, CommandContext& context) {
  const std::string name = options.arguments.empty() ? "" : options.arguments.front();
  ASSIGN_OR_RETURN(Listed listed, list(context.cluster, name));
  if (!name.empty() && listed.objects.empty()) {
    return fail(ErrorKind::NotFound, "there is no GatewayAPIMigration named " + name + "; `" +
                                         options.program + " status` lists them");
  }
  if (options.watch && !listed.resource_version.empty()) {
    return watch_changes(context, name, std::move(listed));
  }
  if (!name.empty()) return print_one(options, context, listed.objects.front());
  print_list(options, context, listed);
  return ExitCode::Done;
}

}  // namespace gatelift
