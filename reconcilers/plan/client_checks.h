// SPDX-License-Identifier: Apache-2.0
// Controllers that run in the cluster and may depend on what a plan takes away: what GatewayClasses
// say of them, and Deployments and Leases by which known ones are recognised.
#pragma once

#include "client/cluster.h"
#include "reconcilers/plan/findings.h"
#include "reconcilers/plan/plan.h"

namespace gatelift {

/// Adds VersionClients checks: a warning for a GatewayClass whose controller does not support the
/// installed bundle; and, where the target stops serving a version, notes about every controller
/// that was found. What we may not list, or what changes too fast to be read, is a note. Errors are
/// those of the other reads.
Result<void> check_controllers(Cluster& cluster, const PlanInputs& inputs, Findings& findings);

/// True for checks about who uses the API, which changes whenever a controller writes status: they
/// are no part of what is approved.
bool is_about_clients(const Check& check);

}  // namespace gatelift
