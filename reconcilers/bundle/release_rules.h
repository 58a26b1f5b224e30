// SPDX-License-Identifier: Apache-2.0
// Rules A1 and A2: what has to hold for one bundle by itself.
#pragma once

#include <string>
#include <vector>

#include "reconcilers/bundle/catalogue.h"
#include "reconcilers/bundle/channel_rules.h"

namespace gatelift {

/// A1, every document of the bundle names its version and channel in its annotations, and A2, the
/// release's own kustomization lists every file of the bundle, which is for a catalogue to say
/// (none at hand: nullptr). At least one finding for each rule. Findings have the bundle's channel,
/// and as `crd` the CRD's name, of another document "Kind/name".
std::vector<ReleaseFinding> check_release(const Bundle& bundle, const CataloguedBundle* catalogued);

}  // namespace gatelift
