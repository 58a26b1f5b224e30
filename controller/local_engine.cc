// SPDX-License-Identifier: Apache-2.0
#include "controller/local_engine.h"

namespace gatelift {

LocalEngine::LocalEngine(Cluster& cluster, Cluster& lease_cluster, Clock& clock,
                         BundleSources& sources, ReconcilerSettings settings,
                         std::function<void(std::string_view, int)> call_ended,
                         std::function<void(const LeaseRunner::View&)> lease_changed)
    : lease_(lease_cluster, {.ns = settings.ns, .identity = lease_identity()},
             std::move(lease_changed)),
      guarded_(cluster, {.may_write = [this] { return lease_.may_write(); },
                         .call_ended = std::move(call_ended)}),
      reconciler_(guarded_, clock, sources, std::move(settings)) {}

Result<ReconcileResult> LocalEngine::reconcile(const std::string& migration) {
  return reconciler_.reconcile(migration);
}

}  // namespace gatelift
