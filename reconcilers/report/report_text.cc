// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/report/report_text.h"

#include "reconcilers/plan/findings.h"
#include "reconcilers/report/next_steps.h"
#include "reconcilers/report/strategy_table.h"
#include "reconcilers/report/wording.h"

namespace gatelift {
namespace {

constexpr int kColumns = 100;

std::string line(const std::string& text) { return "  " + text + "\n"; }

std::string indented(std::string_view lines) {
  std::string text;
  for (const std::string_view each : lines_of(lines)) text += "    " + std::string(each) + "\n";
  return text;
}

/// "title\n" and the lines; nothing where there are none.
std::string part(const std::string& title, const std::string& lines) {
  return lines.empty() ? "" : "\n" + title + "\n" + lines;
}

std::string omitted_text(int count, const std::string& where) {
  return count == 0 ? "" : line("and " + std::to_string(count) + " more; " + where);
}

std::string state_text(const std::optional<CrdState>& state) {
  if (!state) return "absent";
  std::string text = state->bundle + ", " + versions_text(state->versions);
  if (!state->stored_versions.empty()) text += ", stored " + joined(state->stored_versions);
  return text;
}

std::string head_text(const Report& report) {
  const Record& record = report.record;
  std::string text = report.migration.empty()
                         ? "Plan"
                         : std::string(to_string(record.operation)) + " " + report.migration;
  if (record.plan) {
    text += ": " + record.plan->from.display() + " to " + record.plan->to.display() + "\n" +
            "plan " + record.plan->digest;
  }
  text += "\nstate " + headline_of(report) + "\n";
  if (!report.message.empty()) text += "  " + report.message + "\n";
  if (!record.rolled_back_because.empty()) {
    text += "rolled back because " + record.rolled_back_because + "\n";
  }
  if (record.rehearsal) text += "rehearsal " + rehearsal_text(*record.rehearsal) + "\n";
  if (!record.backup.ref.empty()) {
    text += "backup " + record.backup.ref + ", " + std::to_string(record.backup.objects) +
            " objects, " + record.backup.digest + "\n";
  }
  if (const auto& policy = record.suspended_policy) {
    text += "admission policy " + policy->name + " is taken away for the run\n";
  }
  if (record.unavailable_since && record.unavailable_measured) {
    text += "absent for " + duration_text(*record.unavailable_measured) + "\n";
  }
  return text;
}

std::string crds_text(const Report& report) {
  std::string text;
  for (const ReportedCrd& crd : report.details.crds) {
    const PlannedAction* action =
        report.record.plan ? report.record.plan->action(crd.crd) : nullptr;
    text += line((action == nullptr ? "Unchanged" : std::string(to_string(action->kind))) + " " +
                 crd.crd + (action == nullptr ? "" : ": " + action->reason));
    if (action == nullptr) continue;
    text += line("  before  " + state_text(crd.before));
    text += line("  after   " + state_text(crd.after));
  }
  for (const PlannedAction& action : actions_on_others(report)) {
    text += line(std::string(to_string(action.kind)) + " " + action.crd + ": " + action.reason);
  }
  return text;
}

std::string counts_text(const Record& record) {
  std::string text;
  for (const CrdProgress& crd : record.crds) {
    const Counts& counts = crd.objects;
    if (counts.found == 0) continue;
    text += line(crd.name + " " + crd.step + ": found " + std::to_string(counts.found) + ", done " +
                 std::to_string(counts.done) + ", unchanged " + std::to_string(counts.unchanged) +
                 ", skipped " + std::to_string(counts.skipped) + ", failed " +
                 std::to_string(counts.failed));
  }
  return text;
}

std::string objects_text(const Report& report) {
  std::string text;
  for (const ObjectReport& object : report.objects) {
    text += line(object.object + " " + object.outcome +
                 (object.detail.empty() ? "" : ": " + object.detail));
  }
  return text + omitted_text(report.objects_omitted,
                             "gatelift backup show " + report.record.backup.ref + " lists them");
}

std::string failures_text(const Report& report) {
  std::string text;
  for (const Failure& failure : report.record.failures) {
    text += line(failure.object + " " + failure.reason + ": " + failure.message);
  }
  return text + omitted_text(report.failures_omitted, kNoRoom);
}

std::string change_text(const FieldChange& change) {
  std::string text = std::string(to_string(change.kind)) + " " + change.field;
  if (!change.to.empty()) text += " to " + change.to;
  if (!change.value.empty()) text += ": " + change.value;
  if (!change.because.empty()) text += " (" + change.because + ")";
  return text;
}

std::string diffs_text(const Report& report) {
  std::string text;
  for (const ObjectDiff& diff : report.details.diffs) {
    text += line(diff.object);
    for (const FieldChange& change : diff.changes) text += line("  " + change_text(change));
    text += indented(diff.text);
  }
  return text + omitted_text(report.details.diffs_omitted, all_diffs_command(report));
}

std::string checks_text(const Plan& plan) {
  std::string text;
  for (const Check& check : plan.checks) {
    std::string head = std::string(to_string(check.severity)) + " " + check.code;
    for (const std::string* part : {&check.object, &check.field}) {
      if (!part->empty()) head += " " + *part;
    }
    if (check.accepted) {
      head +=
          check.accepted_by.empty() ? " (accepted)" : " (accepted by " + check.accepted_by + ")";
    }
    text += line(head + ": " + check.message);
    if (!check.next.empty()) text += line("  next: " + check.next);
  }
  return text + omitted_text(plan.checks_omitted, "gatelift plan -o json lists them");
}

std::string steps_text(const Report& report) {
  std::string text;
  for (const NextStep& step : next_steps(report)) {
    text += line(step.text) + indented(step.command);
  }
  return text;
}

std::string timeline_text(const Record& record) {
  std::string text;
  for (const TimelineEntry& entry : timeline_of(record)) {
    text += line(precise_time(entry.at) + "  " + entry.what);
  }
  return text;
}

}  // namespace

std::string report_text(const Report& report) {
  const Record& record = report.record;
  std::string text = head_text(report);
  text += part("What to do", steps_text(report));
  text += part(report.after_is_found ? "CRDs, before and after" : "CRDs, before and as planned",
               crds_text(report));
  if (record.plan) {
    text += part("Strategies", strategy_table(strategy_titles(*record.plan),
                                              strategy_rows(*record.plan), kColumns));
  }
  text += part("Counts", counts_text(record));
  text += part("Objects", objects_text(report));
  text += part("Failures", failures_text(report));
  if (record.plan) text += part("Checks", checks_text(*record.plan));
  text += part("Changes", diffs_text(report));
  text += part("Timeline", timeline_text(record));
  return text;
}

}  // namespace gatelift
