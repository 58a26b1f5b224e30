// SPDX-License-Identifier: Apache-2.0
// Storage migration: every object is written once, unchanged, so that the API server encodes it in the current storage
// version; then, and only then, the CRD's stored versions are pruned.
#pragma once

#include "reconcilers/run.h"

namespace gatelift {

/// Rewrites every object of `crd` (as it is live) at its storage version until a whole pass changes nothing: a write
/// that leaves the resourceVersion as it was proves that the stored bytes are current (in the source of the API server:
/// a write of equal bytes is skipped). In the same write managedFields entries and a last-applied-configuration that
/// name a version outside `kept_versions` are brought to the storage version.
/// Then sets status.storedVersions to the storage version alone, under the resourceVersion that was read before.
/// An object that cannot be written makes a failure in the record and a Stalled outcome; nothing is pruned then.
Result<StepOutcome> rewrite_and_prune(Run& run, const PlannedAction& action, const CrdSummary& crd,
                                      const std::vector<std::string>& kept_versions);

}  // namespace gatelift
