// SPDX-License-Identifier: Apache-2.0
// Fields that move or are mended inside a version (convert/carry_rules.h). The old value can be
// read until the target's CRD is written, and the new field can be written only after that: in
// between the backup alone has it.
#pragma once

#include "reconcilers/run.h"

namespace gatelift {

/// Before the CRD is written: adds every object to the backup that it does not hold in its present
/// state. A problem is what a new or changed object needs a person for.
Result<std::optional<StepOutcome>> secure_fields(Run& run, const PlannedAction& action,
                                                 const CrdSummary& live);

/// After the CRD is written: writes what was moved or mended into each object, in the name of the
/// manager that owns its spec (or its status), and leaves the ownership of fields as it was. An object whose fields in question somebody has set since stays as
/// it is, and is counted as skipped.
Result<StepOutcome> carry_fields(Run& run, const PlannedAction& action, const CrdSummary& live);

/// Where `live` has, at every place that `patch` changes, what `from` has there: nobody has set
/// anything since. Fields that `from` lacks below these places are taken for the server's defaults.
bool is_untouched(const Json& patch, const Json& from, const Json& live);

/// What has to be written to make spec and status of `from` those of `to`, as a JSON merge patch
/// (RFC 7396); an empty object where nothing has to. Pure.
Json merge_patch_between(const Json& from, const Json& to);

}  // namespace gatelift
