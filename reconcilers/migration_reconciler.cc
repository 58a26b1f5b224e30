// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/migration_reconciler.h"

#include <algorithm>
#include <map>
#include <utility>

#include "reconcilers/conditions.h"
#include "reconcilers/events.h"
#include "reconcilers/migration_json.h"
#include "reconcilers/phase_table.h"
#include "reconcilers/report/write_report.h"
#include "reconcilers/rollback.h"
#include "reconcilers/steps/failures.h"
#include "reconcilers/steps/in_place.h"
#include "reconcilers/steps/policy_restoration.h"
#include "reconcilers/steps/projection.h"
#include "reconcilers/steps/scratch_crd.h"

namespace gatelift {
namespace {

constexpr std::chrono::minutes kStallAfter{5};
constexpr std::chrono::seconds kLookAgain{30};
constexpr std::chrono::seconds kRecordEvery{1};
constexpr std::chrono::minutes kPolicyKept{1};  // after a stop, before it is suspended again
constexpr const char* kFinalizer = "gatelift.dev/finish";

bool is_over(const Migration& migration) {
  return migration.record.phase == Phase::Done &&
         migration.record.observed_generation == migration.generation;
}

/// True while a migration works, or would once it is its turn; one that waits for a person before
/// its first write does not hold others up.
bool occupies_the_cluster(const Migration& migration) {
  if (is_over(migration) || migration.spec.mode == Mode::Plan) return false;
  if (migration.record.started_at) return true;
  const Condition* stalled = migration.record.condition("Stalled");
  return !migration.spec.suspend && (stalled == nullptr || stalled->status != "True");
}

/// What a process remembers of a migration between two passes, and can do without.
struct Memory {
  std::string uid;
  std::optional<Time> failing_since;
  std::map<std::string, CrdSeen> crds_seen;
  std::optional<Time> policy_kept_until;
  std::string reported;                    // write_report's
  std::shared_ptr<FollowedKind> followed;  // steps/projection.h
};

}  // namespace

struct MigrationReconciler::State {
  Cluster& cluster;
  Clock& clock;
  BundleSources& sources;
  ReconcilerSettings settings;
  InstalledReader installed;
  BackupStore backups;

  // Read anew where a pass needs them and they are another migration's.
  std::string migration_uid;
  std::shared_ptr<const Bundle> target;
  std::shared_ptr<const VerifiedBackup> backup;
  std::shared_ptr<const VerifiedBackup> source;
  std::map<std::string, Memory> memories;  // by name

  State(Cluster& c, Clock& k, BundleSources& s, ReconcilerSettings settings_in)
      : cluster(c),
        clock(k),
        sources(s),
        settings(std::move(settings_in)),
        installed(c),
        backups(c, k, settings.ns) {}

  Result<ReconcileResult> pass(const std::string& name);
  Result<std::optional<std::string>> older_at_work(const Migration& migration);
  Result<std::optional<Verdict>> prepare(Run& run);
  Result<std::optional<Verdict>> load_target(Run& run);
  Result<bool> still_wants_what_was_done(Run& run);
  static void start_over(Run& run);
  Result<StepOutcome> advance(Run& run);
  Result<void> enter(Run& run, Phase phase);
  Result<void> hold_finalizer(Run& run);
  Result<Verdict> with_policy_restored(Run& run, Verdict verdict);
  Result<ReconcileResult> let_go(Run& run);
  Result<ReconcileResult> conclude(Run& run, const Verdict& verdict,
                                   std::optional<std::chrono::milliseconds> requeue);
  Result<ReconcileResult> conclude_step(Run& run, const Result<StepOutcome>& outcome);
  Result<ReconcileResult> conclude_error(Run& run, const Error& error);
  Result<ReconcileResult> stall_or_roll_back(Run& run, const StepOutcome& outcome);
  void remember(const Run& run);
};

/// Another migration that is older and occupies the cluster.
Result<std::optional<std::string>> MigrationReconciler::State::older_at_work(
    const Migration& migration) {
  std::optional<std::string> found;
  Request list;
  list.verb = Verb::List;
  list.resource = kMigrations;
  RETURN_IF_ERROR(for_each_object(cluster, list, [&](Json&& object) -> Result<void> {
    auto other = parse_migration(object);
    if (!other || other->uid == migration.uid) return {};
    bool older =
        std::pair(other->created_at, other->name) < std::pair(migration.created_at, migration.name);
    bool first = other->record.started_at && !migration.record.started_at;
    bool second = migration.record.started_at && !other->record.started_at;
    if ((first || (older && !second)) && occupies_the_cluster(*other)) found = other->name;
    return {};
  }));
  return found;
}

/// Loads what a migration is to arrive at. A verdict where that cannot be had.
Result<std::optional<Verdict>> MigrationReconciler::State::load_target(Run& run) {
  const Record& record = run.record();
  if (record.operation == Operation::Rollback) {
    if (run.source == nullptr) {
      ASSIGN_OR_RETURN(std::optional<VerifiedBackup> found, backups.open(record.rolls_back_to));
      if (!found) {
        return Verdict{Verdict::Kind::Stalled, "BackupNotFound",
                       "there is no backup " + record.rolls_back_to + " in namespace " +
                           settings.ns + " to roll back to; next: gatelift backup list"};
      }
      run.source = std::make_shared<const VerifiedBackup>(*std::move(found));
    }
    if (run.target == nullptr) {
      ASSIGN_OR_RETURN(Bundle bundle,
                       bundle_of_backup(*run.source, {"backup", record.rolls_back_to}));
      run.target = std::make_shared<const Bundle>(std::move(bundle));
    }
    return std::nullopt;
  }
  if (run.target == nullptr || !record.started_at) {
    auto bundle = sources.load(run.spec().target);
    if (!bundle) {
      return Verdict{Verdict::Kind::Stalled, "BundleNotFound", bundle.error().message};
    }
    if (run.target == nullptr || run.target->digest != bundle->digest) {
      run.target = std::make_shared<const Bundle>(*std::move(bundle));
    }
  }
  return std::nullopt;
}

/// True when a finished migration's spec has changed in nothing that would be done otherwise.
Result<bool> MigrationReconciler::State::still_wants_what_was_done(Run& run) {
  const Record& record = run.record();
  if (record.operation == Operation::Rollback) return !run.migration.rollback.empty();
  auto bundle = sources.load(run.spec().target);
  return bundle && record.plan && record.plan->to == bundle->ref &&
         record.plan->bundle_digest == bundle->digest;
}

/// Forgets what was done, but for when conditions last changed.
void MigrationReconciler::State::start_over(Run& run) {
  std::vector<Condition> conditions = std::move(run.record().conditions);
  run.record() = Record{};
  run.record().conditions = std::move(conditions);
  run.crds_seen.clear();
  run.target.reset();
  run.backup.reset();
  run.source.reset();
}

/// Everything that comes before the phase table, most urgent first. A verdict ends the pass.
Result<std::optional<Verdict>> MigrationReconciler::State::prepare(Run& run) {
  Migration& migration = run.migration;
  Record& record = run.record();
  if (!migration.rollback.empty() && record.operation == Operation::Upgrade) {
    std::string ref = migration.rollback == "true" ? record.backup.ref : migration.rollback;
    if (ref.empty()) {
      return Verdict{
          Verdict::Kind::Stalled, "NothingToRollBack",
          "this migration has no backup, so it has changed nothing that could be undone"};
    }
    begin_rollback(record, ref, "");
    // The annotation moves no generation, so the Ready of the upgrade would count for the rollback.
    set_conditions(record, migration.generation,
                   {Verdict::Kind::Working, "RollingBack", "rolling back to backup " + ref},
                   clock.now());
    run.target.reset();
    run.backup.reset();
  } else if (record.phase == Phase::Done && !is_over(migration)) {
    ASSIGN_OR_RETURN(bool same_target, still_wants_what_was_done(run));
    if (!same_target) start_over(run);
    record.observed_generation = migration.generation;
  }
  if (record.started_at) record.observed_generation = migration.generation;
  if (is_over(migration)) return std::nullopt;
  if (run.spec().suspend && !record.may_not_rest() && !serves_both(record)) {
    return Verdict{Verdict::Kind::Stalled, "Suspended",
                   "spec.suspend is true; next: set it to false"};
  }
  ASSIGN_OR_RETURN(std::optional<std::string> older, older_at_work(migration));
  if (older && !record.may_not_rest()) {
    RETURN_IF_ERROR(restore_policy(run));
    return Verdict{Verdict::Kind::Waiting, "WaitingForOther",
                   "waits until " + std::string(kMigrationKind) + "/" + *older + " is done"};
  }
  return load_target(run);
}

/// Writes that the migration is in a phase before anything of it is done, so that `kubectl get -w`
/// shows it.
Result<void> MigrationReconciler::State::enter(Run& run, Phase phase) {
  Record& record = run.record();
  note_phase(record, phase, clock.now());
  if (record.phase == phase && record.condition("Ready") != nullptr) return {};
  bool moved = record.phase != phase;
  record.phase = phase;
  if (phase == Phase::Done) return {};
  if (phase == Phase::BackUp && !record.started_at) record.started_at = clock.now();
  set_conditions(record, run.migration.generation,
                 {Verdict::Kind::Working, std::string(to_string(phase)),
                  "in phase " + std::string(to_string(phase))},
                 clock.now());
  RETURN_IF_ERROR(write_record(run));
  if (moved) {
    record_event(run, EventType::Normal, std::string(to_string(phase)),
                 std::string(to_string(record.operation)) + " to " +
                     (record.plan ? record.plan->to.display() : run.spec().target.display()) +
                     " is in phase " + std::string(to_string(phase)));
  }
  return {};
}

/// A finalizer on the resource while objects are absent, fields are on their way or a policy is
/// suspended, in a rollback as well: deleting the resource then waits until they are back.
Result<void> MigrationReconciler::State::hold_finalizer(Run& run) {
  const Record& record = run.record();
  const auto takes_away = [&](const PlannedAction& action) {
    const bool moves = action.kind == ActionKind::Convert || action.kind == ActionKind::Carry;
    return action.kind == ActionKind::SuspendPolicy || (moves && !record.unavailable_measured);
  };
  const bool wanted =
      record.suspended_policy || (record.phase != Phase::Done && record.may_not_rest()) ||
      (!is_over(run.migration) && record.phase == Phase::Migrate && record.plan &&
       std::any_of(run.plan().actions.begin(), run.plan().actions.end(), takes_away));
  Json finalizers = array_at(run.object, "metadata", "finalizers");
  auto ours = std::find(finalizers.begin(), finalizers.end(), Json(kFinalizer));
  bool present = ours != finalizers.end();
  if (present == wanted || (wanted && run.migration.deleting)) return {};
  if (present) {
    finalizers.erase(ours);
  } else {
    finalizers.push_back(kFinalizer);
  }
  Json patch = {
      {"metadata",
       {{"resourceVersion", run.migration.resource_version}, {"finalizers", finalizers}}}
  };
  auto patched = merge_patch(cluster, kMigrations, {"", run.migration.name}, std::move(patch));
  if (!patched) return fail(wrap(patched.error(), "changing the resource's finalizers"));
  run.object = *std::move(patched);
  run.migration.resource_version = resource_version_of(run.object);
  return {};
}

/// Step after step of one phase, each after a new observation. The record is written when the phase
/// changes, once a second, and by the steps themselves where the order of writes matters.
Result<StepOutcome> MigrationReconciler::State::advance(Run& run) {
  std::optional<Phase> entered;
  while (true) {
    ASSIGN_OR_RETURN(run.installed, installed.read());
    ASSIGN_OR_RETURN(const PhaseRow* row, current_row(run));
    bool moved_on = entered && *entered != row->phase;
    RETURN_IF_ERROR(enter(run, row->phase));
    if (moved_on && row->phase != Phase::Done) return StepOutcome::progressed();
    entered = row->phase;
    RETURN_IF_ERROR(hold_finalizer(run));
    ASSIGN_OR_RETURN(StepOutcome outcome, row->step(run));
    if (outcome.kind != StepOutcome::Kind::Progressed) return outcome;
    if (clock.now() - run.written_at >= kRecordEvery) RETURN_IF_ERROR(write_record(run));
  }
}

void MigrationReconciler::State::remember(const Run& run) {
  target = run.target;
  backup = run.backup;
  source = run.source;
}

/// A run that stops leaves no policy suspended; the verdict says what became of it.
Result<Verdict> MigrationReconciler::State::with_policy_restored(Run& run, Verdict verdict) {
  if (verdict.kind != Verdict::Kind::Stalled || !run.record().suspended_policy) return verdict;
  const std::string name = "ValidatingAdmissionPolicy/" + run.record().suspended_policy->name;
  auto restored = restore_policy(run);
  if (restored) {
    std::optional<Time>& kept_until = memories[run.migration.name].policy_kept_until;
    kept_until = std::max(kept_until.value_or(Time{}), clock.now() + kPolicyKept);
    verdict.message += "; " + name + ", which was taken away for the run, is back meanwhile";
    return verdict;
  }
  if (restored.error().is(ErrorKind::Cancelled)) return fail(std::move(restored).error());
  verdict.message += "; " + name +
                     ", which was taken away for the run, is not back, and is tried " +
                     "again: " + restored.error().message;
  return verdict;
}

Result<ReconcileResult> MigrationReconciler::State::conclude(
    Run& run, const Verdict& come_to, std::optional<std::chrono::milliseconds> requeue) {
  ASSIGN_OR_RETURN(const Verdict verdict, with_policy_restored(run, come_to));
  Record& record = run.record();
  const Condition* before = record.condition("Ready");
  const bool rests = verdict.kind == Verdict::Kind::Stalled || verdict.reason == "Planned";
  if (rests && record.phase != Phase::Done) write_report(run, verdict);
  bool news = before == nullptr || before->reason != verdict.reason ||
              (verdict.kind == Verdict::Kind::Stalled && before->message != verdict.message);
  set_conditions(record, run.migration.generation, verdict, clock.now());
  RETURN_IF_ERROR(write_record(run));
  if (news && verdict.kind != Verdict::Kind::Working) {
    bool bad = verdict.kind == Verdict::Kind::Stalled;
    record_event(run, bad ? EventType::Warning : EventType::Normal, verdict.reason,
                 verdict.message);
  }
  remember(run);
  ReconcileResult result;
  result.phase = record.phase;
  result.reason = verdict.reason;
  result.message = verdict.message;
  result.stalled = verdict.kind == Verdict::Kind::Stalled;
  result.requeue_after = requeue;
  switch (verdict.kind) {
    case Verdict::Kind::Working:
      result.outcome = PassOutcome::Progressed;
      break;
    case Verdict::Kind::Waiting:
    case Verdict::Kind::Stalled:
      result.outcome = PassOutcome::Waiting;
      break;
    case Verdict::Kind::Ready:
      result.outcome = PassOutcome::Finished;
      break;
  }
  return result;
}

/// A failure that stops a run half-way is undone where the spec asks for that; else it waits for a
/// person.
Result<ReconcileResult> MigrationReconciler::State::stall_or_roll_back(Run& run,
                                                                       const StepOutcome& outcome) {
  Record& record = run.record();
  const bool half_way = record.phase == Phase::Migrate || record.phase == Phase::Verify;
  const bool is_suspended = run.spec().suspend && !record.may_not_rest();
  if (run.spec().on_failure == OnFailure::Rollback && half_way && !is_suspended &&
      record.operation == Operation::Upgrade && !record.backup.ref.empty()) {
    record_event(run, EventType::Warning, outcome.reason, "rolling back: " + outcome.message);
    begin_rollback(record, record.backup.ref, outcome.reason + ": " + outcome.message);
    run.target.reset();
    run.backup.reset();
    return conclude(run, {Verdict::Kind::Working, "RollingBack", outcome.message},
                    std::chrono::milliseconds(0));
  }
  return conclude(run, {Verdict::Kind::Stalled, outcome.reason, outcome.message},
                  outcome.retry_after);
}

Result<ReconcileResult> MigrationReconciler::State::conclude_error(Run& run, const Error& error) {
  if (error.is(ErrorKind::Cancelled)) return fail(error);
  if (error.is(ErrorKind::Conflict)) {
    remember(run);
    ReconcileResult result;
    result.outcome = PassOutcome::Progressed;
    result.requeue_after = std::chrono::milliseconds(100);
    result.phase = run.record().phase;
    result.reason = "Conflict";
    result.message = error.message;
    return result;
  }
  if (!is_transient(error.kind)) {
    return stall_or_roll_back(
        run, StepOutcome::stalled(std::string(to_string(error.kind)), error.message, kLookAgain));
  }
  std::optional<Time>& failing_since = memories[run.migration.name].failing_since;
  if (!failing_since) failing_since = clock.now();
  auto failing_for = clock.now() - *failing_since;
  if (failing_for >= kStallAfter) {
    return conclude(run,
                    {Verdict::Kind::Stalled, "NoProgress",
                     "no progress for 5 minutes, it goes on trying: " + error.message},
                    kLookAgain);
  }
  auto delay = std::clamp<std::chrono::milliseconds>(failing_for, std::chrono::milliseconds(500),
                                                     std::chrono::seconds(15));
  return conclude(run, {Verdict::Kind::Waiting, "Retrying", error.message}, delay);
}

Result<ReconcileResult> MigrationReconciler::State::conclude_step(
    Run& run, const Result<StepOutcome>& outcome) {
  if (!outcome) return conclude_error(run, outcome.error());
  memories[run.migration.name].failing_since.reset();
  if (run.record().phase == Phase::Done) {
    return conclude(run, resting_verdict(run.record()), std::nullopt);
  }
  switch (outcome->kind) {
    case StepOutcome::Kind::Progressed: {
      remember(run);
      ReconcileResult result;
      result.outcome = PassOutcome::Progressed;
      result.requeue_after = std::chrono::milliseconds(0);
      result.phase = run.record().phase;
      return result;
    }
    case StepOutcome::Kind::Waiting: {
      bool only_planned = outcome->reason == "Planned";
      return conclude(run,
                      {only_planned ? Verdict::Kind::Ready : Verdict::Kind::Waiting,
                       outcome->reason, outcome->message},
                      outcome->retry_after);
    }
    case StepOutcome::Kind::Stalled:
      return stall_or_roll_back(run, *outcome);
  }
  return fail(ErrorKind::Internal, "unknown outcome of a step");
}

/// The resource is deleted, and nothing is absent: its end waits for the policy only.
Result<ReconcileResult> MigrationReconciler::State::let_go(Run& run) {
  auto restored = restore_policy(run);
  if (!restored) {
    if (restored.error().is(ErrorKind::Cancelled)) return fail(std::move(restored).error());
    return conclude(run, {Verdict::Kind::Waiting, "RestoringPolicy", restored.error().message},
                    std::chrono::seconds(2));
  }
  run.record().phase = Phase::Done;
  RETURN_IF_ERROR(hold_finalizer(run));
  return ReconcileResult{PassOutcome::Gone, std::nullopt, Phase::Done, false, "", ""};
}

Result<ReconcileResult> MigrationReconciler::State::pass(const std::string& name) {
  ASSIGN_OR_RETURN(std::optional<Json> object, get_if_exists(cluster, kMigrations, {"", name}));
  if (!object) {
    memories.erase(name);
    return ReconcileResult{PassOutcome::Gone, std::nullopt, Phase::Plan, false, "", ""};
  }
  ASSIGN_OR_RETURN(Migration migration, parse_migration(*object));
  if (migration.uid != migration_uid) {
    migration_uid = migration.uid;
    target.reset();
    backup.reset();
    source.reset();
  }
  Memory& memory = memories[name];
  if (memory.uid != migration.uid) {
    memory = Memory{};
    memory.uid = migration.uid;
  }
  Run run{cluster,
          clock,
          settings,
          backups,
          &sources,
          memory.crds_seen,
          std::move(migration),
          *std::move(object),
          target,
          {},
          backup,
          source,
          clock.now()};
  run.policy_kept_until = &memory.policy_kept_until;
  run.reported = &memory.reported;
  run.followed = &memory.followed;
  if (run.record().phase == Phase::Rehearse) {  // a process that died in it has left something
    const auto removed = remove_copies(run, CopiesOf::ThisMigration);
    if (!removed) return conclude_error(run, removed.error());
  }
  if (run.migration.deleting && !run.record().may_not_rest()) return let_go(run);
  auto prepared = prepare(run);
  if (!prepared) return conclude_error(run, prepared.error());
  if (*prepared) {
    auto concluded = conclude(run, **prepared, std::chrono::seconds(10));
    memory.policy_kept_until.reset();  // nothing was tried that may stop again
    return concluded;
  }
  if (is_over(run.migration)) return conclude(run, resting_verdict(run.record()), std::nullopt);
  return conclude_step(run, advance(run));
}

MigrationReconciler::MigrationReconciler(Cluster& cluster, Clock& clock, BundleSources& sources,
                                         ReconcilerSettings settings)
    : state_(std::make_unique<State>(cluster, clock, sources, std::move(settings))) {}

MigrationReconciler::~MigrationReconciler() = default;

Result<ReconcileResult> MigrationReconciler::reconcile(const std::string& name) {
  return state_->pass(name);
}

}  // namespace gatelift
