// SPDX-License-Identifier: Apache-2.0
// What one pass over one migration works with. Made anew for each pass; steps change its record and
// nothing else of it.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "reconcilers/backup/backup.h"
#include "reconcilers/migration.h"
#include "reconcilers/migration_reconciler.h"
#include "reconcilers/plan/plan.h"

namespace gatelift {

/// What this process knows of a CRD and the cluster does not say.
struct CrdSeen {
  std::string uid;
  std::int64_t generation = 0;
  Time since;                         // when this generation was written, or first seen
  std::optional<Time> agreed;         // when every API server was first seen to go by it
  std::optional<CrdSummary> written;  // the answer to our last write, where that was of the target
  Time written_at;
};

struct PlannedInPass;  // report/write_report.h
struct Verification;   // steps/verify.h
struct FollowedKind;   // steps/projection.h

struct Run {
  Cluster& cluster;
  Clock& clock;
  const ReconcilerSettings& settings;
  BackupStore& backups;
  const BundleSources* sources = nullptr;
  std::map<std::string, CrdSeen>& crds_seen;  // in this migration, by CRD

  Migration migration;
  Json object;  // the resource as last read or written
  std::shared_ptr<const Bundle> target;
  Installed installed;
  std::shared_ptr<const VerifiedBackup> backup;  // of this run; null before BackUp is proven
  std::shared_ptr<const VerifiedBackup>
      source;       // the backup that a rollback restores; null in an upgrade
  Time written_at;  // when the record was last read or written
  /// Until when a policy that a stop put back is left in place; null where nobody remembers.
  std::optional<Time>* policy_kept_until = nullptr;
  std::shared_ptr<FollowedKind>* followed = nullptr;  // from one pass to the next; may be null
  std::string* reported = nullptr;  // what the last report that was written said; may be null
  std::shared_ptr<const PlannedInPass> planned = nullptr;      // null: this pass has not planned
  std::shared_ptr<const Verification> verification = nullptr;  // null: it has not verified
  std::vector<Failure> failures = {};  // of this pass, all of them; the record has the first 20

  Record& record() { return migration.record; }
  const MigrationSpec& spec() const { return migration.spec; }
  const Plan& plan() const { return *migration.record.plan; }

  void log(std::string_view level, const std::string& message) const {
    if (settings.log) settings.log(level, message);
  }
  void report(std::string_view crd, std::string_view step, int done, int total) const;
  /// The progress entry of a CRD, made on first use.
  CrdProgress& progress(const PlannedAction& action);
};

/// What a step came to. Errors that a retry may cure are returned as Error instead.
struct StepOutcome {
  enum class Kind {
    Progressed,  // observe again at once
    Waiting,     // for something outside that is expected to happen
    Stalled,     // a person is needed; we look again after `retry_after`
  };
  Kind kind = Kind::Progressed;
  std::string reason;   // CamelCase
  std::string message;  // what is wrong, and what to do
  std::chrono::milliseconds retry_after{0};

  static StepOutcome progressed() { return {}; }
  static StepOutcome waiting(std::string reason, std::string message,
                             std::chrono::milliseconds retry_after);
  static StepOutcome stalled(std::string reason, std::string message,
                             std::chrono::milliseconds retry_after = std::chrono::seconds(10));
};

/// Forgets the plan, so that the next pass plans again. Right only while nothing irreversible has
/// been done.
void drop_plan(Run& run);

/// Writes the record into the resource's status, under the resourceVersion last seen; nothing is
/// sent where nothing changed. Conflict means that the resource changed: start the pass again.
Result<void> write_record(Run& run);

}  // namespace gatelift
