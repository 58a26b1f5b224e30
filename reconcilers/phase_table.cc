// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/phase_table.h"

#include <algorithm>
#include <map>
#include <span>
#include <utility>

#include "reconcilers/carrying.h"
#include "reconcilers/conditions.h"
#include "reconcilers/migration_json.h"
#include "reconcilers/plan/actions.h"
#include "reconcilers/plan/rehearsal_checks.h"
#include "reconcilers/report/plan_details.h"
#include "reconcilers/report/write_report.h"
#include "reconcilers/rollback.h"
#include "reconcilers/steps/admission_policy.h"
#include "reconcilers/steps/admission_steps.h"
#include "reconcilers/steps/back_up.h"
#include "reconcilers/steps/in_place.h"
#include "reconcilers/steps/policy_restoration.h"
#include "reconcilers/steps/recreate.h"
#include "reconcilers/steps/rehearse.h"
#include "reconcilers/steps/rename.h"
#include "reconcilers/steps/update_crds.h"
#include "reconcilers/steps/verify.h"

namespace gatelift {
namespace {

constexpr std::chrono::seconds kLookAgain{10};
// What admission denied, and what no digest tells of, may be accepted after a while.
constexpr std::chrono::minutes kRehearseAgain{2};
// A cluster in which routes come and go all the time is not to be busy with rehearsals.
constexpr std::chrono::milliseconds kRehearsalPausePerObject{40};

bool is_under_way(const Record& record) { return record.started_at.has_value(); }

bool is_update(ActionKind kind) { return writes_target_crd(kind) && !is_conversion(kind); }

/// Proven by the record (the step came to its end) and by the cluster (it is still so).
Result<bool> is_action_proven(Run& run, const PlannedAction& action) {
  if (action.kind == ActionKind::Keep) return true;
  if (!is_about_crd(action)) return is_admission_proven(run, action);
  const CrdProgress* progress = run.record().crd(action.crd);
  if (action.kind == ActionKind::Rename) return progress != nullptr && progress->step == "Done";
  if (action.kind == ActionKind::Remove) {
    if (run.installed.crd(action.crd) != nullptr) return false;
    note_removed(run, action);
    return true;
  }
  return progress != nullptr && progress->step == "Done" &&
         crd_is_at_target(run.installed.crd(action.crd), run.target->crd(action.crd)->summary);
}

std::string blocked_message(const Plan& plan) {
  int num = 0;
  const Check* first = nullptr;
  const std::size_t num_in_status = std::min(plan.checks.size(), StatusLimits{}.checks);
  for (const Check& check : std::span(plan.checks).first(num_in_status)) {
    if (!check.stops()) continue;
    if (first == nullptr) first = &check;
    ++num;
  }
  std::string message = first->code + " " + first->object;
  if (!first->field.empty()) message += " " + first->field;
  message += ": " + first->message;
  if (!first->next.empty()) message += "; next: " + first->next;
  if (num > 1) message += " (and " + std::to_string(num - 1) + " more in status.plan.checks)";
  return message + "; nothing has been changed";
}

/// Whether a plan is stopped by something that planning found; a rehearsal's findings stop it
/// later.
bool stops_at_once(const Plan& plan) {
  return std::ranges::any_of(
      plan.checks, [](const Check& check) { return check.stops() && !is_of_rehearsal(check); });
}

/// True where the record's rehearsal is of the record's plan.
bool has_been_rehearsed(const Record& record) {
  return record.rehearsal && record.plan && record.rehearsal->plan == record.plan->digest;
}

/// False also where the clock was set back since.
bool is_younger_than(const Run& run, std::chrono::milliseconds age) {
  const Time at = run.migration.record.rehearsal->rehearsed_at.value_or(Time{});
  const Time now = run.clock.now();
  return now >= at && now - at < age;
}

/// What an earlier rehearsal found is not said of another plan.
void pin(Record& record, Plan plan) {
  record.plan = std::move(plan);
  record.rehearsal.reset();
}

/// Between the rehearsal of a plan and that of the one that took its place.
std::chrono::milliseconds pause_after(int num_objects) {
  constexpr std::chrono::milliseconds kLongest = std::chrono::minutes(10);
  return std::clamp(num_objects * kRehearsalPausePerObject, std::chrono::milliseconds(kLookAgain),
                    kLongest);
}

StepOutcome blocked(const Plan& plan) {
  return StepOutcome::stalled("Blocked", blocked_message(plan), kLookAgain);
}

Result<Plan> compute_plan(Run& run) {
  PlanInputs inputs{run.spec(),   *run.target,     run.installed,
                    *run.sources, run.settings.ns, run.record().operation};
  DiffCollector diffs(ReportBounds{}.diffs);
  inputs.intention_sink = diffs.sink();
  ASSIGN_OR_RETURN(Plan plan, make_plan(run.cluster, inputs));
  if (run.source != nullptr) RETURN_IF_ERROR(complete_rollback_plan(run, plan));
  auto planned = std::make_shared<PlannedInPass>();
  planned->plan = plan;
  planned->details.crds = crds_before_and_after(run.installed, *run.target, plan);
  std::move(diffs).move_to(planned->details);
  run.planned = std::move(planned);
  return plan;
}

}  // namespace

namespace phases {

Result<bool> is_planned(Run& run) {
  const Record& record = run.migration.record;
  if (is_under_way(record)) return true;
  return record.plan && !stops_at_once(*record.plan) &&
         record.observed_generation == run.migration.generation &&
         record.plan->bundle_digest == run.target->digest;
}

Result<StepOutcome> plan(Run& run) {
  run.report("", "Plan", 0, 0);
  // What is planned is planned with the policy in place that a broken-off run has taken away.
  RETURN_IF_ERROR(restore_policy(run));
  ASSIGN_OR_RETURN(Plan now, compute_plan(run));
  Record& record = run.record();
  const bool is_still_rehearsed = has_been_rehearsed(record) &&
                                  is_younger_than(run, kRehearseAgain) &&
                                  take_over_rehearsal_checks(*record.plan, now, run.spec().accept);
  if (!is_still_rehearsed) record.rehearsal.reset();
  record.plan = std::move(now);
  forget_progress(record);
  record.observed_generation = run.migration.generation;
  if (stops_at_once(run.plan())) return blocked(run.plan());
  // Before the record, which has no room for all of it, is read back.
  ASSIGN_OR_RETURN(const bool goes_on, is_approved(run));
  if (goes_on) write_report(run, {Verdict::Kind::Working, "Planned", "the migration begins"});
  return StepOutcome::progressed();
}

Result<bool> is_approved(Run& run) {
  if (is_under_way(run.record()) || run.record().operation == Operation::Rollback) return true;
  if (run.spec().mode == Mode::Plan) return false;
  return run.spec().approval == Approval::Automatic || run.plan().is_empty() ||
         run.spec().approved_plan == run.plan().digest;
}

/// Plans again each time it is asked, since what is to be approved must be what would be done.
/// Comes to rest with another plan as well: in some clusters objects come and go all the time.
Result<StepOutcome> wait_for_approval(Run& run) {
  ASSIGN_OR_RETURN(Plan now, compute_plan(run));
  if (now.digest != run.plan().digest) {
    pin(run.record(), std::move(now));
    ASSIGN_OR_RETURN(const bool goes_on, is_approved(run));
    if (goes_on || stops_at_once(run.plan())) return StepOutcome::progressed();
  }
  const std::string& digest = run.plan().digest;
  if (run.spec().mode == Mode::Plan) {
    return StepOutcome::waiting("Planned",
                                "the plan is in status.plan; mode is Plan, so nothing is done",
                                std::chrono::minutes(1));
  }
  std::string given = run.spec().approved_plan;
  return StepOutcome::stalled(
      "AwaitingApproval",
      (given.empty() ? std::string("the plan waits for approval")
                     : "the approved plan " + given + " is not what would be done now") +
          "; next: look at status.plan and set spec.approvedPlan to " + digest,
      std::chrono::seconds(30));
}

/// A rollback is not rehearsed. It is the way out, also while objects are absent, and nothing shall
/// stand before it; and what it brings back was there under the very CRDs that come back with it.
Result<bool> is_rehearsed(Run& run) {
  const Record& record = run.record();
  if (is_under_way(record) || record.operation == Operation::Rollback) return true;
  if (run.plan().is_empty()) return true;
  return has_been_rehearsed(record) && is_younger_than(run, kRehearseAgain) && !run.plan().stops();
}

/// Where the plan was refused it is made again each time, as what is to be mended is the user's; it
/// is rehearsed again where it came out otherwise, and now and then.
Result<StepOutcome> rehearse(Run& run) {
  run.report("", "Rehearse", 0, 0);
  Record& record = run.record();
  if (has_been_rehearsed(record)) {
    ASSIGN_OR_RETURN(Plan now, compute_plan(run));
    const bool is_same = now.digest == run.plan().digest;
    const std::chrono::milliseconds pause =
        is_same ? kRehearseAgain : pause_after(record.rehearsal->objects);
    // A rehearsal that found nothing, and is too old to count, is made again at once.
    if (run.plan().stops() && !stops_at_once(now) && is_younger_than(run, pause)) {
      if (is_same) return blocked(run.plan());
      ASSIGN_OR_RETURN(const bool is_mended, was_mended(run));
      if (!is_mended) return blocked(run.plan());
    }
    if (!is_same || stops_at_once(now)) {
      pin(record, std::move(now));
      return StepOutcome::progressed();
    }
    record.plan = std::move(now);
  }
  ASSIGN_OR_RETURN(StepOutcome outcome, gatelift::rehearse(run));
  const bool is_over = outcome.kind == StepOutcome::Kind::Progressed && has_been_rehearsed(record);
  if (is_over && run.plan().stops()) return blocked(run.plan());
  if (is_over && std::ranges::any_of(run.plan().checks, is_of_rehearsal)) {
    write_report(run, {Verdict::Kind::Working, "Rehearsed", "the migration begins"});
  }
  return outcome;
}

/// A backup that the record does not name, since it was not written after the backup was, is named
/// there again. One that was made for another plan, or before a rollback, is none of this run's.
Result<bool> is_backed_up(Run& run) {
  if (run.plan().is_empty()) return true;
  const std::string ref = gatelift::backup_ref(run.migration);
  if (run.backup != nullptr && run.backup->summary().ref != ref) run.backup.reset();
  if (run.backup == nullptr) {
    if (!is_under_way(run.record())) return false;
    ASSIGN_OR_RETURN(std::optional<VerifiedBackup> found, run.backups.open(ref));
    if (!found) {
      if (run.record().unavailable_since && !run.record().backup.ref.empty()) {
        return fail(ErrorKind::Internal,
                    "backup " + run.record().backup.ref +
                        " is gone although objects have been deleted; next: put its Secrets back");
      }
      return false;
    }
    run.backup = std::make_shared<const VerifiedBackup>(*std::move(found));
  }
  if (run.record().backup.ref != ref) record_backup(run);
  return true;
}

Result<StepOutcome> back_up(Run& run) { return gatelift::back_up(run); }

Result<bool> is_migrated(Run& run) {
  for (const PlannedAction& action : run.plan().actions) {
    ASSIGN_OR_RETURN(const bool proven, is_action_proven(run, action));
    if (!proven) return false;
  }
  return true;
}

/// What can be undone by another write comes first, all at once; then objects at new kinds; then
/// what cannot be undone, one after the other. But nothing comes before objects that are absent.
Result<StepOutcome> migrate(Run& run) {
  const bool is_suspended = run.spec().suspend && !run.record().may_not_rest();
  if (is_suspended) {
    RETURN_IF_ERROR(restore_policy(run));
  } else {
    const auto before = clear_the_way(run);
    if (!before) return beside_following(run, fail(before.error()));
    if (*before) return beside_following(run, **before);
  }
  std::vector<const PlannedAction*> updates;
  std::map<ActionKind, const PlannedAction*> first;
  for (const PlannedAction& action : run.plan().actions) {
    if (!is_about_crd(action)) continue;
    ASSIGN_OR_RETURN(const bool proven, is_action_proven(run, action));
    if (proven) continue;
    first.try_emplace(action.kind, &action);
    if (is_update(action.kind)) updates.push_back(&action);
  }
  const auto conversion = first.find(ActionKind::Convert);
  if (conversion != first.end() && run.record().is_absence_open()) {
    return unless_policy_lingers(run, recreate(run, *conversion->second, *run.backup));
  }
  if (!updates.empty() && !is_suspended) {
    return beside_following(run, unless_policy_lingers(run, update_crds(run, updates)));
  }
  if (const auto it = first.find(ActionKind::Rename); it != first.end()) {
    return rename_objects(run, *it->second);
  }
  if (conversion != first.end()) {
    return unless_policy_lingers(run, recreate(run, *conversion->second, *run.backup));
  }
  if (const auto it = first.find(ActionKind::ConvertInPlace); it != first.end()) {
    auto outcome = unless_policy_lingers(run, convert_in_place(run, *it->second, *run.backup));
    return outcome ? outcome : beside_following(run, std::move(outcome));
  }
  if (const auto it = first.find(ActionKind::Remove); it != first.end()) {
    return remove_crd(run, *it->second, *run.backup);
  }
  ASSIGN_OR_RETURN(const std::optional<StepOutcome> after, close_up(run));
  return after.value_or(StepOutcome::progressed());
}

Result<bool> is_verified(Run& run) { return run.record().finished_at.has_value(); }

Result<StepOutcome> verify(Run& run) {
  RETURN_IF_ERROR(accept_suspension(run));
  ASSIGN_OR_RETURN(Verification verification, gatelift::verify(run));
  run.verification = std::make_shared<const Verification>(verification);
  if (!verification.failures.empty()) {
    std::string message =
        std::to_string(verification.failures.size()) +
        " objects are not what was intended, first " + verification.failures.front().object + ": " +
        verification.failures.front().message +
        "; next: compare with the backup (gatelift backup show " + run.record().backup.ref + ")";
    verification.failures.resize(std::min<std::size_t>(verification.failures.size(), 20));
    run.record().failures = std::move(verification.failures);
    return StepOutcome::stalled("VerificationFailed", std::move(message), std::chrono::seconds(30));
  }
  run.record().failures.clear();
  Time now = run.clock.now();
  if (!run.record().backup.ref.empty()) {
    RETURN_IF_ERROR(run.backups.retain_until(run.record().backup.ref, now + run.spec().retain));
  }
  if (!run.record().unavailable_since)
    run.record().unavailable_measured = std::chrono::milliseconds(0);
  run.record().finished_at = now;
  write_report(run, resting_verdict(run.record()));
  return StepOutcome::progressed();
}

Result<bool> never(Run&) { return false; }

Result<StepOutcome> rest(Run&) {
  return StepOutcome::waiting("Done", "", std::chrono::milliseconds(0));
}

}  // namespace phases

Result<const PhaseRow*> current_row(Run& run) {
  for (const PhaseRow& row : kPhaseTable) {
    ASSIGN_OR_RETURN(bool proven, row.is_proven(run));
    if (!proven) return &row;
  }
  return &kPhaseTable.back();
}

}  // namespace gatelift
