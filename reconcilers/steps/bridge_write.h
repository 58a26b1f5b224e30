// SPDX-License-Identifier: Apache-2.0
// A bridge (inplace/bridge_crd.h) as it is written in the name of the CRD's owner.
#pragma once

#include "client/cluster.h"
#include "reconcilers/inplace/bridge_crd.h"
#include "reconcilers/steps/crd_writer.h"

namespace gatelift {

/// The bundle annotations that a bridge carries. They say what consumers may count on, and what an
/// installed safe-upgrades policy makes of the write: those of the live CRD stay ("" and ""),
/// unless that policy is there, which would deny them; then they are the target's.
Result<BundleRef> bridge_marks(Cluster& cluster, const CrdSummary& target);

/// The manifest of a stage for crd_write_request(). An apply names the annotations only that the
/// CRD cannot do without, since it makes its manager a co-owner of all that it names. Error kind
/// Invalid where the schemas have no union.
Result<Json> bridge_to_write(const BridgeCrds& crds, BridgeStage stage, const BundleRef& marks,
                             const CrdOwner& owner);

}  // namespace gatelift
