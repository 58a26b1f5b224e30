// SPDX-License-Identifier: Apache-2.0
// What of a record says that fields of objects are on their way (Record::is_carrying).
#pragma once

#include "reconcilers/migration.h"

namespace gatelift {

/// True of a Carry from before its CRD is written until its fields are where they go.
bool is_carrying(const CrdProgress& crd);

/// Forgets how far the work on each CRD is, as a new plan begins with none done. Not so where
/// fields are on their way: that goes on to be known until a plan is there that does not carry
/// them, since until then nothing may rest.
void forget_progress(Record& record);

}  // namespace gatelift
