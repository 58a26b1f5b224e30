// SPDX-License-Identifier: Apache-2.0
// The value types of a migration: what is asked for (MigrationSpec), what would be done (Plan), and
// what cannot be seen again in the cluster and is therefore kept in the resource's status (Record).
// migration_json.h spells their fields.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "client/object.h"
#include "client/time.h"
#include "reconcilers/bundle/bundle.h"

namespace gatelift {

inline const Resource kMigrations{"gatelift.dev", "v1alpha1", "gatewayapimigrations", false};
inline constexpr std::string_view kMigrationKind = "GatewayAPIMigration";

/// Set by `gatelift rollback` on the resource: "true", or the name of the backup to go back to.
inline constexpr std::string_view kRollbackAnnotation = "gatelift.dev/rollback";

enum class Strategy {
  Recreate,  // delete and create again
  InPlace,   // delete nothing
};
/// When an InPlace conversion may stop serving the old version.
enum class Hold {
  None,         // as soon as every object has both shapes
  Approval,     // when spec.inPlace.hold is set to None
  UntilUnused,  // when nobody has used the old version for spec.inPlace.unusedFor
};
enum class Mode { Apply, Plan };
enum class Approval { Automatic, Required };
enum class OnFailure { Halt, Rollback };

/// A consent: a check's code, object and field, copied or as patterns (findings.h), and where a
/// check offers several ways the one that is chosen.
struct Consent {
  std::string check;
  std::string object;
  std::string field;
  std::string resolution = {};  // one of the check's resolutions; may be empty

  bool operator==(const Consent&) const = default;
};

struct MigrationSpec {
  BundleRef target;
  Strategy strategy = Strategy::InPlace;
  Mode mode = Mode::Apply;
  Approval approval = Approval::Automatic;
  std::string approved_plan;
  bool suspend = false;
  OnFailure on_failure = OnFailure::Halt;
  std::vector<Consent> accept;
  std::chrono::hours retain{720};
  Hold hold = Hold::None;                                           // field inPlace.hold
  std::chrono::milliseconds unused_for = std::chrono::minutes(10);  // field inPlace.unusedFor

  bool operator==(const MigrationSpec&) const = default;
};

enum class Severity { Blocker, Consent, Warning, Note };

/// One finding of the preflight.
struct Check {
  std::string code;  // CamelCase, for instance "ForeignTargetNamespace"
  Severity severity = Severity::Note;
  std::string object;      // "Kind/ns/name" or "Kind/name"
  std::string field;       // may be empty
  std::string message;     // one sentence
  std::string next;        // what to do about it; empty for notes
  bool accepted = false;   // a consent in spec.accept covers it
  bool by_object = false;  // only a consent that names the object, not a pattern, covers it
  std::vector<std::string> resolutions = {};  // ways to go on, of which a consent names one
  std::string resolution = {};                // the one chosen
  std::string accepted_by = {};               // the consent as written: "FieldLoss HTTPRoute/*"

  /// True while this check keeps the run from its first write.
  bool stops() const {
    return severity == Severity::Blocker || (severity == Severity::Consent && !accepted);
  }

  bool operator==(const Check&) const = default;
};

enum class ActionKind {
  Create,    // the cluster does not have this CRD
  Update,    // same shape, other content; objects are rewritten where the storage version moves
  Carry,     // an Update with which fields of objects move to other places or are mended
  Reencode,  // content is right, stored versions are left over
  Convert,   // objects change their shape: they are deleted and made again
  ConvertInPlace,  // objects change their shape, and none is deleted
  Rename,          // objects are made anew at the kind that took the place of theirs
  Keep,            // the target no longer has this CRD; it stays as it is
  Remove,          // the target no longer has this CRD; it goes, with consent
  SuspendPolicy,   // an admission policy that forbids the run is taken away until its end
  InstallPolicy,   // the target's admission policy is put in place
};

/// True for actions about a CRD that the target has.
bool writes_target_crd(ActionKind kind);

/// What a plan says about one CRD, or about one admission policy.
struct PlannedAction {
  ActionKind kind = ActionKind::Update;
  std::string crd;     // its name; of SuspendPolicy and InstallPolicy that of the policy
  std::string to_crd;  // Rename: the CRD that the objects are made anew at
  std::string object_kind;
  std::string reason;
  std::string from_digest;  // of the live CRD when planned; "" where absent
  std::string to_digest;    // "" for Keep
  std::string from_storage;
  std::string to_storage;
  std::vector<std::string> stored_versions;  // live, when planned
  int objects = 0;
  bool rewrites_objects = false;  // every object is written once
  int changed_objects = 0;        // of which a field moves, is mended or is lost

  bool operator==(const PlannedAction&) const = default;
};

enum class Operation { Upgrade, Rollback };

/// How an installed CRD stands to the bundles that are known.
enum class CrdIdentity {
  Exact,     // some bundle holds exactly this one
  Modified,  // it names a bundle that is known, and which holds another content
  Unknown,   // nothing that is known holds it
};

/// One CRD of the cluster, recognised by its content.
struct InstalledCrd {
  std::string crd;
  CrdIdentity identity = CrdIdentity::Unknown;
  std::vector<BundleRef> bundles;  // Exact: those that hold it, by version and channel
  BundleRef named;                 // what its annotations name: a hint
  bool orphaned = false;           // neither the bundle that is installed nor the target has it
  std::string owner;  // who manages it ("Helm release ns/name"); "" where nobody is known to

  bool operator==(const InstalledCrd&) const = default;
};

/// What a strategy would take, risk and need where objects change their shape: an item of
/// status.plan.strategies. A Blocker or a Consent about it stands among the checks of the plan.
struct StrategyEstimate {
  Strategy strategy = Strategy::Recreate;
  bool chosen = false;
  std::chrono::milliseconds unavailable{0};  // of one object; field estimatedUnavailable
  int writes = 0;                            // of the whole run; field estimatedWrites
  int writes_per_object = 0;                 // at most, of those that change their shape
  int objects_recreated = 0;                 // which get a new uid and creationTimestamp
  int policies_interrupted = 0;              // of those that a controller has accepted
  std::vector<std::string> obstacles = {};   // why it cannot be taken; empty where it can
  std::vector<std::string> risks = {};
  std::vector<std::string> needs = {};

  bool operator==(const StrategyEstimate&) const = default;
};

struct Plan {
  std::string digest;  // over all that follows but what is estimated, and every object's identity
  Operation operation = Operation::Upgrade;
  BundleRef
      from;  // version "mixed" where the CRDs are of several bundles, "none" where there are none
  BundleRef to;
  std::string bundle_digest;
  std::vector<InstalledCrd> installed;  // by name
  std::vector<PlannedAction> actions;   // in the order in which they run
  std::vector<Check> checks;            // worst first
  int checks_omitted = 0;               // found, and not kept in `checks`
  int objects = 0;
  int estimated_writes = 0;
  std::chrono::milliseconds estimated_unavailable{0};
  std::vector<StrategyEstimate> strategies;  // of an upgrade in which objects change their shape

  const PlannedAction* action(std::string_view crd) const;
  bool stops() const;
  /// True when running it would change nothing.
  bool is_empty() const;

  bool operator==(const Plan&) const = default;
};

/// In the order of the phase table.
enum class Phase { Plan, Approve, Rehearse, BackUp, Migrate, Verify, Done };

/// How the objects of a plan fared at the target's schemas, before anything of the user's was
/// written. objects = at_copy + by_dry_run + without; accepted + refused = at_copy + by_dry_run.
struct RehearsalRecord {
  std::string plan;  // digest of the plan that was rehearsed
  int objects = 0;   // those that the plan writes, or that come under another schema
  int accepted = 0;
  int refused = 0;
  int at_copy = 0;     // evidence: created, as a dry run, at a copy of the target's CRD
  int by_dry_run = 0;  // evidence: the run's own write, as a dry run
  int without = 0;     // no evidence; why not is in the report
  std::optional<Time> rehearsed_at;

  bool operator==(const RehearsalRecord&) const = default;
};

/// found = done + unchanged + skipped + failed, once the action is over.
struct Counts {
  int found = 0;
  int done = 0;
  int unchanged = 0;
  int skipped = 0;
  int failed = 0;
  int settled() const { return done + unchanged + skipped; }

  bool operator==(const Counts&) const = default;
};

/// How far the work on one CRD is.
struct CrdProgress {
  std::string name;
  ActionKind action = ActionKind::Update;
  std::string step;  // for instance "Delete", "Replace", "Reapply", "Done"
  Counts objects;
  /// "ns/name" of objects that somebody else deleted after the backup and before we did: not to be
  /// restored. The first 100; status field `vanished`.
  std::vector<std::string> vanished;

  bool operator==(const CrdProgress&) const = default;
};

struct Failure {
  std::string object;
  std::string reason;
  std::string message;

  bool operator==(const Failure&) const = default;
};

struct BackupRecord {
  std::string ref;
  int objects = 0;
  std::size_t bytes = 0;
  std::string digest;
  std::optional<Time> verified_at;

  bool operator==(const BackupRecord&) const = default;
};

/// An admission policy that a run has taken away and that is not back: status.admission. It is set
/// before the deletion, and reset when the policy is back, replaced, or gone as planned.
struct SuspendedPolicy {
  std::string name;
  std::string backup;  // holds the policy and its binding as they were
  Time since;

  bool operator==(const SuspendedPolicy&) const = default;
};

/// What is seen of objects that are served in both shapes: status.inPlace.
struct InPlaceRecord {
  std::string crd;
  std::optional<Time> both_served_since;
  int reprojected = 0;  // edits that were brought to the other shape, since both are served
  int not_shown = 0;    // objects whose edit at the new version the old one has no fields for
  std::optional<std::chrono::milliseconds> last_lag;     // from an edit's event to its other shape
  std::optional<std::chrono::milliseconds> longest_lag;  // of this run
  /// With hold UntilUnused: when somebody else was last seen to use the version that leaves, by
  /// which evidence, and how many requests at it the API servers had counted then.
  std::optional<Time> last_used;
  std::vector<std::string> used_by;
  std::string counted;

  bool operator==(const InPlaceRecord&) const = default;
};

/// metav1.Condition.
struct Condition {
  std::string type;
  std::string status;  // "True", "False", "Unknown"
  std::string reason;
  std::string message;
  std::int64_t observed_generation = 0;
  Time last_transition;

  bool operator==(const Condition&) const = default;
};

/// When a phase began, of the last time that it did.
struct PhaseEntry {
  Operation operation = Operation::Upgrade;
  Phase phase = Phase::Plan;
  Time at;

  bool operator==(const PhaseEntry&) const = default;
};

/// The resource's status: the journal of what cannot be observed again, and the conditions that
/// people read. Conditions are output only; nothing here decides by them.
struct Record {
  std::int64_t observed_generation = 0;
  Phase phase = Phase::Plan;
  Operation operation = Operation::Upgrade;
  std::optional<Plan> plan;  // pinned once approved and free of blockers
  std::optional<RehearsalRecord> rehearsal;
  std::vector<CrdProgress> crds;
  std::vector<Failure> failures;  // the first 20
  BackupRecord backup;
  std::string rolls_back_to;         // backup that a Rollback restores
  std::string rolled_back_because;   // what failed, where onFailure asked for the Rollback;
                                     // status.rolledBackBecause
  std::vector<PhaseEntry> timeline;  // each phase of an operation once, in order
  std::optional<Time> started_at;
  std::optional<Time> finished_at;
  std::optional<Time> unavailable_since;  // first deletion
  std::optional<std::chrono::milliseconds> unavailable_measured;
  std::optional<SuspendedPolicy> suspended_policy;
  std::optional<InPlaceRecord> in_place;
  std::vector<Condition> conditions;

  CrdProgress* crd(std::string_view name);
  const Condition* condition(std::string_view type) const;
  /// Objects are deleted and not all back: nothing may come before them.
  bool is_absence_open() const { return unavailable_since && !unavailable_measured; }
  /// The same for fields: a CRD is written, and what it does not have is not yet where it goes.
  bool is_carrying() const;
  bool may_not_rest() const { return is_absence_open() || is_carrying(); }

  bool operator==(const Record&) const = default;
};

/// One GatewayAPIMigration as read from the cluster.
struct Migration {
  std::string name;
  std::string uid;
  std::string resource_version;
  std::int64_t generation = 0;
  bool deleting = false;
  std::string rollback;  // value of kRollbackAnnotation
  std::string created_at;
  MigrationSpec spec;
  Record record;

  bool operator==(const Migration&) const = default;
};

std::string_view to_string(Strategy);
std::string_view to_string(Hold);
std::string_view to_string(Mode);
std::string_view to_string(Approval);
std::string_view to_string(OnFailure);
std::string_view to_string(Severity);
std::string_view to_string(ActionKind);
std::string_view to_string(CrdIdentity);
std::string_view to_string(Operation);
std::string_view to_string(Phase);

}  // namespace gatelift
