// SPDX-License-Identifier: Apache-2.0
// Whole migrations on the in-memory API server.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "reconcilers/backup/backup.h"
#include "test/support/builders.h"
#include "test/support/gateway_world.h"

namespace gatelift {
namespace {

Json stored_versions(GatewayWorld& world, const std::string& crd) {
  return get(world.cluster, resources::kCrds, {"", crd})->at("status").at("storedVersions");
}

int num_deletions(const GatewayWorld& world, const Resource& resource) {
  return static_cast<int>(
      std::count_if(world.cluster.writes().begin(), world.cluster.writes().end(), [&](const auto& w) {
        return w.verb == Verb::Delete && w.resource.plural == resource.plural && w.succeeded();
      }));
}

/// Writes outside our own group and namespace.
std::vector<std::string> foreign_writes(const GatewayWorld& world) {
  std::vector<std::string> found;
  for (const WriteRecord& write : world.cluster.writes()) {
    bool ours = write.resource.group == "gatelift.dev" || write.key.ns == "gatelift-system" ||
                write.resource.plural == "events" || write.dry_run ||
                write.resource.plural == "selfsubjectaccessreviews";
    if (!ours) found.push_back(write.resource.plural + " " + write.key.display());
  }
  return found;
}

TEST(Migration, ConvertsEveryPolicyAndBringsEveryCrdToTheTarget) {
  GatewayWorld world;
  world.populate(7);
  world.create_migration("up");
  ReconcileResult result = world.run("up");
  EXPECT_EQ(result.outcome, PassOutcome::Finished) << result.reason << ": " << result.message;
  EXPECT_EQ(world.condition("up", "Ready", "status"), "True");
  EXPECT_EQ(stored_versions(world, world::kPolicyCrd), Json::array({"v1alpha3"}));
  EXPECT_EQ(stored_versions(world, world::kRouteCrd), Json::array({"v1"}));
  EXPECT_EQ(stored_versions(world, world::kGrpcRouteCrd), Json::array({"v1"}));
  auto policy = get(world.cluster, world::kNewPolicies, {"a", "policy-0"});
  ASSERT_TRUE(policy) << policy.error().message;
  EXPECT_EQ(policy->at("spec").at("targetRefs").at(0).at("name"), "policy-0");
  EXPECT_EQ(policy->at("spec").at("validation").at("caCertificateRefs").at(0).at("name"), "ca");
  EXPECT_EQ(policy->at("metadata").at("labels").at("app"), "policy-0");
  EXPECT_EQ(policy->at("status").at("ancestors").at(0).at("controllerName"), "example.com/envoy");
}

TEST(Migration, LeavesTheOriginalManagersAsTheOnlyOwners) {
  GatewayWorld world;
  world.populate(3);
  world.create_migration("up");
  world.run("up");
  auto policy = get(world.cluster, world::kNewPolicies, {"b", "policy-1"});
  ASSERT_TRUE(policy);
  for (const Json& entry : policy->at("metadata").at("managedFields")) {
    EXPECT_EQ(entry.at("apiVersion"), "gateway.networking.k8s.io/v1alpha3");
    EXPECT_NE(entry.at("manager"), "gatelift");
  }
  auto crd = get(world.cluster, resources::kCrds, {"", world::kPolicyCrd});
  for (const Json& entry : crd->at("metadata").at("managedFields")) {
    EXPECT_NE(entry.at("manager"), "gatelift");
  }
}

TEST(Migration, CountsAddUpAndTheAbsenceIsMeasured) {
  GatewayWorld world;
  world.populate(7);
  world.create_migration("up");
  world.run("up");
  Json status = world.migration("up").at("status");
  EXPECT_EQ(status.at("phase"), "Done");
  EXPECT_TRUE(status.at("unavailable").contains("measured"));
  bool seen = false;
  for (const Json& crd : status.at("crds")) {
    const Json& objects = crd.at("objects");
    EXPECT_EQ(int_at(objects, -1, "found"),
              int_at(objects, 0, "done") + int_at(objects, 0, "unchanged") +
                  int_at(objects, 0, "skipped") + int_at(objects, 0, "failed"))
        << crd.dump();
    if (crd.at("name") == world::kPolicyCrd) {
      seen = true;
      EXPECT_EQ(int_at(objects, 0, "done"), 7);
    }
  }
  EXPECT_TRUE(seen);
}

TEST(Migration, DeletesNothingWhileOnePolicyCannotBeConverted) {
  GatewayWorld world;
  world.populate(3);
  Json foreign = world::policy("a", "foreign");
  foreign["spec"]["targetRef"]["namespace"] = "b";
  ASSERT_TRUE(create(world.cluster, world::kOldPolicies, foreign));
  world.cluster.forget_writes();
  world.create_migration("up");
  ReconcileResult result = world.run("up");
  EXPECT_TRUE(result.stalled);
  EXPECT_EQ(world.condition("up", "Stalled", "status"), "True");
  std::string message = world.condition("up", "Ready", "message");
  EXPECT_NE(message.find("BackendTLSPolicy/a/foreign"), std::string::npos) << message;
  EXPECT_NE(message.find("spec.targetRef.namespace"), std::string::npos) << message;
  EXPECT_EQ(foreign_writes(world), std::vector<std::string>{});

  ASSERT_TRUE(merge_patch(world.cluster, world::kOldPolicies, {"a", "foreign"},
                          {{"spec", {{"targetRef", {{"namespace", nullptr}}}}}}));
  result = world.run("up");
  EXPECT_EQ(result.outcome, PassOutcome::Finished) << result.reason << ": " << result.message;
  EXPECT_TRUE(get(world.cluster, world::kNewPolicies, {"a", "foreign"}));
}

TEST(Migration, DoesNotStartWhileAPolicyHasAFinalizer) {
  GatewayWorld world;
  world.populate(2);
  ASSERT_TRUE(merge_patch(world.cluster, world::kOldPolicies, {"a", "policy-0"},
                          {{"metadata", {{"finalizers", Json::array({"example.com/orphan"})}}}}));
  world.create_migration("up");
  EXPECT_TRUE(world.run("up").stalled);
  EXPECT_EQ(num_deletions(world, world::kOldPolicies), 0);
  EXPECT_NE(world.condition("up", "Ready", "message").find("example.com/orphan"), std::string::npos);
}

TEST(Migration, WritesNothingOfTheUsersInModePlan) {
  GatewayWorld world;
  world.populate(3);
  world.create_migration("look", {{"mode", "Plan"}});
  ReconcileResult result = world.run("look");
  EXPECT_EQ(result.reason, "Planned");
  EXPECT_EQ(foreign_writes(world), std::vector<std::string>{});
  EXPECT_FALSE(world.migration("look").at("status").at("plan").at("actions").empty());
}

TEST(Migration, ASecondOneOnTheFinishedClusterIsReadyWithoutAWrite) {
  GatewayWorld world;
  world.populate(3);
  world.create_migration("first");
  world.run("first");
  world.cluster.forget_writes();
  world.create_migration("second");
  EXPECT_EQ(world.run("second").outcome, PassOutcome::Finished);
  EXPECT_EQ(foreign_writes(world), std::vector<std::string>{});
}

TEST(Migration, WaitsForTheDigestWhereApprovalIsRequired) {
  GatewayWorld world;
  world.populate(2);
  world.create_migration("up", {{"approval", "Required"}});
  EXPECT_EQ(world.run("up").reason, "AwaitingApproval");
  EXPECT_EQ(foreign_writes(world), std::vector<std::string>{});
  std::string digest = world.migration("up").at("status").at("plan").at("digest").get<std::string>();
  ASSERT_TRUE(merge_patch(world.cluster, kMigrations, {"", "up"}, {{"spec", {{"approvedPlan", digest}}}}));
  EXPECT_EQ(world.run("up").outcome, PassOutcome::Finished);
}

TEST(Migration, GoesOnWithTheOthersAndTriesAgainWhenOneCreateIsDenied) {
  GatewayWorld world;
  world.populate(6);
  world.cluster.policy().deny_writes(
      [](const Request& request, const Json& object) {
        return request.resource.version == "v1alpha3" && key_of(object).name == "policy-2";
      },
      "policy-2 is not wanted");
  world.create_migration("up");
  ReconcileResult result = world.run("up");
  EXPECT_TRUE(result.stalled);
  EXPECT_NE(result.message.find("policy-2"), std::string::npos);
  EXPECT_TRUE(get(world.cluster, world::kNewPolicies, {"a", "policy-3"}));
  EXPECT_EQ(world.lost_policies(), std::vector<std::string>{});
  world.cluster.policy().clear_admission();
  EXPECT_EQ(world.run("up").outcome, PassOutcome::Finished);
  EXPECT_TRUE(get(world.cluster, world::kNewPolicies, {"c", "policy-2"}));
}

TEST(Migration, KeepsAnEditMadeBetweenTheBackupAndTheDeletion) {
  GatewayWorld world;
  world.populate(4);
  world.create_migration("up");
  bool edited = false;
  world.cluster.before_call([&](const Request& request) {
    if (edited || request.verb != Verb::Delete) return;
    edited = true;
    (void)merge_patch(world.cluster, world::kOldPolicies, {"b", "policy-1"},
                      {{"spec", {{"tls", {{"hostname", "late.example.com"}}}}}});
    (void)create(world.cluster, world::kOldPolicies, world::policy("c", "late"));
  });
  EXPECT_EQ(world.run("up").outcome, PassOutcome::Finished);
  ASSERT_TRUE(edited);
  auto policy = get(world.cluster, world::kNewPolicies, {"b", "policy-1"});
  ASSERT_TRUE(policy);
  EXPECT_EQ(policy->at("spec").at("validation").at("hostname"), "late.example.com");
  EXPECT_TRUE(get(world.cluster, world::kNewPolicies, {"c", "late"}));
}

TEST(Migration, DoesNotResurrectWhatSomebodyDeletedMeanwhile) {
  GatewayWorld world;
  world.populate(4);
  world.create_migration("up");
  bool deleted = false;
  world.cluster.before_call([&](const Request& request) {
    // After the backup, before anything of ours is deleted: our finalizer goes on the resource.
    if (deleted || !find(request.body, "metadata", "finalizers")) return;
    deleted = true;
    Request gone;
    gone.verb = Verb::Delete;
    gone.resource = world::kOldPolicies;
    gone.key = {"c", "policy-2"};
    (void)world.cluster.send(gone);
  });
  EXPECT_EQ(world.run("up").outcome, PassOutcome::Finished);
  ASSERT_TRUE(deleted);
  EXPECT_FALSE(get(world.cluster, world::kNewPolicies, {"c", "policy-2"}));
}

TEST(Migration, RollsBackToEqualObjectsAfterItIsDone) {
  GatewayWorld world;
  world.populate(5);
  Json before = world.end_state();
  world.create_migration("up");
  ASSERT_EQ(world.run("up").outcome, PassOutcome::Finished);
  ASSERT_TRUE(merge_patch(world.cluster, kMigrations, {"", "up"},
                          {{"metadata", {{"annotations", {{"gatelift.dev/rollback", "true"}}}}}}));
  ReconcileResult result = world.run("up");
  EXPECT_EQ(result.reason, "RolledBack") << result.message;
  Json after = world.end_state();
  EXPECT_EQ(first_unequal(after.at(world::kPolicyCrd), before.at(world::kPolicyCrd)), "");
  EXPECT_EQ(first_unequal(after.at(world::kRouteCrd).at("spec"), before.at(world::kRouteCrd).at("spec")), "");
}

TEST(Migration, RollsBackByItselfOnFailureWhereThatIsAskedFor) {
  GatewayWorld world;
  world.populate(4);
  Json before = world.end_state();
  world.cluster.policy().deny_writes(
      [](const Request& request, const Json& object) {
        return request.resource.version == "v1alpha3" && key_of(object).name == "policy-2";
      },
      "policy-2 is not wanted");
  world.create_migration("up", {{"onFailure", "Rollback"}});
  ReconcileResult result = world.run("up");
  EXPECT_EQ(result.reason, "RolledBack") << result.message;
  EXPECT_TRUE(result.stalled);
  EXPECT_NE(result.message.find("policy-2"), std::string::npos);
  EXPECT_EQ(first_unequal(world.end_state().at(world::kPolicyCrd), before.at(world::kPolicyCrd)), "");
}

/// How long the clock ran between the last write of the routes' CRD and the first write of a route after it.
std::chrono::milliseconds settling_time(GatewayWorld& world) {
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
  EXPECT_EQ(world.run("up").outcome, PassOutcome::Finished);
  EXPECT_TRUE(route_written);
  return route_written.value_or(crd_written) - crd_written;
}

Json endpoints_of_api_servers(const std::vector<std::string>& addresses) {
  return {
      {"apiVersion",  "discovery.k8s.io/v1"                                        },
      {"kind",        "EndpointSlice"                                              },
      {"metadata",
       {{"namespace", "default"},
        {"name", "kubernetes"},
        {"labels", {{"kubernetes.io/service-name", "kubernetes"}}}}                },
      {"addressType", "IPv4"                                                       },
      {"endpoints",   Json::array({{{"addresses", addresses}}})                    }
  };
}

TEST(Migration, RewritesNothingBeforeTheApiServerGoesByTheChangedCrd) {
  GatewayWorld world;
  world.populate(1);
  world.cluster.seed(resources::kEndpointSlices, endpoints_of_api_servers({"10.0.0.1"}));
  const auto time = settling_time(world);
  EXPECT_GE(time, std::chrono::milliseconds(300));
  EXPECT_LT(time, std::chrono::seconds(2));
}

TEST(Migration, GivesSeveralApiServersMoreTimeToLearnOfTheChangedCrd) {
  GatewayWorld world;
  world.populate(1);
  world.cluster.seed(resources::kEndpointSlices, endpoints_of_api_servers({"10.0.0.1", "10.0.0.2"}));
  EXPECT_GE(settling_time(world), std::chrono::seconds(2));
}

TEST(Migration, CountsTheLeasesOfApiServersThatOneAddressStandsBefore) {
  GatewayWorld world;
  world.populate(1);
  world.cluster.seed(resources::kEndpointSlices, endpoints_of_api_servers({"10.0.0.1"}));
  for (const char* name : {"apiserver-a", "apiserver-b"}) {
    Json lease = object("coordination.k8s.io/v1", "Lease", {"kube-system", name}).build();
    lease["metadata"]["labels"] = {{"apiserver.kubernetes.io/identity", "kube-apiserver"}};
    world.cluster.seed(resources::kLeases, lease);
  }
  EXPECT_GE(settling_time(world), std::chrono::seconds(2));
}

TEST(Migration, TakesItsTimeWhereItMayNotCountTheApiServers) {
  for (const char* resource : {"endpointslices", "leases"}) {
    SCOPED_TRACE(resource);
    GatewayWorld world;
    world.populate(1);
    world.cluster.seed(resources::kEndpointSlices, endpoints_of_api_servers({"10.0.0.1"}));
    const bool slices = std::string(resource) == "endpointslices";
    world.cluster.policy().deny("list", slices ? "discovery.k8s.io" : "coordination.k8s.io", resource);
    EXPECT_GE(settling_time(world), std::chrono::seconds(2));
  }
}

/// Changes the routes' CRD just before its stored versions are pruned for the first time.
void change_before_prune(GatewayWorld& world, Json patch) {
  world.cluster.before_call([&world, patch, changed = false](const Request& request) mutable {
    if (changed || request.key.name != world::kRouteCrd || request.subresource != "status") return;
    changed = true;
    ASSERT_TRUE(merge_patch(world.cluster, resources::kCrds, {"", world::kRouteCrd}, patch));
  });
}

TEST(Migration, PrunesAlthoughSomebodyLabelsTheCrdMeanwhile) {
  GatewayWorld world;
  world.populate(1);
  change_before_prune(world, {{"metadata", {{"labels", {{"seen", "yes"}}}}}});
  world.create_migration("up");
  EXPECT_EQ(world.run("up").outcome, PassOutcome::Finished);
  EXPECT_EQ(stored_versions(world, world::kRouteCrd), Json::array({"v1"}));
  const auto& writes = world.cluster.writes();
  EXPECT_EQ(std::ranges::count(writes, world::kRoutes, &WriteRecord::resource), 4)
      << "two routes, once to rewrite them and once to prove it";
}

TEST(Migration, PrunesNothingWhereTheCrdsSpecHasChangedSinceTheProof) {
  GatewayWorld world;
  world.populate(1);
  change_before_prune(world, {{"spec", {{"names", {{"shortNames", Json::array({"hr"})}}}}}});
  world.create_migration("up");
  EXPECT_EQ(world.run("up").reason, "CRDReverted");
  EXPECT_EQ(stored_versions(world, world::kRouteCrd), Json::array({"v1beta1", "v1"}));
}

TEST(Migration, TakesAwayWhatOthersHaveAddedToACrd) {
  GatewayWorld world;
  world.populate(1);
  ASSERT_TRUE(merge_patch(world.cluster, resources::kCrds, {"", world::kRouteCrd},
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

TEST(Migration, WritesACrdThatSomebodyChangesBackOnceInTenMinutes) {
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
      world.clock.advance(result.requeue_after.value_or(std::chrono::seconds(30)) + std::chrono::milliseconds(1));
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
  EXPECT_EQ(num_deletions(world, world::kOldPolicies), 0);
}

TEST(Migration, CreatesACrdThatSomebodyDeletesOnce) {
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
  EXPECT_EQ(num_deletions(world, world::kOldPolicies), 0);
}

TEST(Migration, BringsAbsentObjectsBackBeforeItMindsARevertedCrd) {
  GatewayWorld world;
  world.populate(3);
  Reverter reverter(world);
  bool deleting = false;
  world.cluster.before_call([&](const Request& request) {
    deleting = deleting || (request.verb == Verb::Delete && request.resource == world::kOldPolicies);
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

TEST(Migration, TheYoungerOfTwoWaitsForTheOlder) {
  GatewayWorld world;
  world.populate(1);
  world.create_migration("older");
  world.clock.advance(std::chrono::seconds(2));
  world.create_migration("younger");
  ReconcileResult result = world.run("younger");
  EXPECT_EQ(result.reason, "WaitingForOther");
  EXPECT_NE(result.message.find("older"), std::string::npos);
  world.run("older");
  EXPECT_EQ(world.run("younger").outcome, PassOutcome::Finished);
}

TEST(Migration, SaysSoWhereNobodyHasTheBundle) {
  GatewayWorld world;
  world.populate(1);
  world.create_migration("up", {{"target", {{"version", "v9.9.9"}}}});
  ReconcileResult result = world.run("up");
  EXPECT_TRUE(result.stalled);
  EXPECT_EQ(result.reason, "BundleNotFound");
  EXPECT_NE(result.message.find("v9.9.9"), std::string::npos);
}

}  // namespace
}  // namespace gatelift
