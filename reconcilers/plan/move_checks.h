// SPDX-License-Identifier: Apache-2.0
// What stands in the way of objects that are made anew in another namespace.
#pragma once

#include <string>
#include <vector>

#include "client/cluster.h"
#include "reconcilers/migration.h"

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

/// What a ConfigMap holds, without its metadata.
Json data_of(const Json& config_map);

}  // namespace gatelift
