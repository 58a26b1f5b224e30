// SPDX-License-Identifier: Apache-2.0
// A migration watched by the person who asked for it: carried out here while this process holds the
// lease, followed by the resource's status while another one does. Either can take over from the
// other at any time.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "client/cluster.h"
#include "controller/lease_runner.h"
#include "controller/progress.h"
#include "reconcilers/migration_reconciler.h"

namespace gatelift {

enum class ForegroundEnd {
  Done,
  NeedsPerson,  // stalled, suspended or awaiting an approval
  Gone,         // the resource was deleted
  TimedOut,
  LeaseLost,  // another process may carry it out now
  Interrupted,
};

struct ForegroundResult {
  ForegroundEnd end = ForegroundEnd::Done;
  std::string message;                 // of the Ready condition, where a person is needed
  std::optional<Migration> migration;  // as last read
};

class Foreground {
 public:
  struct Parts {
    Cluster& cluster;
    Clock& clock;
    Progress& progress;
    std::function<Result<ReconcileResult>(const std::string&)> reconcile;
    std::function<LeaseRunner::View()> lease;
  };
  struct Task {
    std::string name;
    Operation operation =
        Operation::Upgrade;  // a Rollback is over when the record says that one is
    std::optional<std::chrono::milliseconds> timeout;
  };

  explicit Foreground(Parts parts) : parts_(std::move(parts)) {}

  /// Returns when the task is over, stalled, out of time or interrupted. An Error is one that
  /// waiting will not cure, or that lasted for a minute.
  Result<ForegroundResult> run(const Task& task);

 private:
  using Step = Result<std::optional<ForegroundResult>>;

  Step drive(const Task& task);
  Step follow(const Task& task, const std::string& holder, bool is_alive);
  Step tolerate(Error error);
  Step wait(std::chrono::milliseconds duration);
  Result<ForegroundResult> finish(const Task& task, ForegroundEnd end, std::string message);

  Parts parts_;
  Time started_{};
  std::optional<Time> failing_since_;
};

/// What a followed migration has come to; nullopt while it is under way. `started` is when this
/// process began to look: an older Stalled may be about to be looked at again, and counts only
/// after a while. Pure.
std::optional<ForegroundEnd> end_of(const Migration& migration, Operation operation, Time started,
                                    Time now);

/// Where a followed migration is, as its record says. Pure.
ProgressReport progress_of(const Migration& migration);

}  // namespace gatelift
