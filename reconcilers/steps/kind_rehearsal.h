// SPDX-License-Identifier: Apache-2.0
// The rehearsal of one kind: every object of it, page by page, is tried as a dry run.
#pragma once

#include <optional>

#include "reconcilers/run.h"
#include "reconcilers/steps/rehearsal_protocol.h"
#include "reconcilers/steps/restored_object.h"
#include "reconcilers/steps/scratch_crd.h"

namespace gatelift {

/// One kind, and what of it is to be tried.
struct RehearsedKind {
  const PlannedAction& action;
  const BundleCrd* target = nullptr;  // nullptr where the target has none: its objects are deleted
  const CrdSummary& live;
  /// As the objects shall be, at a copy of the target's CRD: they come under another schema, or
  /// are made anew.
  bool at_copy = false;
  /// The run's own writes, as they will be made: the rewriting or the deletion. Shows what
  /// admission says to them.
  bool by_own_write = false;
  /// Whether a policy or a webhook may judge the run's own writes. Where none does, and the object
  /// is tried at a copy, the first write alone is tried: for what is built into an API server.
  bool is_judged = true;
};

/// What is true for all kinds.
struct RehearsalWays {
  CreateBy create_by = CreateBy::Post;
  bool forgives_unchanged_fields = false;  // of the API server
};

/// Tries the objects and puts down what came of it. `copy` is that of the kind. An outcome where an
/// object turned out not to be convertible any more: the plan is dropped, so that planning says so.
Result<std::optional<StepOutcome>> rehearse_kind(Run& run, const RehearsedKind& kind,
                                                 const ScratchCopy& copy, const RehearsalWays& ways,
                                                 RehearsalProtocol& protocol);

}  // namespace gatelift
