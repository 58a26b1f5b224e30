// SPDX-License-Identifier: Apache-2.0
// Rule M6: what is new in the standard channel was in the experimental one a minor before.
#pragma once

#include "client/json.h"
#include "reconcilers/bundle/change.h"

namespace gatelift {

/// What of a change that adds a CRD, a version or a field to the CRD `now` is not in `before`, the
/// same CRD of the bundle to look in, or null where that has none: "v1", "spec.tls.frontend". ""
/// where all of it is.
std::string not_experimental_before(const Change& change, const Json& now, const Json& before);

}  // namespace gatelift
