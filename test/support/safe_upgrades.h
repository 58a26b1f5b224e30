// SPDX-License-Identifier: Apache-2.0
// The safe-upgrades policy in memory: documents that are recognised as the released variants, said
// in our own words, and an API server that goes by them.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "reconcilers/admission/safe_upgrades.h"
#include "test/support/fake_cluster.h"

namespace gatelift {

enum class SafeUpgradesRules { V1_5, V1_6Standard, V1_6Experimental };

Json safe_upgrades_policy(SafeUpgradesRules rules, const std::string& bundle_version = "v1.5.1");
Json safe_upgrades_binding(const std::string& bundle_version = "v1.5.1");

/// Both documents, as a bundle has them.
std::vector<Json> safe_upgrades_documents(SafeUpgradesRules rules,
                                          const std::string& bundle_version = "v1.5.1");

/// Puts both into the cluster, applied by `manager`, with what the API server adds by default.
void install_safe_upgrades(FakeCluster& cluster, SafeUpgradesRules rules,
                           const std::string& manager = "kubectl");

/// From now on CRD writes are denied as the policy in the cluster says, while it and its binding
/// are there, and for `lag` after that: by the bundle's minor only, which is not how the program
/// judges.
void enforce_safe_upgrades(FakeCluster& cluster, ManualClock& clock,
                           std::chrono::milliseconds lag = std::chrono::milliseconds(0));

/// The policy as the cluster has it, or null.
Json live_safe_upgrades(FakeCluster& cluster);
bool has_safe_upgrades(FakeCluster& cluster);

}  // namespace gatelift
