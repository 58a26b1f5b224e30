// SPDX-License-Identifier: Apache-2.0
// Conversions in place on several API servers, of which one hears late of what the CRD has become.
#include "test/support/several_servers.h"
#include "test/unit/reconcilers/in_place_fixture.h"

namespace gatelift {
namespace {

constexpr std::chrono::seconds kLag{9};

bool is_of_a_policy(const Request& request) {
  return is_write(request.verb) && !request.dry_run &&
         request.resource.plural == "backendtlspolicies" &&
         request.resource.group == "gateway.networking.k8s.io";
}

class InPlaceOnSeveralServers : public testing::Test {
 protected:
  InPlaceOnSeveralServers() {
    servers.at("10.0.0.1:6443");
    servers.at("10.0.0.2:6443").lag = kLag;
    world.cluster.seed(resources::kEndpointSlices, servers.endpoint_slice());
  }

  InPlaceWorld world;
  SeveralServers servers{world.cluster, world.clock};
};

/// Each step rests on what the CRD is: none of its writes, and no next state of the CRD, may come
/// before the slowest server goes by it.
TEST_F(InPlaceOnSeveralServers, TakesNoStepBeforeTheSlowestKnowsOfTheLast) {
  std::optional<Time> crd_written;
  int writes_of_crd = 0;
  world.cluster.before_call([&](const Request& request) {
    const bool is_crd = is_write(request.verb) && !request.dry_run &&
                        request.key.name == world::kPolicyCrd && request.subresource.empty();
    // With both served, edits are followed at once; the write that ends it waits.
    const bool may_follow = writes_of_crd == 2 && !is_crd;
    if (crd_written && (is_crd || is_of_a_policy(request)) && !may_follow) {
      EXPECT_GE(world.clock.now() - *crd_written, kLag) << describe(request);
    }
    if (!is_crd) return;
    ++writes_of_crd;
    crd_written = world.clock.now();
  });
  world.create_in_place();
  ASSERT_EQ(world.run_for(servers, std::chrono::minutes(10)).outcome, PassOutcome::Finished);
  EXPECT_EQ(writes_of_crd, 4);
  world.expect_same_objects();
}

TEST_F(InPlaceOnSeveralServers, SaysWhichOneItWaitsFor) {
  servers.at("10.0.0.2:6443").lag = std::chrono::hours(1);
  MigrationReconciler reconciler(servers, world.clock, world.sources, {});
  world.create_in_place();
  std::string said;
  for (int pass = 0; pass < 40 && said.empty(); ++pass) {
    ASSERT_TRUE(reconciler.reconcile("up"));
    const std::string message = world.condition("up", "Ready", "message");
    if (message.find("10.0.0.2:6443") != std::string::npos) said = message;
  }
  EXPECT_NE(said.find("CustomResourceDefinition/"), std::string::npos) << said;
  EXPECT_NE(said.find("yet"), std::string::npos) << said;
}

}  // namespace
}  // namespace gatelift
