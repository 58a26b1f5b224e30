// SPDX-License-Identifier: Apache-2.0
// Lease and reconciler of this process, as the foreground commands use them.
#pragma once

#include <memory>

#include "controller/commands.h"
#include "controller/observed_cluster.h"

namespace gatelift {

class LocalEngine : public Engine {
 public:
  /// `lease_cluster` must answer also after a stop was asked for. The functions may be empty.
  LocalEngine(Cluster& cluster, Cluster& lease_cluster, Clock& clock, BundleSources& sources,
              ReconcilerSettings settings,
              std::function<void(std::string_view verb, int code)> call_ended,
              std::function<void(const LeaseRunner::View&)> lease_changed);

  void start() override { lease_.start(); }
  LeaseRunner::View lease() const override { return lease_.view(); }
  Result<ReconcileResult> reconcile(const std::string& migration) override;
  /// Puts back a policy that a run has suspended, and lets the lease go.
  void stop() override;

  LeaseRunner& lease_runner() { return lease_; }
  /// The cluster as reconciles see it: no write without the lease.
  Cluster& guarded() { return guarded_; }

 private:
  Cluster& lease_cluster_;
  Clock& clock_;
  ReconcilerSettings settings_;
  LeaseRunner lease_;
  ObservedCluster guarded_;
  MigrationReconciler reconciler_;
};

}  // namespace gatelift
