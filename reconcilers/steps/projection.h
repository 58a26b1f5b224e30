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

namespace gatelift {

/// A kind whose CRD is a bridge now.
struct BridgedKind {
  const PlannedAction& action;
  const CrdSummary& crd;  // live
  const Halves& halves;
  bool serves_from = true;  // clients of the version that leaves still read and write
};

/// A watch of a bridged kind that outlives a pass, so that a run that waits sees each change.
struct FollowedKind {
  std::string crd;
  std::int64_t generation = 0;  // of the CRD, when the watch was opened
  std::unique_ptr<Watch> watch;
};

/// What came of bringing objects into step.
struct Projected {
  int seen = 0;
  int written = 0;
  int raced = 0;      // that changed meanwhile, and are not in step
  int not_shown = 0;  // whose edit the version that leaves has no fields for
  ObjectFailures failures;
  std::string resource_version;  // of the list
};

/// Looks at every object once, and writes the half that is missing, or that an edit of the other
/// has outdated, under the object's resourceVersion. Where both were edited since they were in step
/// nothing is written, which is a failure (BothEdited), unless a consent lets the newer win. What
/// the version that stays cannot have is a failure, too.
Result<Projected> project_all(Run& run, const BridgedKind& kind);

/// project_all until one finds everything in step; a Stalled outcome where objects failed, Waiting
/// where they change all the time. `list` is set to the snapshot from which nothing was missing.
Result<std::optional<StepOutcome>> bring_into_step(Run& run, const BridgedKind& kind,
                                                   std::string& list);

/// Brings into step what a watch shows as changed, for this long. Expired where the watch has
/// ended: everything has to be looked at again. The time from an event to the end of its write goes
/// into the record.
Result<void> follow(Run& run, const BridgedKind& kind, Watch& watch,
                    std::chrono::milliseconds time);

}  // namespace gatelift
