// SPDX-License-Identifier: Apache-2.0
// The Rehearse phase: the API server itself, with its own rules, says of every object whether it
// takes what the run would make of it, before anything of the user's is written.
#pragma once

#include "reconcilers/run.h"

namespace gatelift {

/// Tries every object that the plan writes or brings under another schema, two kinds at a time:
/// what comes under another schema, or is made anew, at a copy of the target's CRD
/// (scratch_crd.h), and the run's own writes as dry runs. Sets the record's rehearsal, puts what
/// was found into the plan's checks, and what became of each object into the report. The copies are
/// gone when it returns, unless it returns an error. Progressed also where objects were refused:
/// ask the plan whether it stops.
Result<StepOutcome> rehearse(Run& run);

/// Whether one of the first objects that stop the plan was changed or deleted since: a rehearsal is
/// then worth it at once. Goes by the times in managedFields.
Result<bool> was_mended(Run& run);

}  // namespace gatelift
