// SPDX-License-Identifier: Apache-2.0
// What hangs on objects that are deleted and made anew: the garbage collector deletes an object
// whose owner's uid is gone.
#pragma once

#include <string>
#include <vector>

#include "client/cluster.h"
#include "reconcilers/plan/findings.h"

namespace gatelift {

/// Adds a Dependents check for every object that names one of `owner_uids` as its owner, and one
/// note about where it could not look. In mode Plan nothing is run, so that a missing right to
/// change a dependent does not block. Returns how many there are.
Result<int> check_dependents(Cluster& cluster, const std::vector<std::string>& owner_uids,
                             Mode mode, Findings& findings);

}  // namespace gatelift
