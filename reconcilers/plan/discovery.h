// SPDX-License-Identifier: Apache-2.0
// Which collections the API server has.
#pragma once

#include <string>
#include <vector>

#include "client/cluster.h"

namespace gatelift {

struct Collection {
  Resource resource;
  std::string kind;
};

struct Discovery {
  std::vector<Collection> listable;     // each once, at the version its group prefers
  std::vector<std::string> unreadable;  // "group/version" whose server did not answer
};

/// Reads /api and /apis and every group and version in them. A group whose server is down (an
/// aggregated API, for instance metrics.k8s.io) does not fail the others; an API server that does
/// not answer does.
Result<Discovery> discover(Cluster& cluster);

/// True when a collection or group cannot be read and trying again would not help: it is forbidden,
/// it is not there, or the aggregated API server behind it is down.
bool is_out_of_reach(const Error& error);

}  // namespace gatelift
