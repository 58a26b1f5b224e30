// SPDX-License-Identifier: Apache-2.0
// Whether a kind can be converted in place: there is one schema for both shapes, and this API
// server takes the CRD that has it.
#pragma once

#include "client/cluster.h"
#include "reconcilers/bundle/bundle.h"
#include "reconcilers/plan/findings.h"

namespace gatelift {

/// Adds a NoUnion blocker where a field has two types, and a CRDRefused blocker where the API
/// server refuses the bridge, which is written as a dry run where `may_try`. `is_denied` says that an
/// admission policy is known to deny it, which is a check of its own. Errors are those of the calls.
Result<void> check_bridge(Cluster& cluster, const CrdSummary& live, const BundleCrd& target,
                          bool may_try, bool is_denied, Findings& findings);

}  // namespace gatelift
