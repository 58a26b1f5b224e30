// SPDX-License-Identifier: Apache-2.0
// What a cluster holds of Gateway API, as people read it. Pure.
#pragma once

#include <string>
#include <vector>

#include "reconcilers/migration.h"

namespace gatelift {

/// "v1.4.1/standard", or in words where it is no bundle: "several bundles (standard)".
std::string from_text(const BundleRef& from);

/// True where there is more to say than from_text does: a CRD that is not exactly of that bundle.
bool is_worth_showing(const BundleRef& from, const std::vector<InstalledCrd>& crds);

/// A row per CRD: what it is, and of which bundles, or which one it names. Each line begins with
/// two spaces.
std::string installed_text(const std::vector<InstalledCrd>& crds);

}  // namespace gatelift
