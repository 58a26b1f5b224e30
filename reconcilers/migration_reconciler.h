// SPDX-License-Identifier: Apache-2.0
// One pass over one GatewayAPIMigration: observe, decide, one step, record, requeue. The daemon and the command line
// both drive a migration by calling this until it asks for nothing more.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "client/cluster.h"
#include "reconcilers/migration.h"

namespace gatelift {

/// What is going on, for a progress bar or a log line. `done` of `total` are objects of the step; 0 of 0 where a step
/// has no objects.
struct ProgressReport {
  Phase phase = Phase::Plan;
  Operation operation = Operation::Upgrade;
  std::string crd;
  std::string step;
  int done = 0;
  int total = 0;
};

struct ReconcilerSettings {
  std::string ns = "gatelift-system";  // ours: backups, reports, events of a foreground run
  int in_flight = 16;                  // calls under way at once in bulk steps
  std::string instance = "gatelift";   // reportingInstance of events: host name or pod name
  std::function<void(const ProgressReport&)> progress;                            // may be empty
  std::function<void(std::string_view level, const std::string& message)> log;  // "info", "warn"; may be empty
};

enum class PassOutcome {
  Progressed,  // a step was taken; call again after `requeue_after` (often at once)
  Waiting,     // for something outside: an approval, a person, another migration, a controller
  Finished,    // Done, or planned in mode Plan: nothing to do until the resource changes
  Gone,        // the resource does not exist any more
};

struct ReconcileResult {
  PassOutcome outcome = PassOutcome::Finished;
  /// When to call again if no watch event comes first; nullopt: only on an event.
  std::optional<std::chrono::milliseconds> requeue_after;
  Phase phase = Phase::Plan;
  bool stalled = false;         // needs a person
  std::string reason;           // of the Ready condition
  std::string message;          // of the Ready condition
};

class MigrationReconciler {
 public:
  MigrationReconciler(Cluster& cluster, Clock& clock, BundleSources& sources,
                      ReconcilerSettings settings);
  ~MigrationReconciler();

  /// One pass. An Error is one of reading or writing the resource itself (back off and call again); everything that goes
  /// wrong with the migration is in the resource's conditions and in the result. One thread at a time.
  Result<ReconcileResult> reconcile(const std::string& name);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace gatelift
