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

bool is_deletion_of_a_policy(const Request& request) {
  return request.verb == Verb::Delete && request.resource == world::kOldPolicies && !request.dry_run;
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

TEST(Migration, CountsObjectsThatNeedNoWriteAsUnchanged) {
  GatewayWorld world;
  world.populate(1);
  world.create_migration("up");
  world.run("up");
  ASSERT_TRUE(merge_patch(world.cluster, resources::kCrds, {"", world::kRouteCrd},
                          {{"spec", {{"names", {{"shortNames", Json::array({"hr"})}}}}}}));
  world.create_migration("again");
  EXPECT_EQ(world.run("again").outcome, PassOutcome::Finished);
  const Json status = world.migration("again").at("status");
  ASSERT_EQ(status.at("crds").size(), 1);
  const Json& objects = status.at("crds").at(0).at("objects");
  EXPECT_EQ(int_at(objects, -1, "found"), 2);
  EXPECT_EQ(int_at(objects, -1, "unchanged"), 2) << objects.dump();
  EXPECT_EQ(status.at("progress"), "2/2");
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

Json consent_to_foreign(const std::string& name, const std::string& resolution) {
  return {
      {"check",      "ForeignTargetNamespace"   },
      {"object",     "BackendTLSPolicy/a/" + name},
      {"field",      "spec.targetRef.namespace" },
      {"resolution", resolution                 }
  };
}

TEST(Migration, LeavesOrMovesAPolicyWithAForeignTargetAsSpecAcceptSays) {
  GatewayWorld world;
  world.populate(3);
  for (const char* name : {"left", "moved"}) {
    Json foreign = world::policy("a", name);
    foreign["spec"]["targetRef"]["namespace"] = "b";
    ASSERT_TRUE(create(world.cluster, world::kOldPolicies, foreign));
  }
  const Json certificates = {
      {"apiVersion", "v1"                                },
      {"kind",       "ConfigMap"                         },
      {"metadata",   {{"namespace", "a"}, {"name", "ca"}}},
      {"data",       {{"ca.crt", "PEM"}}                 }
  };
  ASSERT_TRUE(create(world.cluster, resources::kConfigMaps, certificates));
  const Json before = world.end_state();
  Json accept = Json::array({consent_to_foreign("left", "LeaveInBackup"),
                             consent_to_foreign("moved", "")});
  world.create_migration("up", {{"accept", accept}});
  EXPECT_TRUE(world.run("up").stalled) << "a consent without a resolution chooses nothing";
  EXPECT_EQ(world.num_deletions(world::kOldPolicies), 0);

  accept[1]["resolution"] = "MoveToTarget";
  ASSERT_TRUE(merge_patch(world.cluster, kMigrations, {"", "up"}, {{"spec", {{"accept", accept}}}}));
  const ReconcileResult result = world.run("up");
  ASSERT_EQ(result.outcome, PassOutcome::Finished) << result.reason << ": " << result.message;
  EXPECT_FALSE(get(world.cluster, world::kNewPolicies, {"a", "left"}));
  EXPECT_FALSE(get(world.cluster, world::kNewPolicies, {"a", "moved"}));
  const auto moved = get(world.cluster, world::kNewPolicies, {"b", "moved"});
  ASSERT_TRUE(moved);
  EXPECT_EQ(moved->at("spec").at("targetRefs")[0].at("name"), "moved");
  const auto copy = get(world.cluster, resources::kConfigMaps, {"b", "ca"});
  ASSERT_TRUE(copy);
  EXPECT_EQ(copy->at("data"), certificates.at("data"));
  const Json migration = world.migration("up");
  for (const Json& crd : migration.at("status").at("crds")) {
    if (crd.at("name") != world::kPolicyCrd) continue;
    EXPECT_EQ(crd.at("objects").at("found"), 5);
    EXPECT_EQ(crd.at("objects").at("done"), 4);
    EXPECT_EQ(crd.at("objects").at("skipped"), 1);
  }

  ASSERT_TRUE(merge_patch(world.cluster, kMigrations, {"", "up"},
                          {{"metadata", {{"annotations", {{"gatelift.dev/rollback", "true"}}}}}}));
  ASSERT_EQ(world.run("up").reason, "RolledBack");
  EXPECT_EQ(first_unequal(world.end_state().at(world::kPolicyCrd), before.at(world::kPolicyCrd)), "");
}

TEST(Migration, DeletesNothingWhereAConfigMapStandsInTheWayOfAMove) {
  GatewayWorld world;
  world.populate(3);
  Json foreign = world::policy("a", "moved");
  foreign["spec"]["targetRef"]["namespace"] = "b";
  ASSERT_TRUE(create(world.cluster, world::kOldPolicies, foreign));
  for (const char* ns : {"a", "b"}) {
    ASSERT_TRUE(create(world.cluster, resources::kConfigMaps,
                       {
                           {"apiVersion", "v1"                               },
                           {"kind",       "ConfigMap"                        },
                           {"metadata",   {{"namespace", ns}, {"name", "ca"}}},
                           {"data",       {{"ca.crt", ns}}                   }
    }));
  }
  world.create_migration(
      "up", {
                {"accept", Json::array({consent_to_foreign("moved", "MoveToTarget")})}
  });
  const ReconcileResult result = world.run("up");
  EXPECT_EQ(result.reason, "Blocked") << result.message;
  EXPECT_NE(result.message.find("ConfigMapTaken BackendTLSPolicy/a/moved"), std::string::npos)
      << result.message;
  EXPECT_NE(result.message.find("ConfigMap/b/ca exists"), std::string::npos) << result.message;
  EXPECT_EQ(world.num_deletions(world::kOldPolicies), 0);
}

TEST(Migration, DoesNotStartWhileAPolicyHasAFinalizer) {
  GatewayWorld world;
  world.populate(2);
  ASSERT_TRUE(merge_patch(world.cluster, world::kOldPolicies, {"a", "policy-0"},
                          {{"metadata", {{"finalizers", Json::array({"example.com/orphan"})}}}}));
  world.create_migration("up");
  EXPECT_TRUE(world.run("up").stalled);
  EXPECT_EQ(world.num_deletions(world::kOldPolicies), 0);
  EXPECT_NE(world.condition("up", "Ready", "message").find("example.com/orphan"), std::string::npos);
}

TEST(Migration, MendsFieldsAndMakesRenamedKindsAnewAndTakesTheFieldsBackOnRollback) {
  GatewayWorld world;
  world.populate(1);
  world.populate_moves();
  const Json before = world.end_state();
  world.create_migration("up");
  const ReconcileResult result = world.run("up");
  ASSERT_EQ(result.outcome, PassOutcome::Finished) << result.reason << ": " << result.message;
  EXPECT_NE(result.message.find("carried or rewrote 3 objects"), std::string::npos) << result.message;
  EXPECT_NE(result.message.find("made 2 objects anew"), std::string::npos) << result.message;
  const auto route = get(world.cluster, world::kRoutes, {"b", "retried"});
  ASSERT_TRUE(route);
  EXPECT_EQ(route->at("spec").at("rules")[0].at("retry").at("codes"), Json::array({500, 502}));
  const Resource grants{"gateway.networking.k8s.io", "v1beta1", "referencegrants", true};
  for (const char* name : {"one", "two"}) {
    EXPECT_TRUE(get(world.cluster, grants, {"a", name})) << name;
  }

  ASSERT_TRUE(merge_patch(world.cluster, kMigrations, {"", "up"},
                          {{"metadata", {{"annotations", {{"gatelift.dev/rollback", "true"}}}}}}));
  ASSERT_EQ(world.run("up").reason, "RolledBack");
  EXPECT_EQ(first_unequal(world.end_state().at(world::kRouteCrd).at("objects"),
                          before.at(world::kRouteCrd).at("objects")),
            "");
}

TEST(Migration, KeepsWhatSomebodySetAfterTheBackup) {
  GatewayWorld world;
  world.populate(1);
  world.populate_moves();
  bool edited = false;
  world.cluster.before_call([&](const Request& request) {
    // As soon as the new CRD is there, its owner gives the route codes that it takes.
    const bool reads = request.verb == Verb::Get && request.resource == world::kRoutes;
    if (!reads || edited) return;
    edited = true;
    const Json codes = Json::array({503});
    ASSERT_TRUE(merge_patch(world.cluster, world::kRoutes, {"b", "retried"},
                            {{"spec", {{"rules", Json::array({{{"retry", {{"codes", codes}}}}})}}}}));
  });
  world.create_migration("up");
  const ReconcileResult result = world.run("up");
  ASSERT_EQ(result.outcome, PassOutcome::Finished) << result.reason << ": " << result.message;
  ASSERT_TRUE(edited);
  const auto route = get(world.cluster, world::kRoutes, {"b", "retried"});
  EXPECT_EQ(route->at("spec").at("rules")[0].at("retry").at("codes"), Json::array({503}));
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
        return request.resource == world::kNewPolicies && key_of(object).name == "policy-2";
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
    if (edited || !is_deletion_of_a_policy(request)) return;
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
        return request.resource == world::kNewPolicies && key_of(object).name == "policy-2";
      },
      "policy-2 is not wanted");
  world.create_migration("up", {{"onFailure", "Rollback"}});
  ReconcileResult result = world.run("up");
  EXPECT_EQ(result.reason, "RolledBack") << result.message;
  EXPECT_TRUE(result.stalled);
  EXPECT_NE(result.message.find("policy-2"), std::string::npos);
  EXPECT_EQ(first_unequal(world.end_state().at(world::kPolicyCrd), before.at(world::kPolicyCrd)), "");
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
