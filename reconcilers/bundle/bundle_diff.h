// SPDX-License-Identifier: Apache-2.0
// Everything in which two bundles differ: CRDs, versions, and for versions that both have, schemas.
#pragma once

#include <string>
#include <vector>

#include "reconcilers/bundle/bundle.h"
#include "reconcilers/bundle/change.h"

namespace gatelift {

struct BundleDiff {
  BundleRef from;
  BundleRef to;
  std::vector<Change> changes;  // by CRD, version and path; without verdicts
  std::size_t documentation = 0;
};

/// Compares CRDs by name and their versions by name. Annotations, which name the bundle itself, are
/// no difference. Keeps at most two CRDs as JSON trees at once.
BundleDiff diff_bundles(const Bundle& from, const Bundle& to);

/// The entry of a version in a CRD's spec.versions, or nullptr.
const Json* version_entry(const Json& crd, const std::string& version);

/// The schema of a version's entry; an empty one where it has none.
const Json& schema_of_version(const Json& entry);

}  // namespace gatelift
