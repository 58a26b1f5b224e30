// SPDX-License-Identifier: Apache-2.0
// What the CRDs themselves say about changing them: their state, their content, and whether this
// API server takes what shall take their place.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "client/cluster.h"
#include "reconcilers/plan/findings.h"
#include "reconcilers/plan/plan.h"

namespace gatelift {

/// Adds checks about the live CRD's state. False where it is such that nothing more can be said
/// about it. Pure.
bool check_state(const PlannedAction& action, const CrdSummary& live, Findings& findings);

/// A CRD write to be tried. `live` is the metadata of the CRD as it is, null where it is absent.
struct Trial {
  const PlannedAction& action;
  const BundleCrd& target;
  const Json& live;
  bool is_denied = false;  // by an admission policy, which has its own check
};

/// What the API server says to a refusal, quoted: its causes, or its message where it gave none.
std::string words_of(const Error& error);

/// A CRDRefused check with the API server's own words. `refused` is what it did not take.
Check refusal_of(const std::string& crd, const Error& error, const std::string& refused,
                 std::string next);

/// Asks the API server, by dry runs of the very writes, whether it takes the target CRDs: adds
/// CRDRefused with its own words where it does not. What is absent, is made anew, or lacks a
/// version still stored is tried as a creation, which is validated before it is found to exist.
/// Requires: we may make these writes, so that Forbidden means admission. Returns those refused.
Result<std::set<std::string>> check_refusals(Cluster& cluster, const std::vector<Trial>& trials,
                                             Findings& findings);

/// True when check_refusals tries the CRD as a creation. Pure.
bool is_tried_as_creation(const PlannedAction& action, const CrdSummary& target);

}  // namespace gatelift
