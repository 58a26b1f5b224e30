// SPDX-License-Identifier: Apache-2.0
#include "controller/local_engine.h"

#include <utility>

#include "reconcilers/steps/policy_restoration.h"

namespace gatelift {

LocalEngine::LocalEngine(Cluster& cluster, Cluster& lease_cluster, Clock& clock,
                         BundleSources& sources, ReconcilerSettings settings,
                         std::function<void(std::string_view, int)> call_ended,
                         std::function<void(const LeaseRunner::View&)> lease_changed)
    : lease_cluster_(lease_cluster),
      clock_(clock),
      settings_(std::move(settings)),
      lease_(lease_cluster, {.ns = settings_.ns, .identity = lease_identity()},
             std::move(lease_changed)),
      guarded_(cluster, {.may_write = [this] { return lease_.may_write(); },
                         .call_ended = std::move(call_ended)}),
      reconciler_(guarded_, clock, sources, settings_) {}

Result<ReconcileResult> LocalEngine::reconcile(const std::string& migration) {
  return reconciler_.reconcile(migration);
}

void LocalEngine::stop() {
  if (lease_.may_write()) {
    ObservedCluster still_ours(lease_cluster_, {.may_write = [this] { return lease_.may_write(); },
                                                .call_ended = nullptr});
    const auto put_back = put_back_policies(still_ours, clock_, settings_);
    if (!put_back && settings_.log) settings_.log("warn", put_back.error().message);
  }
  lease_.release();
}

}  // namespace gatelift
