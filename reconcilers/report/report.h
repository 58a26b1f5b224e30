// SPDX-License-Identifier: Apache-2.0
// What a migration would do, does, or has done, in one value: what people keep, send round and
// approve. Printed as text, JSON and HTML; kept in the ConfigMap `<name>-report` of our namespace.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "reconcilers/migration.h"
#include "reconcilers/report/object_diff.h"
#include "reconcilers/steps/verify.h"

namespace gatelift {

/// A CRD at one time.
struct CrdState {
  std::string bundle;  // "v1.0.0/experimental", "v1.0.0/experimental, modified", "unknown"
  std::vector<CrdVersion> versions;
  std::vector<std::string> stored_versions;
  std::string digest;

  bool operator==(const CrdState&) const = default;
};

struct ReportedCrd {
  std::string crd;
  std::string kind;
  std::optional<CrdState> before;  // nullopt: not there
  std::optional<CrdState> after;   // nullopt: not there
};

/// What is said of a plan besides the plan.
struct PlanDetails {
  std::vector<ReportedCrd> crds;  // by name
  std::vector<ObjectDiff> diffs;  // of objects that change otherwise than in their apiVersion
  int diffs_omitted = 0;
};

struct Report {
  std::string migration;  // "" for a plan that belongs to none
  std::string uid;        // the migration's
  Time made_at;
  std::string
      reason;  // of the Ready condition: "Blocked", "Planned", "Done", …; "" for a plan alone
  std::string message;
  bool needs_person = false;
  Record record;  // with all checks and failures, unlike the resource's status
  PlanDetails details;
  bool after_is_found = false;  // details.crds[].after is what was found and not what is planned
  std::vector<ObjectReport>
      objects;  // once they are verified; those that are not as intended first
  int objects_omitted = 0;
  int failures_omitted = 0;  // of record.failures
};

/// One moment of a run, for people.
struct TimelineEntry {
  Time at;
  std::string what;
};

/// Records that a phase begins; the later ones of the same operation are then ahead again.
void note_phase(Record& record, Phase phase, Time now);

/// Phases and what happened in them, in order. Of some only the second is known.
std::vector<TimelineEntry> timeline_of(const Record& record);

/// "Done", "Blocked: 2 blockers, 1 consent needed": how it stands, in a few words.
std::string headline_of(const Report& report);

/// Actions on what is in no `details.crds`, for instance on admission policies.
std::vector<PlannedAction> actions_on_others(const Report& report);

/// The command that shows the diffs that a report leaves out; "" without a plan, which has none.
std::string all_diffs_command(const Report& report);

/// "v1 (storage), v1beta1, v1alpha2 (not served)".
std::string versions_text(const std::vector<CrdVersion>& versions);

/// A report with at most so many of each list; what is left out is counted.
struct ReportBounds {
  std::size_t objects = 20'000;
  std::size_t checks = 5'000;
  std::size_t failures = 5'000;
  std::size_t diffs = 100;
};
Report bounded(Report report, const ReportBounds& bounds);

}  // namespace gatelift
