// SPDX-License-Identifier: Apache-2.0
// Runs the contract on the in-memory API server.
#include "test/contract/contract.h"
#include "test/support/fake_cluster.h"

namespace gatelift {
namespace {

class FakeServer : public ServerUnderTest {
 public:
  Cluster& cluster() override { return cluster_; }
  Clock& clock() override { return clock_; }

 private:
  ManualClock clock_;
  FakeCluster cluster_{clock_};
};

}  // namespace

ServerUnderTest& server_under_test() {
  static FakeServer server;
  return server;
}

}  // namespace gatelift
