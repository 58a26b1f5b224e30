// SPDX-License-Identifier: Apache-2.0
// Objects whose ownerReferences name an object that is deleted and made again. The garbage collector deletes a dependent
// whose owner's uid is gone (kube-controller-manager, garbagecollector.go), so the references are taken off before the
// first deletion and put back with the new uid.
#pragma once

#include <map>

#include "reconcilers/run.h"

namespace gatelift {

/// Takes the references to backed-up objects off every Dependent in the backup. Does nothing where that is done.
Result<void> detach_dependents(Run& run);

/// Puts them back, naming `crd`'s objects as they are now. A dependent that has gone is left alone.
Result<void> attach_dependents(Run& run, const PlannedAction& action, const CrdSummary& crd);

}  // namespace gatelift
