// SPDX-License-Identifier: Apache-2.0
// A small Gateway API world on the in-memory API server: CRDs in the shapes of bundle v1.0.0 and
// v1.1.1 (made for tests, with the versions, renames and storage versions that matter and nothing
// else), policies, and a migration between them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "reconcilers/bundle/bundle.h"
#include "reconcilers/migration_reconciler.h"
#include "test/support/fake_cluster.h"

namespace gatelift {

namespace world {
inline const Resource kOldPolicies{"gateway.networking.k8s.io", "v1alpha2", "backendtlspolicies",
                                   true};
inline const Resource kNewPolicies{"gateway.networking.k8s.io", "v1alpha3", "backendtlspolicies",
                                   true};
inline const Resource kRoutes{"gateway.networking.k8s.io", "v1", "httproutes", true};
inline const std::string kPolicyCrd = "backendtlspolicies.gateway.networking.k8s.io";
inline const std::string kRouteCrd = "httproutes.gateway.networking.k8s.io";
inline const std::string kGrpcRouteCrd = "grpcroutes.gateway.networking.k8s.io";

std::vector<Json> old_bundle_crds();
std::vector<Json> new_bundle_crds();

/// A v1alpha2 policy for Service `name`, applied by argocd-controller and with a status by envoy.
Json policy(const std::string& ns, const std::string& name);
Json http_route(const std::string& ns, const std::string& name);
}  // namespace world

/// The first difference of two trees as an RFC 6902 operation, or "": whole worlds are too long to print.
std::string first_unequal(const Json& left, const Json& right);

class GatewayWorld {
 public:
  GatewayWorld();

  /// The bundle v1.0.0 and `num_policies` policies spread over three namespaces, two routes stored
  /// as v1beta1.
  void populate(int num_policies);
  /// Besides: a route with a value that the new release refuses and that is mended on the way, and
  /// two objects of a kind that another one takes the place of.
  void populate_moves();
  /// By Recreate, unless the changes say otherwise.
  void create_migration(const std::string& name, Json spec_changes = Json::object());

  /// Passes over the migration until it rests, or `most` passes.
  ReconcileResult run(const std::string& name, int most = 200);
  ReconcileResult run_through(Cluster& cluster, const std::string& name, int most = 200);

  Json migration(const std::string& name);
  std::string condition(const std::string& name, const std::string& type, const std::string& field);

  /// Every object of the Gateway API groups, every Gateway API CRD's spec and stored versions,
  /// without uids, resourceVersions and times: what two runs that came to the same end agree on.
  Json end_state();

  /// Deletions of objects of the resource, at any version, that succeeded.
  int num_deletions(const Resource& resource) const;

  /// Names of policies that are neither live nor in a verified backup.
  std::vector<std::string> lost_policies();

  ManualClock clock;
  FakeCluster cluster{clock};
  BundleSources sources{{}};

 private:
  int num_policies_ = 0;
};

}  // namespace gatelift
