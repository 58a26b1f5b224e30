// SPDX-License-Identifier: Apache-2.0
// Brings both halves of every object of a bridged kind (convert/halves.h) into step, and keeps them
// so while others go on writing at either version.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "reconcilers/convert/halves.h"
#include "reconcilers/run.h"
#include "reconcilers/steps/failures.h"
#include "reconcilers/steps/version_in_use.h"

namespace gatelift {

/// A kind whose CRD is a bridge now.
struct BridgedKind {
  const PlannedAction& action;
  const CrdSummary& crd;  // live
  const Halves& halves;
  bool serves_from = true;  // clients of the version that leaves still read and write
  /// Whether what we have written is to be nobody's: while the run waits, people go on applying at
  /// either version, and would meet us as the owner of fields that they did not write.
  bool is_released = false;
  WritersOfVersion* writers = nullptr;  // gathers who wrote at the version that leaves; may be null
};

/// Since when a process has looked for clients without a gap, and when last.
struct LooksForUse {
  Time since{};
  Time last{};
};

/// A watch of a bridged kind that outlives a pass, so that a run that waits sees each change.
struct FollowedKind {
  std::string crd;
  std::int64_t generation = 0;   // of the CRD, when the watch was opened
  std::string resource_version;  // from which it was
  std::unique_ptr<Watch> watch;
  /// One of the version that leaves, opened before it is unserved: it stands for those of others.
  std::unique_ptr<Watch> last_watch;
  WritersOfVersion writers;  // at the version that leaves
  LooksForUse looks;
};

/// What came of bringing objects into step.
struct Projected {
  int seen = 0;
  int written = 0;
  std::vector<ObjectKey> raced;  // that keep changing, and are not in step
  int not_shown = 0;             // whose edit the version that leaves has no fields for
  int marked_unshown = 0;        // of these, now
  ObjectFailures failures;
  std::string resource_version;  // of the list
};

/// status.inPlace, made on first use: a bridge may be found that another run has left.
InPlaceRecord& in_place_record(Run& run, const std::string& crd);

/// Looks at every object once, and writes the half that is missing, or that an edit of the other
/// has outdated, under the object's resourceVersion. Where both were edited since they were in step
/// nothing is written, which is a failure (BothEdited), unless a consent lets the newer win. What
/// the version that stays cannot have is a failure, too. Where the kind is to be released, our
/// entry in the managedFields of what is in step goes, by a write of its own: it cannot go in the
/// write that makes us an owner.
Result<Projected> project_all(Run& run, const BridgedKind& kind);

/// project_all until one has left nothing out; a Stalled outcome where objects failed, Waiting
/// where some change each time. `list` is set to its snapshot: what changes after that is still to
/// be followed.
Result<std::optional<StepOutcome>> bring_into_step(Run& run, const BridgedKind& kind,
                                                   std::string& list);

/// Brings into step what a watch shows as changed, for this long. Expired where the watch has
/// ended, or something failed that is to be said: everything has to be looked at again. The time
/// from an event to the end of its write goes into the record.
Result<void> follow(Run& run, const BridgedKind& kind, Watch& watch,
                    std::chrono::milliseconds time);

}  // namespace gatelift
