// SPDX-License-Identifier: Apache-2.0
#include "controller/foreground.h"

#include <utility>

#include "reconcilers/migration_json.h"

namespace gatelift {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds kFollowInterval{500};
constexpr milliseconds kLeaseInterval{100};
constexpr milliseconds kDefaultRequeue{2000};
constexpr seconds kLongestTrouble{60};
constexpr seconds kStaleStall{30};

bool waiting_may_cure(const Error& error) {
  switch (error.kind) {
    case ErrorKind::Unavailable:
    case ErrorKind::Conflict:
    case ErrorKind::AlreadyExists:
    case ErrorKind::NotFound:
    case ErrorKind::Expired:
    case ErrorKind::Internal:
      return true;
    case ErrorKind::Invalid:
    case ErrorKind::Forbidden:
    case ErrorKind::Unauthorized:
    case ErrorKind::Cancelled:
      return false;
  }
  return false;
}

ForegroundResult without_lease(const LeaseRunner::View& lease) {
  return {ForegroundEnd::LeaseLost,
          "the lease was lost" + (lease.other_holder.empty() ? "" : " to " + lease.other_holder),
          std::nullopt};
}

bool is_true(const Migration& migration, std::string_view type) {
  const Condition* condition = migration.record.condition(type);
  return condition != nullptr && condition->status == "True" &&
         condition->observed_generation >= migration.generation;
}

}  // namespace

Result<ForegroundResult> Foreground::run(const Task& task) {
  started_ = parts_.clock.now();
  while (true) {
    const LeaseRunner::View lease = parts_.lease();
    if (lease.lost) return without_lease(lease);
    Step step = std::optional<ForegroundResult>();
    if (lease.leading) {
      step = drive(task);
    } else if (!lease.other_holder.empty()) {
      step = follow(task, lease.other_holder, lease.other_is_alive);
    } else if (!lease.problem.empty()) {
      Error error;
      error.kind = ErrorKind::Unavailable;
      error.message = lease.problem;
      step = tolerate(std::move(error));
    } else {
      step = wait(kLeaseInterval);
    }
    if (!step) {
      if (!step.error().is(ErrorKind::Cancelled)) return fail(std::move(step).error());
      // The work stops with the lease, and says so before we look.
      if (const LeaseRunner::View now = parts_.lease(); now.lost) return without_lease(now);
      return finish(task, ForegroundEnd::Interrupted, "");
    }
    if (*step) return **std::move(step);
    if (task.timeout && parts_.clock.now() - started_ >= *task.timeout) {
      return finish(task, ForegroundEnd::TimedOut, "");
    }
  }
}

Foreground::Step Foreground::drive(const Task& task) {
  auto pass = parts_.reconcile(task.name);
  if (!pass) return tolerate(std::move(pass).error());
  failing_since_.reset();
  switch (pass->outcome) {
    case PassOutcome::Progressed:
      return wait(pass->requeue_after.value_or(milliseconds(0)));
    case PassOutcome::Waiting:
      if (pass->stalled) return finish(task, ForegroundEnd::NeedsPerson, pass->message);
      parts_.progress.say("waiting: " + printable(pass->message));
      return wait(pass->requeue_after.value_or(kDefaultRequeue));
    case PassOutcome::Finished:
      return pass->stalled ? finish(task, ForegroundEnd::NeedsPerson, pass->message)
                           : finish(task, ForegroundEnd::Done, pass->message);
    case PassOutcome::Gone:
      return finish(task, ForegroundEnd::Gone, "");
  }
  return fail(ErrorKind::Internal, "a pass ended in no known way");
}

Foreground::Step Foreground::follow(const Task& task, const std::string& holder, bool is_alive) {
  parts_.progress.say(is_alive ? "following: " + printable(holder) + " carries it out"
                               : "waiting for the lease, last held by " + printable(holder));
  auto object = get_if_exists(parts_.cluster, kMigrations, {"", task.name});
  if (!object) return tolerate(std::move(object).error());
  if (!*object) return ForegroundResult{ForegroundEnd::Gone, "", std::nullopt};
  ASSIGN_OR_RETURN(Migration migration, parse_migration(**object));
  failing_since_.reset();
  if (const auto end = end_of(migration, task.operation, started_, parts_.clock.now())) {
    const Condition* ready = migration.record.condition("Ready");
    std::string message = ready != nullptr ? ready->message : std::string();
    return ForegroundResult{*end, std::move(message), std::move(migration)};
  }
  if (is_alive) parts_.progress.report(progress_of(migration));
  return wait(kFollowInterval);
}

/// Says what is wrong and tries again, for a minute at most.
Foreground::Step Foreground::tolerate(Error error) {
  if (!waiting_may_cure(error)) return fail(std::move(error));
  const Time now = parts_.clock.now();
  if (!failing_since_) failing_since_ = now;
  if (now - *failing_since_ >= kLongestTrouble) return fail(std::move(error));
  if (!error.is(ErrorKind::Conflict)) {
    parts_.progress.say("trying again: " + printable(error.message));
  }
  return wait(error.is(ErrorKind::Conflict) ? kLeaseInterval : kDefaultRequeue);
}

Foreground::Step Foreground::wait(milliseconds duration) {
  RETURN_IF_ERROR(parts_.clock.sleep(duration));
  return std::optional<ForegroundResult>();
}

Result<ForegroundResult> Foreground::finish(const Task& task, ForegroundEnd end,
                                            std::string message) {
  ForegroundResult result{end, std::move(message), std::nullopt};
  if (end == ForegroundEnd::Interrupted || end == ForegroundEnd::Gone) return result;
  ASSIGN_OR_RETURN(const auto object, get_if_exists(parts_.cluster, kMigrations, {"", task.name}));
  if (!object) return ForegroundResult{ForegroundEnd::Gone, "", std::nullopt};
  ASSIGN_OR_RETURN(result.migration, parse_migration(*object));
  return result;
}

std::optional<ForegroundEnd> end_of(const Migration& migration, Operation operation, Time started,
                                    Time now) {
  const Record& record = migration.record;
  if (record.observed_generation < migration.generation) return std::nullopt;
  if (operation == Operation::Rollback && record.operation != Operation::Rollback)
    return std::nullopt;
  // Not Ready alone: it may still be that of the run before.
  const bool may_be_over = record.phase == Phase::Done || migration.spec.mode == Mode::Plan;
  if (may_be_over && is_true(migration, "Ready")) return ForegroundEnd::Done;
  if (!is_true(migration, "Stalled")) return std::nullopt;
  const Condition* stalled = record.condition("Stalled");
  const bool is_fresh = stalled->last_transition >= started;
  if (is_fresh || now - started >= kStaleStall) return ForegroundEnd::NeedsPerson;
  return std::nullopt;
}

ProgressReport progress_of(const Migration& migration) {
  const Record& record = migration.record;
  ProgressReport report;
  report.phase = record.phase;
  report.operation = record.operation;
  for (const CrdProgress& crd : record.crds) {
    if (crd.step == "Done") continue;
    report.crd = crd.name;
    report.step = crd.step;
    report.done = crd.objects.settled() + crd.objects.failed;
    report.total = crd.objects.found;
    break;
  }
  return report;
}

}  // namespace gatelift
