// SPDX-License-Identifier: Apache-2.0
// Whether the target takes the run's own write of an object that it refuses as a new one. An update
// may leave a field invalid that it does not change (ratcheting, KEP-4008), but not every error is
// forgiven, for instance not a rule whose evaluation fails. Which is which the API server is asked.
#pragma once

#include <string>
#include <vector>

#include "reconcilers/run.h"
#include "reconcilers/steps/rehearsed_object.h"

namespace gatelift {

/// One object, and the write.
struct RewritingTrial {
  Json before;  // what the object is, for the copy (trial_body), which refuses it as Invalid
  Json after;   // what the write makes of its spec and status
  bool changes_metadata = false;  // managedFields or an annotation

  // What came of it.
  std::vector<Refusal> refusals;  // the fields for which the write is refused
  std::string unproven;           // why nobody knows whether it is; "" where it was tried
};

/// Opens the schema of the copy of `target`, which is this migration's and served, really creates
/// the objects there, without labels and annotations, gives the copy the target's schema back,
/// sends each write as a dry run, and deletes the objects again. What cannot be done within 10 s,
/// or is not allowed, makes trials unproven. Errors are about no object, and leave a copy that has
/// to be removed, with objects in it.
Result<void> try_rewritings(Run& run, const BundleCrd& target, std::vector<RewritingTrial>& trials);

}  // namespace gatelift
