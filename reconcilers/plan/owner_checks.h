// SPDX-License-Identifier: Apache-2.0
// Who else manages a CRD: a tool that would put its own content back, or that should be told first.
#pragma once

#include <optional>
#include <string>

#include "client/cluster.h"
#include "reconcilers/plan/findings.h"

namespace gatelift {

/// What a tool leaves on what it manages. Pure.
struct ForeignOwner {
  std::string field;  // the label or annotation that says so
  std::string name;   // "Helm release traefik/traefik"
  std::string next;   // what to change there first
};
std::optional<ForeignOwner> foreign_owner(const Json& object);

/// Adds a ForeignOwner check where one manages the live CRD. Returns the CRD's metadata, nullopt
/// where it is gone.
Result<std::optional<Json>> check_owner(Cluster& cluster, const std::string& crd,
                                        Findings& findings);

}  // namespace gatelift
