// SPDX-License-Identifier: Apache-2.0
// The hold UntilUnused: who is known to use the version that leaves, and until when that counts.
#include "test/support/several_servers.h"
#include "test/unit/reconcilers/in_place_fixture.h"

namespace gatelift {
namespace {

using std::chrono::seconds;

const ObjectKey kFirst{"a", "policy-0"};

/// Of the time for which nobody may use it.
constexpr seconds tenths(int number) { return number * seconds(6); }

std::string metrics_of(int requests, int watches, const std::string& started = "1.7e+09") {
  const std::string labels =
      "{group=\"gateway.networking.k8s.io\",resource=\"backendtlspolicies\",version=\"v1alpha2\"";
  return "apiserver_request_total" + labels + ",verb=\"LIST\"} " + std::to_string(requests) +
         "\napiserver_longrunning_requests" + labels + ",verb=\"WATCH\"} " +
         std::to_string(watches) + "\nprocess_start_time_seconds " + started + "\n";
}

Json consent_to(const char* field) {
  const Json consent = {
      {"check",  "VersionInUse"                                 },
      {"object", "CustomResourceDefinition/" + world::kPolicyCrd},
      {"field",  field                                          }
  };
  return Json::array({consent});
}

class UntilUnused : public testing::Test {
 protected:
  UntilUnused() {
    servers.at("").metrics = metrics_of(7, 0);
    servers.at("10.0.0.1:6443");
    world.cluster.seed(resources::kEndpointSlices, servers.endpoint_slice());
  }

  void begin(Json spec = Json::object()) {
    spec["inPlace"] = {
        {"hold",      "UntilUnused"},
        {"unusedFor", "1m"         }
    };
    world.create_in_place(std::move(spec));
    begun = world.clock.now();
  }

  ReconcileResult run_for(std::chrono::milliseconds time) { return world.run_for(servers, time); }

  bool is_held() { return world.condition("up", "Ready", "reason") == "Held"; }
  std::string said() { return world.condition("up", "Ready", "message"); }

  InPlaceWorld world;
  SeveralServers servers{world.cluster, world.clock};
  Time begun;
};

TEST_F(UntilUnused, EndsWhenNobodyWasSeenForThatLong) {
  begin();
  EXPECT_NE(run_for(tenths(9)).outcome, PassOutcome::Finished);
  EXPECT_TRUE(is_held()) << said();
  EXPECT_EQ(run_for(tenths(20)).outcome, PassOutcome::Finished) << said();
  world.expect_same_objects();
}

TEST_F(UntilUnused, GoesOnWhileAWatchIsOpen) {
  begin();
  servers.at("").metrics = metrics_of(7, 2);
  EXPECT_NE(run_for(tenths(20)).outcome, PassOutcome::Finished);
  EXPECT_TRUE(is_held());
  EXPECT_NE(said().find("2 watches of v1alpha2"), std::string::npos) << said();
  servers.at("").metrics = metrics_of(7, 0);
  EXPECT_NE(run_for(tenths(9)).outcome, PassOutcome::Finished);
  EXPECT_EQ(run_for(tenths(3)).outcome, PassOutcome::Finished) << said();
}

TEST_F(UntilUnused, GoesOnWhileRequestsAreCounted) {
  begin();
  for (int i = 1; i <= 6; ++i) {
    EXPECT_NE(run_for(tenths(5)).outcome, PassOutcome::Finished);
    servers.at("").metrics = metrics_of(7 + i, 0);
  }
  EXPECT_NE(run_for(tenths(5)).outcome, PassOutcome::Finished);
  EXPECT_NE(said().find("further requests"), std::string::npos) << said();
}

TEST_F(UntilUnused, GoesOnWhileAManagerWritesTheOldVersion) {
  begin();
  EXPECT_NE(run_for(tenths(8)).outcome, PassOutcome::Finished);
  world.edit(world::kOldPolicies, kFirst,
             {
                 {"tls", {{"hostname", "old.example.com"}}}
  });
  EXPECT_NE(run_for(tenths(9)).outcome, PassOutcome::Finished);
  EXPECT_NE(said().find("field manager somebody wrote at v1alpha2"), std::string::npos) << said();
  EXPECT_EQ(run_for(tenths(3)).outcome, PassOutcome::Finished) << said();
}

TEST_F(UntilUnused, TakesAnApiServerThatStartedAnewForUse) {
  begin();
  EXPECT_NE(run_for(tenths(8)).outcome, PassOutcome::Finished);
  servers.at("").metrics = metrics_of(7, 0, "1.8e+09");
  EXPECT_NE(run_for(tenths(9)).outcome, PassOutcome::Finished);
  EXPECT_EQ(run_for(tenths(3)).outcome, PassOutcome::Finished) << said();
}

TEST_F(UntilUnused, NeverEndsByItselfWhereReadersCannotBeKnown) {
  servers.at("").metrics.clear();
  begin();
  EXPECT_NE(run_for(tenths(25)).outcome, PassOutcome::Finished);
  EXPECT_NE(said().find("gatelift-metrics"), std::string::npos) << said();
}

TEST_F(UntilUnused, EndsWithoutThatKnowledgeByConsent) {
  servers.at("").metrics.clear();
  begin({
      {"accept", consent_to("metrics")}
  });
  EXPECT_EQ(run_for(tenths(20)).outcome, PassOutcome::Finished) << said();
}

/// kube-controller-manager's garbage collector never ends its own.
TEST_F(UntilUnused, PassesOverAsManyWatchesAsAreConsentedTo) {
  servers.at("").metrics = metrics_of(7, 2);
  begin({
      {"accept", consent_to("watches[1]")}
  });
  EXPECT_NE(run_for(tenths(20)).outcome, PassOutcome::Finished) << said();
  servers.at("").metrics = metrics_of(7, 1);
  EXPECT_EQ(run_for(tenths(20)).outcome, PassOutcome::Finished) << said();
}

TEST_F(UntilUnused, PassesOverSoManyWatchesAtAllServersTogether) {
  servers.at("10.0.0.1:6443").metrics = servers.at("10.0.0.2:6443").metrics = metrics_of(1, 1);
  world.cluster.seed(resources::kEndpointSlices, servers.endpoint_slice());
  begin({
      {"accept", consent_to("watches[1]")}
  });
  EXPECT_NE(run_for(tenths(25)).outcome, PassOutcome::Finished);
  EXPECT_NE(said().find("2 watches of v1alpha2 are open: 1 at API server 10.0.0.1:6443, 1 at"),
            std::string::npos)
      << said();
  world.set_spec({
      {"accept", consent_to("watches[2]")}
  });
  EXPECT_EQ(run_for(tenths(25)).outcome, PassOutcome::Finished) << said();
}

TEST_F(UntilUnused, DoesNotEndAtTheFirstLookAfterATimeWithoutAny) {
  begin();
  EXPECT_NE(run_for(tenths(3)).outcome, PassOutcome::Finished);
  world.clock.advance(tenths(20));
  EXPECT_NE(run_for(tenths(1) - seconds(3)).outcome, PassOutcome::Finished);
  EXPECT_EQ(run_for(tenths(3)).outcome, PassOutcome::Finished) << said();
}

TEST_F(UntilUnused, EndsAlsoWhereOurOwnWatchEndsOverAndOver) {
  begin();
  MigrationReconciler reconciler(servers, world.clock, world.sources, {});
  Time watched_since = begun;
  PassOutcome last = PassOutcome::Progressed;
  while (last != PassOutcome::Finished && world.clock.now() < begun + tenths(14)) {
    // Each after less than the time for which one has to have looked.
    if (world.clock.now() - watched_since > seconds(4)) {
      world.cluster.end_watches(world::kOldPolicies);
      watched_since = world.clock.now();
    }
    const auto result = reconciler.reconcile("up");
    ASSERT_TRUE(result);
    last = result->outcome;
    (void)world.clock.sleep(result->requeue_after.value_or(seconds(1)));
  }
  EXPECT_EQ(last, PassOutcome::Finished) << said();
}

TEST_F(UntilUnused, IsEndedByTheCommandThatItPrints) {
  begin();
  EXPECT_NE(run_for(tenths(3)).outcome, PassOutcome::Finished);
  // The resource's own rules refuse unusedFor without this hold.
  EXPECT_NE(said().find(R"(-p '{"spec":{"inPlace":{"hold":"None","unusedFor":null}}}')"),
            std::string::npos)
      << said();
}

TEST_F(UntilUnused, IsNotKnownWhereServersThatCountForThemselvesCannotBeToldApart) {
  servers.at("10.0.0.2:6443").is_reachable = false;
  servers.at("10.0.0.1:6443").metrics = servers.at("10.0.0.2:6443").metrics = metrics_of(1, 0);
  world.cluster.seed(resources::kEndpointSlices, servers.endpoint_slice());
  begin();
  EXPECT_NE(run_for(tenths(25)).outcome, PassOutcome::Finished);
  EXPECT_NE(said().find("connection refused"), std::string::npos) << said();
}

TEST_F(UntilUnused, AddsUpWhatEachOfSeveralServersCounts) {
  servers.at("10.0.0.2:6443").metrics = metrics_of(1, 1);
  servers.at("10.0.0.1:6443").metrics = metrics_of(1, 0);
  world.cluster.seed(resources::kEndpointSlices, servers.endpoint_slice());
  begin();
  EXPECT_NE(run_for(tenths(25)).outcome, PassOutcome::Finished);
  EXPECT_NE(said().find("1 watch of v1alpha2 is open at API server 10.0.0.2:6443"),
            std::string::npos)
      << said();
}

TEST_F(UntilUnused, EndsByWhatIsSeenThenAndNotAWhileAgo) {
  std::optional<std::chrono::milliseconds> since_seen;
  world.cluster.before_call([&](const Request& request) {
    if (request.key.name != world::kPolicyCrd || !is_write(request.verb) || request.dry_run) return;
    for (const Json& version : array_at(request.body, "spec", "versions")) {
      const bool goes = version.at("name") == "v1alpha2" && version.at("served") == false;
      if (goes && !since_seen) since_seen = world.clock.now() - servers.at("").metrics_read_at;
    }
  });
  begin();
  EXPECT_EQ(run_for(tenths(20)).outcome, PassOutcome::Finished) << said();
  ASSERT_TRUE(since_seen);
  EXPECT_LT(*since_seen, seconds(1));
}

TEST_F(UntilUnused, IsHeldAlsoOnABridgeThatNoRecordKnowsOf) {
  begin();
  MigrationReconciler reconciler(servers, world.clock, world.sources, {});
  for (int pass = 0; pass < 30 && !is_held(); ++pass) ASSERT_TRUE(reconciler.reconcile("up"));
  ASSERT_TRUE(merge_patch(world.cluster, kMigrations,
                          {
                              "", "up"
  },
                          {{"status", {{"inPlace", nullptr}}}}, "status"));
  ASSERT_FALSE(world.migration("up")["status"].contains("inPlace"));
  for (int pass = 0; pass < 3; ++pass) ASSERT_TRUE(reconciler.reconcile("up"));
  EXPECT_TRUE(is_held()) << said();
  EXPECT_NE(string_at(world.migration("up"), "status", "inPlace", "lastUsed"), "");
}

TEST_F(UntilUnused, DoesNotBeginAnewWithAnotherProcess) {
  begin();
  for (int i = 0; i < 5; ++i) {
    if (run_for(tenths(3)).outcome == PassOutcome::Finished) break;
  }
  EXPECT_TRUE(world.condition("up", "Ready", "status") == "True") << said();
}

TEST_F(UntilUnused, WritesItsRecordSeldomWhileNothingChanges) {
  begin();
  EXPECT_NE(run_for(tenths(5)).outcome, PassOutcome::Finished);
  world.cluster.forget_writes();
  EXPECT_NE(run_for(tenths(3)).outcome, PassOutcome::Finished);
  EXPECT_EQ(world.cluster.writes().size(), 0U);
}

}  // namespace
}  // namespace gatelift
