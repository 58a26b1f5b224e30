// SPDX-License-Identifier: Apache-2.0
// ConfigMaps that a policy names go along when it is made anew in another namespace.
#pragma once

#include <string>
#include <vector>

#include "reconcilers/run.h"

namespace gatelift {

/// An object that is made anew in another namespace.
struct NamespaceMove {
  std::string object;  // for messages, as it is called now
  std::string name;
  std::string from;
  std::string to;
  std::vector<std::string> config_maps;  // of its CA certificates
};

/// What stands in the way of the moves, as blockers: a namespace that is not there or goes away
/// (NamespaceMissing), and a ConfigMap of the name with other data, there already or to be copied
/// there for another object (ConfigMapTaken). What we may not read stands in no way.
Result<std::vector<Check>> obstacles_to(Cluster& cluster, const std::vector<NamespaceMove>& moves);

/// Copies, for each object of `action` that the backup intends for another namespace, the
/// ConfigMaps of its CA certificates there. Stalled where something has come in the way since the
/// plan was made. Done before anything is deleted.
Result<StepOutcome> copy_config_maps(Run& run, const PlannedAction& action);

}  // namespace gatelift
