// SPDX-License-Identifier: Apache-2.0
// The CRDs of a cluster, recognised by their content: which bundle is installed, and what else is
// there.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "reconcilers/bundle/recogniser.h"
#include "reconcilers/plan/findings.h"
#include "reconcilers/plan/plan.h"

namespace gatelift {

/// `from` says which bundle is installed:
///   version and channel  every CRD is exactly one of this bundle, but for orphans: CRDs that
///                        neither it nor the target has. Absent CRDs prove nothing, since
///                        upstream's ways to install a bundle leave some out. Of several such
///                        bundles (v1.2.0 equals v1.2.1) the one that most CRDs name, else the
///                        last.
///   "mixed"              there is no such bundle; with the channel, where all have the same
///   "unknown"            not one CRD is exactly of a bundle
///   "none"               there are no CRDs
struct InstalledState {
  /// CRDs that are of one bundle.
  struct Share {
    BundleRef bundle;
    std::vector<std::string> crds;  // names; empty for a `from` that is a bundle
  };

  BundleRef from;
  std::vector<InstalledCrd> crds;  // by name; owners are for others to fill in
  /// The bundles that are installed, the largest share first: one, or where `from` is "mixed" as
  /// many as it takes, without those of which only orphans are left.
  std::vector<Share> shares;
};

/// Without a target nothing counts as wanted, so that in a mix there are no orphans.
InstalledState recognise(const Installed& installed, const Bundle* target, Recogniser& recogniser);

/// True where `from` is a bundle, rather than one of the words above.
bool is_bundle(const BundleRef& from);

/// Adds MixedBundles, where `from` is that: which CRDs are of which bundle. Pure.
void check_mixed(const InstalledState& state, Findings& findings);

/// Adds UnknownContent where the content of a CRD that the run replaces is of no known bundle.
/// Pure.
void check_known(const InstalledCrd& crd, Findings& findings);

/// Adds ForeignVersion for each version that the run takes away and that no known bundle has.
void check_foreign_versions(const CrdSummary& live, const CrdSummary& target,
                            Recogniser& recogniser, Findings& findings);

/// The latest bundle that a CRD is of, or names where its content is of none: what a target may be
/// older than. nullopt where none has a version number.
struct NewestCrd {
  BundleRef bundle;
  std::string crd;
};
std::optional<NewestCrd> newest_of(const std::vector<InstalledCrd>& crds);

}  // namespace gatelift
