// SPDX-License-Identifier: Apache-2.0
// What has to be known of the API servers themselves: of several, each learns of a changed CRD by
// its own watch.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "reconcilers/run.h"

namespace gatelift {

/// The kube-apiservers, as far as they can be told apart.
struct ApiServers {
  /// How many serve: the addresses of the Service default/kubernetes, or, where those are fewer,
  /// the leases that API servers hold in kube-system (KEP-1965), since one address may stand before
  /// several. nullopt where we may not look at both.
  std::optional<int> number;
  /// "host:port" of each, where each can be asked by itself; empty where one of them cannot, or
  /// where there is but one.
  std::vector<std::string> addresses;
  /// Why they cannot be asked one by one; "" where they can, or where there is but one.
  std::string not_apart;

  bool is_one() const { return number == 1; }
};

/// Asks each of several for a sign of life, for up to a second.
Result<ApiServers> find_api_servers(Cluster& cluster);

Result<std::optional<int>> num_api_servers(Run& run);

/// Whether an update may leave a field invalid that it does not change (ratcheting, KEP-4008): on
/// by default from Kubernetes 1.30 on. False where the version cannot be read.
Result<bool> forgives_unchanged_fields(Run& run);

/// What is still to be waited for until every API server goes by the specs of some CRDs.
struct Settling {
  std::chrono::milliseconds time{0};  // look again then; 0: all do
  std::string behind;  // who does not yet, for people; "" where nobody was seen not to
};

/// Until every API server goes by a spec, one may still encode objects in the storage version of
/// before, and answer a write of nothing as if they were current (apiextensions-apiserver swaps the
/// storage of a CRD when its informer hears of it, not in the write).
/// A single one does so within a third of a second of the write, as measured. Of several each is
/// asked, whether its watch cache has this generation, and whether it serves the storage version,
/// and none that is not served. Where they cannot be asked one by one, a number of fresh connections has to
/// come to the same, and two seconds have to pass. A spec that this process has not written or seen
/// before is taken for just written.
Result<Settling> settling(Run& run, const std::vector<const CrdSummary*>& crds);

/// Returns when nothing is left of that. Unavailable, with the one that is behind, where it takes
/// longer than a minute: to be tried again, and nothing may be gone on with.
Result<void> wait_until_settled(Run& run, const std::vector<const CrdSummary*>& crds);

/// Returns when that was so long ago.
Result<void> wait_since_settled(Run& run, const CrdSummary& crd, std::chrono::milliseconds time);

}  // namespace gatelift
