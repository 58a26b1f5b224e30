// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/report/report.h"

#include <algorithm>
#include <iterator>

#include "reconcilers/report/wording.h"

namespace gatelift {
namespace {

bool is_as_intended(const ObjectReport& object) {
  return object.outcome != "missing" && object.outcome != "differs" && object.outcome != "skipped";
}

template <typename T>
int cut_to(std::vector<T>& list, std::size_t most) {
  if (list.size() <= most) return 0;
  const auto omitted = static_cast<int>(list.size() - most);
  list.erase(list.begin() + static_cast<std::ptrdiff_t>(most), list.end());
  return omitted;
}

std::string backup_text(const BackupRecord& backup) {
  return "Backup " + backup.ref + " (" + std::to_string(backup.objects) +
         (backup.objects == 1 ? " object" : " objects") + ") was read back and compared";
}

/// What happened in a phase, in order.
std::vector<TimelineEntry> events_in(const Record& record, Phase phase) {
  std::vector<TimelineEntry> events;
  const auto rehearsed_at =
      record.rehearsal ? record.rehearsal->rehearsed_at : std::optional<Time>();
  if (phase == Phase::Rehearse && rehearsed_at) {
    events.push_back({*rehearsed_at, "Rehearsed: " + rehearsal_text(*record.rehearsal)});
  }
  if (phase == Phase::BackUp && record.backup.verified_at) {
    events.push_back({*record.backup.verified_at, backup_text(record.backup)});
  }
  if (phase != Phase::Migrate || !record.unavailable_since) return events;
  const Time gone = *record.unavailable_since;
  events.push_back({gone, "The first object was deleted"});
  if (const auto measured = record.unavailable_measured) {
    events.push_back(
        {gone + *measured, "Every object was there again, after " + duration_text(*measured)});
  }
  return events;
}

/// True where no later entry, of a rollback, is of the same phase.
bool is_last_of_its_phase(const Record& record, const PhaseEntry& entry) {
  const auto later = [&entry](const PhaseEntry& other) { return other.phase == entry.phase; };
  return &*std::ranges::find_if(record.timeline.rbegin(), record.timeline.rend(), later) == &entry;
}

}  // namespace

void note_phase(Record& record, Phase phase, Time now) {
  std::vector<PhaseEntry>& timeline = record.timeline;
  const Operation operation = record.operation;
  const bool is_noted =
      !timeline.empty() && timeline.back().operation == operation && timeline.back().phase == phase;
  if (is_noted) return;
  std::erase_if(timeline, [&](const PhaseEntry& entry) {
    return entry.operation == operation && entry.phase >= phase;
  });
  timeline.push_back({operation, phase, now});
}

std::vector<TimelineEntry> timeline_of(const Record& record) {
  std::vector<TimelineEntry> entries;
  for (const PhaseEntry& entry : record.timeline) {
    const char* rollback = entry.operation == Operation::Rollback ? "Rollback, phase " : "Phase ";
    entries.push_back({entry.at, rollback + std::string(to_string(entry.phase))});
    if (!is_last_of_its_phase(record, entry)) continue;
    for (TimelineEntry& event : events_in(record, entry.phase)) entries.push_back(std::move(event));
  }
  return entries;
}

std::string headline_of(const Report& report) {
  if (!report.record.plan) return report.reason;
  const Plan& plan = *report.record.plan;
  if (plan.stops()) {
    std::vector<Check> stopping;
    std::ranges::copy_if(plan.checks, std::back_inserter(stopping), &Check::stops);
    return "Blocked: " + checks_summary(stopping);
  }
  if (!report.reason.empty()) return report.reason;
  return plan.is_empty() ? "Nothing to do" : "Can run";
}

std::vector<PlannedAction> actions_on_others(const Report& report) {
  std::vector<PlannedAction> others;
  if (!report.record.plan) return others;
  const std::vector<ReportedCrd>& crds = report.details.crds;
  std::ranges::copy_if(
      report.record.plan->actions, std::back_inserter(others), [&](const PlannedAction& action) {
        return std::ranges::find(crds, action.crd, &ReportedCrd::crd) == crds.end();
      });
  return others;
}

std::string all_diffs_command(const Report& report) {
  if (!report.record.plan) return "";
  // Without a backup the report has what the ConfigMap had room for.
  if (!report.record.backup.ref.empty()) return "gatelift report " + report.migration + " -o json";
  return "gatelift plan --to " + report.record.plan->to.display() + " -o json";
}

std::string versions_text(const std::vector<CrdVersion>& versions) {
  std::string text;
  for (const CrdVersion& version : versions) {
    if (!text.empty()) text += ", ";
    text += version.name;
    if (version.storage && !version.served) {
      text += " (storage, not served)";
    } else if (version.storage) {
      text += " (storage)";
    } else if (!version.served) {
      text += " (not served)";
    }
  }
  return text;
}

Report bounded(Report report, const ReportBounds& bounds) {
  std::ranges::stable_partition(report.objects,
                                [](const ObjectReport& each) { return !is_as_intended(each); });
  report.objects_omitted += cut_to(report.objects, bounds.objects);
  report.failures_omitted += cut_to(report.record.failures, bounds.failures);
  report.details.diffs_omitted += cut_to(report.details.diffs, bounds.diffs);
  if (report.record.plan) {
    report.record.plan->checks_omitted += cut_to(report.record.plan->checks, bounds.checks);
  }
  return report;
}

}  // namespace gatelift
