// SPDX-License-Identifier: Apache-2.0
// Whether a kind can be converted in place: there is one schema for both shapes, and this API
// server takes the CRD that has it.
#pragma once

#include "client/cluster.h"
#include "reconcilers/bundle/bundle.h"
#include "reconcilers/plan/findings.h"

namespace gatelift {

/// Why no CRD can have both versions of a kind, in words; "" where one can. `live` is the CRD as it
/// is, which may be a bridge. Pure.
std::string obstacle_to_bridge(const Json& live, const BundleCrd& target);

/// Adds a NoUnion blocker where there is such an obstacle, and a CRDRefused blocker where the API
/// server refuses the bridge, which is written as a dry run where `may_try`: it is false where that
/// has a check of its own already. `is_denied` says that an admission policy is known to deny it.
/// Errors are those of the calls.
Result<void> check_bridge(Cluster& cluster, const Json& live, const BundleCrd& target, bool may_try,
                          bool is_denied, Findings& findings);

}  // namespace gatelift
