// SPDX-License-Identifier: Apache-2.0
// Which policy wins where two compete for one target: the older by creationTimestamp, then the first by name
// (GEP-713, "Conflict Resolution"). Creating objects anew gives them new timestamps with a resolution of one second, so
// the order and the spacing of creations decide the winner.
#pragma once

#include <string>
#include <vector>

#include "client/object.h"

namespace gatelift {

struct Contender {
  std::vector<std::string> targets;  // what the object competes for, see contested_targets
  std::string creation_timestamp;    // the original one
  ObjectKey key;
};

/// When an object may be created: in a wave after those it must not overtake, and for some not within the same second.
struct Place {
  int wave = 0;
  bool after_a_second = false;  // the whole wave waits for the server's next second
};

/// The targets of a policy (spec.targetRefs or spec.targetRef, with sectionName), in its namespace; none for others.
std::vector<std::string> contested_targets(const Json& object);

/// Places that keep every winner. Contenders without a rival are in wave 0.
std::vector<Place> creation_places(const std::vector<Contender>& contenders);

}  // namespace gatelift
