// SPDX-License-Identifier: Apache-2.0
// What holds for whole releases, as people and programs read it. Pure.
#pragma once

#include <string>
#include <vector>

#include "client/json.h"
#include "reconcilers/bundle/bundle_diff.h"
#include "reconcilers/bundle/channel_rules.h"

namespace gatelift {

/// A line for what several releases, CRDs, versions or fields have in common, with the first two
/// CRDs and fields. "" where there is nothing.
std::string releases_text(const std::vector<ReleaseFinding>& findings, bool colored);

Json release_json(const ReleaseFinding& finding);

/// False for what the bundle that a step comes from had already, which is no doing of the step. A
/// step between the channels of one release is about all of it. Requires: `finding` is one of
/// `all`.
bool is_new(const ReleaseFinding& finding, const std::vector<ReleaseFinding>& all,
            const BundleDiff& step);

}  // namespace gatelift
