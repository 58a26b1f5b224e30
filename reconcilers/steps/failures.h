// SPDX-License-Identifier: Apache-2.0
// Failures of single objects in a bulk step: each is kept by name, while the other objects go on.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "reconcilers/run.h"

namespace gatelift {

/// Whether a call that failed this way is worth repeating by itself; else it needs a person.
bool is_transient(ErrorKind kind);

/// Collects what went wrong with objects, and says what that makes of the step. A refusal (Forbidden, Invalid, ...) is
/// the object's own and needs a person; an interruption (Unavailable, Cancelled, ...) is nobody's and ends the pass
/// with that error, to be repeated.
class ObjectFailures {
 public:
  void note(std::string object, const Error& error);
  /// Takes over those of another kind.
  void add(ObjectFailures others);
  bool empty() const { return refusals_.empty() && !interruption_; }
  int num_refusals() const { return static_cast<int>(refusals_.size()); }

  /// Progressed where nothing failed. Refusals are put into the record (the first 20) and named in a Stalled outcome
  /// with `reason`; `verb` is for instance "deleting".
  Result<StepOutcome> outcome(Run& run, std::string reason, std::string_view verb) const;

 private:
  std::vector<Failure> refusals_;
  std::optional<Error> interruption_;
};

}  // namespace gatelift
