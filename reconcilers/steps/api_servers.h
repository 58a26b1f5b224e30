// SPDX-License-Identifier: Apache-2.0
// What has to be known of the API servers themselves: of several, each learns of a changed CRD by its own watch.
#pragma once

#include <optional>

#include "reconcilers/run.h"

namespace gatelift {

/// How many kube-apiservers there are, by the addresses of the Service default/kubernetes; nullopt where we may not look.
Result<std::optional<int>> num_api_servers(Cluster& cluster);

/// Returns when every API server can be expected to go by the last write of this CRD. Until then one may still encode
/// objects in the storage version of before, and answer a write of nothing as if they were current
/// (apiextensions-apiserver swaps the storage of a CRD when its informer hears of it, not in the write). A CRD whose
/// last write this process did not make is taken for just written.
Result<void> wait_until_settled(Run& run, const std::string& crd);

}  // namespace gatelift
