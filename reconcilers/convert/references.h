// SPDX-License-Identifier: Apache-2.0
// References from routes, policies and grants to objects of a kind that another kind takes the
// place of: where an object is made anew, what names the old one has to name the new one as well.
#pragma once

#include <vector>

#include "reconcilers/convert/intention.h"

namespace gatelift {

/// Changes spec.parentRefs, spec.targetRefs and spec.from of the intention's object, and says so
/// in its changes.
void move_references(const std::vector<ReferenceMove>& moves, Intention& intention);

}  // namespace gatelift
