// SPDX-License-Identifier: Apache-2.0
// Two bundles' differences as people and programs read them. Pure.
#pragma once

#include <string>
#include <vector>

#include "client/json.h"
#include "reconcilers/bundle/channel_rules.h"
#include "reconcilers/bundle/policy_rules.h"

namespace gatelift {

struct BundleComparison {
  BundleDiff diff;  // judged
  Step step;
  std::vector<ReleaseFinding> releases;
};

/// A paragraph per CRD with one line per change, a change that several versions have in common
/// once; its verdict at the end, violations in upper case. Long values are cut. Ends with the
/// counts.
std::string diff_text(const BundleComparison& comparison, bool colored);

/// All of it, uncut, each change of each version by itself.
Json diff_json(const BundleComparison& comparison);

/// True where a change violates a rule, or the later release does where the earlier one did not.
bool violates_policy(const BundleComparison& comparison);

}  // namespace gatelift
