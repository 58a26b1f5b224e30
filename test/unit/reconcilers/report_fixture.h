// SPDX-License-Identifier: Apache-2.0
// A report of a run that came to its end, and parts of others.
#pragma once

#include <string>

#include "reconcilers/report/report.h"

namespace gatelift {

inline const std::string kHostile = "<script>alert(\"1\")</script>&'";

inline Time report_time() { return parse_time("2026-01-02T03:04:05.250Z").value(); }

/// As status has most times: to the second.
inline Time report_second() { return parse_time("2026-01-02T03:04:05Z").value(); }

inline Plan reported_plan() {
  Plan plan;
  plan.digest = "sha256:0123456789abcdef";
  plan.from = {"v1.0.0", "experimental"};
  plan.to = {"v1.1.1", "experimental"};
  PlannedAction action;
  action.kind = ActionKind::Convert;
  action.crd = "backendtlspolicies.gateway.networking.k8s.io";
  action.object_kind = "BackendTLSPolicy";
  action.reason = "its objects change their shape";
  action.objects = 3;
  plan.actions = {action};
  plan.objects = 3;
  plan.estimated_writes = 12;
  plan.estimated_unavailable = std::chrono::milliseconds(300);
  plan.checks = {
      {"PlaintextWhileAbsent", Severity::Warning, "CustomResourceDefinition/x", "", "absent",
       "wait"}
  };
  StrategyEstimate recreate{.strategy = Strategy::Recreate, .chosen = true};
  recreate.unavailable = plan.estimated_unavailable;
  recreate.writes = plan.estimated_writes;
  recreate.risks = {"plaintext", "other uids"};
  StrategyEstimate in_place{.strategy = Strategy::InPlace};
  in_place.obstacles = {"spec.port: string before, integer after"};
  plan.strategies = {recreate, in_place};
  return plan;
}

inline Report finished_report() {
  Report report;
  report.migration = "to-v1-1";
  report.uid = "uid-1";
  report.made_at = report_time();
  report.reason = "Done";
  report.message = "converted 3 objects of 1 kind";
  report.after_is_found = true;
  Record& record = report.record;
  record.plan = reported_plan();
  record.phase = Phase::Done;
  record.crds = {
      {"backendtlspolicies.gateway.networking.k8s.io",
       ActionKind::Convert,
       "Done", {3, 2, 0, 1, 0},
       {}}
  };
  record.backup = {"to-v1-1-1a2b3c4d", 3, 1234, "sha256:55", report_second()};
  record.rehearsal = {record.plan->digest, 3, 2, 0, 2, 0, 1, report_second()};
  record.started_at = report_second();
  record.finished_at = report_second() + std::chrono::seconds(2);
  record.unavailable_since = report_time() + std::chrono::milliseconds(500);
  record.unavailable_measured = std::chrono::milliseconds(412);
  note_phase(record, Phase::Plan, report_time());
  note_phase(record, Phase::Rehearse, report_time() + std::chrono::milliseconds(100));
  note_phase(record, Phase::Migrate, report_time() + std::chrono::milliseconds(400));
  const CrdState before{
      "v1.0.0/experimental", {{"v1alpha2", true, true}}, {"v1alpha2"}, "sha256:a"};
  const CrdState after{"v1.1.1/experimental", {{"v1alpha3", true, true}}, {"v1alpha3"}, "sha256:b"};
  report.details.crds = {
      {"backendlbpolicies.gateway.networking.k8s.io",  "BackendLBPolicy",  std::nullopt, after},
      {"backendtlspolicies.gateway.networking.k8s.io", "BackendTLSPolicy", before,       after}
  };
  ObjectDiff diff = diff_texts("spec:\n  tls: {}\n", "spec:\n  validation: {}\n");
  diff.object = "BackendTLSPolicy/a/one";
  const FieldChange moved{FieldChange::Kind::Moved, "spec.tls", "spec.validation", "{}",
                          "it has another name",    false};
  const FieldChange dropped{FieldChange::Kind::Dropped, "spec.secret", "", "1", "", true};
  diff.changes = {moved, dropped};
  report.details.diffs = {diff};
  report.objects = {
      {"BackendTLSPolicy/a/one",   "converted", ""                          },
      {"BackendTLSPolicy/a/two",   "converted", ""                          },
      {"BackendTLSPolicy/a/three", "skipped",   "changed by its owner since"}
  };
  return report;
}

inline Report blocked_plan() {
  Report report;
  report.made_at = report_time();
  report.record.plan = reported_plan();
  const Check owner{"ForeignOwner", Severity::Consent,    "CustomResourceDefinition/x",
                    "metadata",     "Argo CD manages it", "upgrade it there"};
  const Check target{"NoTarget",        Severity::Blocker, "BackendTLSPolicy/a/one",
                     "spec.targetRefs", "it has none",     "give it one"};
  report.record.plan->checks = {owner, target};
  report.needs_person = true;
  return report;
}

}  // namespace gatelift
