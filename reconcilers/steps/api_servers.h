// SPDX-License-Identifier: Apache-2.0
// What has to be known of the API servers themselves: of several, each learns of a changed CRD by
// its own watch.
#pragma once

#include <chrono>
#include <optional>
#include <vector>

#include "reconcilers/run.h"

namespace gatelift {

/// How many kube-apiservers serve: the addresses of the Service default/kubernetes, or, where those
/// are fewer, the leases that API servers hold in kube-system (KEP-1965), since one address may
/// stand before several. nullopt where we may not look at both.
Result<std::optional<int>> num_api_servers(Run& run);

/// Whether an update may leave a field invalid that it does not change (ratcheting, KEP-4008): on
/// by default from Kubernetes 1.30 on. False where the version cannot be read.
Result<bool> forgives_unchanged_fields(Run& run);

/// How long it still takes until wait_until_settled would return; 0 where it would at once.
Result<std::chrono::milliseconds> settling_time(Run& run,
                                                const std::vector<const CrdSummary*>& crds);

/// Returns when this spec of the CRD was written, or first seen, that long ago.
Result<void> wait_since_written(Run& run, const CrdSummary& crd, std::chrono::milliseconds time);

/// Returns when every API server can be expected to go by the specs of these CRDs as they were
/// seen. Until then one may still encode objects in the storage version of before, and answer a
/// write of nothing as if they were current (apiextensions-apiserver swaps the storage of a CRD
/// when its informer hears of it, not in the write). A spec that this process has not written or
/// seen before is taken for just written.
Result<void> wait_until_settled(Run& run, const std::vector<const CrdSummary*>& crds);

}  // namespace gatelift
