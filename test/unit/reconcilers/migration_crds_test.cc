// SPDX-License-Identifier: Apache-2.0
// How CRDs are written in a migration: when a written one counts, and what others do to it.
#include <gtest/gtest.h>

#include <algorithm>

#include "test/support/builders.h"
#include "test/support/gateway_world.h"
#include "test/support/several_servers.h"

namespace gatelift {
namespace {

Json stored_versions(GatewayWorld& world, const std::string& crd) {
  return get(world.cluster, resources::kCrds, {"", crd})->at("status").at("storedVersions");
}

/// How long the clock ran between the last write of the routes' CRD and the first write of a route
/// after it.
std::chrono::milliseconds settling_time(GatewayWorld& world, SeveralServers& servers) {
  world.cluster.seed(resources::kEndpointSlices, servers.endpoint_slice());
  Time crd_written{};
  std::optional<Time> route_written;
  world.cluster.before_call([&](const Request& request) {
    if (!is_write(request.verb) || request.dry_run) return;
    if (request.key.name == world::kRouteCrd && request.subresource.empty()) {
      crd_written = world.clock.now();
    } else if (request.resource == world::kRoutes && !route_written) {
      route_written = world.clock.now();
    }
  });
  world.create_migration("up");
  EXPECT_EQ(world.run_through(servers, "up").outcome, PassOutcome::Finished);
  EXPECT_TRUE(route_written);
  return route_written.value_or(crd_written) - crd_written;
}

constexpr const char* kOne = "10.0.0.1:6443";
constexpr const char* kOther = "10.0.0.2:6443";
constexpr std::chrono::milliseconds kAlone{300};
constexpr std::chrono::seconds kAmongOthers{2};

/// One API server that has an address, and that serves us.
class MigrationBesideServers : public testing::Test {
 protected:
  MigrationBesideServers() {
    world.populate(1);
    servers.at(kOne);
  }

  GatewayWorld world;
  SeveralServers servers{world.cluster, world.clock};
};

TEST_F(MigrationBesideServers, RewritesNothingBeforeTheApiServerGoesByTheChangedCrd) {
  const auto time = settling_time(world, servers);
  EXPECT_GE(time, kAlone);
  EXPECT_LT(time, kAmongOthers);
}

TEST_F(MigrationBesideServers, AsksEachOfSeveral) {
  servers.at(kOther);
  const auto time = settling_time(world, servers);
  EXPECT_GE(time, kAlone);
  EXPECT_LT(time, kAmongOthers);
}

TEST_F(MigrationBesideServers, WaitsForTheOneThatIsSlowToHear) {
  servers.at(kOther).lag = std::chrono::seconds(7);
  EXPECT_GE(settling_time(world, servers), std::chrono::seconds(7) + kAlone);
}

TEST_F(MigrationBesideServers, GivesThemTimeWhereOneCannotBeAsked) {
  servers.at(kOther).is_reachable = false;
  EXPECT_GE(settling_time(world, servers), kAmongOthers);
}

TEST_F(MigrationBesideServers, DoesNotGoOnWhileAFreshConnectionLeadsToOneThatIsBehind) {
  servers.at(kOther).is_reachable = false;
  servers.at("").lag = std::chrono::seconds(7);
  EXPECT_GE(settling_time(world, servers), std::chrono::seconds(7) + kAmongOthers);
}

TEST_F(MigrationBesideServers, CountsTheLeasesOfApiServersThatOneAddressStandsBefore) {
  for (const char* name : {"apiserver-a", "apiserver-b"}) {
    Json lease = object("coordination.k8s.io/v1", "Lease", {"kube-system", name}).build();
    lease["metadata"]["labels"] = {
        {"apiserver.kubernetes.io/identity", "kube-apiserver"}
    };
    world.cluster.seed(resources::kLeases, lease);
  }
  EXPECT_GE(settling_time(world, servers), kAmongOthers);
}

TEST_F(MigrationBesideServers, TakesItsTimeWhereItMayNotCountThem) {
  world.cluster.policy().deny("list", "discovery.k8s.io", "endpointslices");
  EXPECT_GE(settling_time(world, servers), kAmongOthers);
}

TEST_F(MigrationBesideServers, TakesItsTimeWhereItMayNotCountTheirLeases) {
  world.cluster.policy().deny("list", "coordination.k8s.io", "leases");
  EXPECT_GE(settling_time(world, servers), kAmongOthers);
}

/// Changes the routes' CRD just before its stored versions are pruned for the first time.
void change_before_prune(GatewayWorld& world, Json patch) {
  world.cluster.before_call([&world, patch, changed = false](const Request& request) mutable {
    if (changed || request.key.name != world::kRouteCrd || request.subresource != "status") return;
    changed = true;
    ASSERT_TRUE(merge_patch(world.cluster, resources::kCrds, {"", world::kRouteCrd}, patch));
  });
}

TEST(MigrationOfCrds, PrunesAlthoughSomebodyLabelsTheCrdMeanwhile) {
  GatewayWorld world;
  world.populate(1);
  change_before_prune(world, {
                                 {"metadata", {{"labels", {{"seen", "yes"}}}}}
  });
  world.create_migration("up");
  EXPECT_EQ(world.run("up").outcome, PassOutcome::Finished);
  EXPECT_EQ(stored_versions(world, world::kRouteCrd), Json::array({"v1"}));
  EXPECT_EQ(std::ranges::count_if(world.cluster.writes(),
                                  [](const WriteRecord& write) {
                                    return write.resource == world::kRoutes && !write.dry_run;
                                  }),
            4)
      << "two routes, once to rewrite them and once to prove it";
}

TEST(MigrationOfCrds, PrunesNothingWhereTheCrdsSpecHasChangedSinceTheProof) {
  GatewayWorld world;
  world.populate(1);
  change_before_prune(world, {
                                 {"spec", {{"names", {{"shortNames", Json::array({"hr"})}}}}}
  });
  world.create_migration("up");
  EXPECT_EQ(world.run("up").reason, "CRDReverted");
  EXPECT_EQ(stored_versions(world, world::kRouteCrd), Json::array({"v1beta1", "v1"}));
}

TEST(MigrationOfCrds, TakesAwayWhatOthersHaveAddedToACrd) {
  GatewayWorld world;
  world.populate(1);
  ASSERT_TRUE(merge_patch(world.cluster, resources::kCrds,
                          {
                              "", world::kRouteCrd
  },
                          {{"spec", {{"names", {{"shortNames", Json::array({"hr"})}}}}}}));
  world.create_migration("up");
  EXPECT_EQ(world.run("up").outcome, PassOutcome::Finished);
  const auto crd = get(world.cluster, resources::kCrds, {"", world::kRouteCrd});
  EXPECT_FALSE(crd->at("spec").at("names").contains("shortNames"));
  std::set<std::string> owners;
  for (const Json& entry : crd->at("metadata").at("managedFields")) {
    owners.insert(string_at(entry, "manager") + "/" + string_at(entry, "operation"));
  }
  EXPECT_EQ(owners, (std::set<std::string>{"kubectl/Apply", "kube-apiserver/Update"}));
}

/// Somebody puts the old spec of the routes' CRD back whenever it has changed.
class Reverter {
 public:
  explicit Reverter(GatewayWorld& world)
      : world_(world),
        old_(get(world.cluster, resources::kCrds, {"", world::kRouteCrd})->at("spec")) {}

  /// Acts at the next look at the CRDs after each write of this one.
  void act(const Request& request) {
    if (request.verb != Verb::List || request.resource != resources::kCrds) return;
    auto live = get(world_.cluster, resources::kCrds, {"", world::kRouteCrd});
    if (!live || live->at("spec") == old_) return;
    ++times_;
    live->at("spec") = old_;
    ASSERT_TRUE(replace(world_.cluster, resources::kCrds, *live));
  }
  int times() const { return times_; }

 private:
  GatewayWorld& world_;
  Json old_;
  int times_ = 0;
};

TEST(MigrationOfCrds, WritesACrdThatSomebodyChangesBackOnceInTenMinutes) {
  GatewayWorld world;
  world.populate(1);
  Reverter reverter(world);
  world.cluster.before_call([&](const Request& request) { reverter.act(request); });
  world.create_migration("up");
  MigrationReconciler reconciler(world.cluster, world.clock, world.sources, {});
  ReconcileResult result;
  const auto drive = [&](std::chrono::minutes duration) {
    const Time until = world.clock.now() + duration;
    while (world.clock.now() < until) {
      result = reconciler.reconcile("up").value();
      world.clock.advance(result.requeue_after.value_or(std::chrono::seconds(30)) +
                          std::chrono::milliseconds(1));
    }
  };
  drive(std::chrono::minutes(9));
  EXPECT_EQ(result.reason, "CRDReverted") << result.message;
  EXPECT_TRUE(result.stalled);
  EXPECT_EQ(reverter.times(), 1);
  world.create_migration("another");
  EXPECT_EQ(reconciler.reconcile("another").value().reason, "WaitingForOther");
  drive(std::chrono::minutes(0));
  EXPECT_EQ(reverter.times(), 1) << "looking at another one makes it forget nothing";
  drive(std::chrono::minutes(2));
  EXPECT_EQ(reverter.times(), 2);
  EXPECT_EQ(world.num_deletions(world::kOldPolicies), 0);
}

TEST(MigrationOfCrds, CreatesACrdThatSomebodyDeletesOnce) {
  GatewayWorld world;
  world.populate(1);
  const std::string added = "backendlbpolicies.gateway.networking.k8s.io";
  int deleted = 0;
  world.cluster.before_call([&](const Request& request) {
    if (request.verb != Verb::List || request.resource != resources::kCrds) return;
    if (!get(world.cluster, resources::kCrds, {"", added})) return;
    ++deleted;
    Request remove;
    remove.verb = Verb::Delete;
    remove.resource = resources::kCrds;
    remove.key = {"", added};
    ASSERT_TRUE(world.cluster.send(remove));
  });
  world.create_migration("up");
  const ReconcileResult result = world.run("up");
  EXPECT_EQ(result.reason, "CRDReverted") << result.message;
  EXPECT_NE(result.message.find("deleted it"), std::string::npos) << result.message;
  EXPECT_EQ(deleted, 1);
  EXPECT_EQ(world.num_deletions(world::kOldPolicies), 0);
}

TEST(MigrationOfCrds, BringsAbsentObjectsBackBeforeItMindsARevertedCrd) {
  GatewayWorld world;
  world.populate(3);
  Reverter reverter(world);
  bool deleting = false;
  world.cluster.before_call([&](const Request& request) {
    deleting = deleting || (request.verb == Verb::Delete &&
                            request.resource == world::kOldPolicies && !request.dry_run);
    if (deleting) reverter.act(request);
  });
  world.create_migration("up");
  EXPECT_EQ(world.run("up").reason, "CRDReverted");
  EXPECT_GE(reverter.times(), 1);
  for (int i = 0; i < 3; ++i) {
    const ObjectKey key{std::string(1, static_cast<char>('a' + i)), "policy-" + std::to_string(i)};
    EXPECT_TRUE(get(world.cluster, world::kNewPolicies, key)) << key.display();
  }
}

TEST(MigrationOfCrds, BringsAbsentObjectsBackBeforeTheAnnotationsOfTheirOwnCrd) {
  GatewayWorld world;
  world.populate(3);
  int reset = 0;
  world.cluster.before_call([&](const Request& request) {
    if (request.verb != Verb::List || request.resource != resources::kCrds || reset > 0) return;
    auto live = get(world.cluster, resources::kCrds, {"", world::kPolicyCrd});
    if (!live || live->at("spec").dump().find("v1alpha3") == std::string::npos) return;
    ++reset;
    live->at("metadata")["annotations"]["gateway.networking.k8s.io/bundle-version"] = "v9.9.9";
    ASSERT_TRUE(replace(world.cluster, resources::kCrds, *live));
  });
  world.create_migration("up");
  EXPECT_EQ(world.run("up").reason, "CRDReverted");
  EXPECT_EQ(reset, 1);
  for (int i = 0; i < 3; ++i) {
    const ObjectKey key{std::string(1, static_cast<char>('a' + i)), "policy-" + std::to_string(i)};
    EXPECT_TRUE(get(world.cluster, world::kNewPolicies, key)) << key.display();
  }
}

}  // namespace
}  // namespace gatelift
