// SPDX-License-Identifier: Apache-2.0
// Upstream's versioning policy, applied to the differences between two bundles of one channel.
#pragma once

#include <optional>
#include <string>

#include "reconcilers/bundle/bundle_diff.h"

namespace gatelift {

enum class StepKind {
  Patch,
  Minor,
  Major,
  Unruled,  // back, to another channel, or between versions that are no releases
};

struct Step {
  StepKind kind = StepKind::Unruled;
  bool skips_minors = false;  // releases between the two are not looked at
  std::string why;            // of Unruled, for people
};

std::string_view to_string(StepKind);

Step step_between(const BundleRef& from, const BundleRef& to);

/// The bundle in which what is new in `to` should have been before, as a minor ("v1.4"). None where
/// `to` is no release or begins a major.
std::optional<BundleRef> previous_experimental(const BundleRef& to);

struct StepBundles {
  const Bundle& from;
  const Bundle& to;
  const Bundle* previous_experimental;  // nullptr where it is not at hand
};

/// Fills in the verdicts of `diff`, which is diff_bundles() of the same two bundles. What only a
/// release between or before them could tell is NotDecidable; without a policy for the step no
/// change gets a verdict.
void judge(BundleDiff& diff, const StepBundles& bundles);

}  // namespace gatelift
