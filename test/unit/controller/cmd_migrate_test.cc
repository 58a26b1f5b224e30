// SPDX-License-Identifier: Apache-2.0
#include "client/yaml.h"
#include "controller/prerequisites.h"
#include "reconcilers/migration_json.h"
#include "test/unit/controller/commands_fixture.h"

namespace gatelift {
namespace {

class MigrateTest : public CommandsTest {};

TEST_F(MigrateTest, PlanShowsWhatWouldBeDoneAndWritesNothing) {
  world_.populate(6);
  EXPECT_EQ(run({"plan", "--to", "v1.1.1/experimental"}), 0) << err();
  EXPECT_TRUE(out_has("v1.0.0/experimental -> v1.1.1/experimental")) << out();
  EXPECT_TRUE(out_has("Convert")) << out();
  EXPECT_TRUE(out_has("gatelift migrate --to v1.1.1/experimental"));
  EXPECT_TRUE(changes().empty());
}

TEST_F(MigrateTest, PlanNamesTheCommandThatCarriesItOutWithItsStrategy) {
  world_.populate(2);
  EXPECT_EQ(run({"plan", "--to", "v1.1.1/experimental", "--hold", "Approval"}), 0) << err();
  EXPECT_TRUE(out_has("InPlace (chosen)")) << out();
  EXPECT_TRUE(out_has("v1.1.1/experimental --hold Approval\n")) << out();
  EXPECT_EQ(run({"plan", "--to", "v1.1.1/experimental", "--strategy", "Recreate"}), 0) << err();
  EXPECT_TRUE(out_has("v1.1.1/experimental --strategy Recreate\n")) << out();
}

TEST_F(MigrateTest, PlanExitsWithThreeWhereAPersonIsNeeded) {
  world_.populate(2);
  Json foreign = world::policy("a", "foreign");
  foreign["spec"]["targetRef"]["namespace"] = "b";
  ASSERT_TRUE(create(world_.cluster, world::kOldPolicies, foreign));
  EXPECT_EQ(run({"plan", "--to", "v1.1.1/experimental", "--strategy", "Recreate"}), 3);
  EXPECT_TRUE(out_has("BackendTLSPolicy/a/foreign")) << out();
  EXPECT_TRUE(out_has("spec.targetRef.namespace")) << out();
  EXPECT_TRUE(out_has("next: ")) << out();
  EXPECT_TRUE(out_has("Blocked: 1 consent needed")) << out();
}

TEST_F(MigrateTest, PlanIsReadByPrograms) {
  world_.populate(2);
  EXPECT_EQ(run({"plan", "--to", "v1.1.1/experimental", "-o", "json"}), 0);
  const Json plan = output_json();
  EXPECT_EQ(array_at(plan, "actions").size(), 4U) << out();
  EXPECT_TRUE(string_at(plan, "digest").starts_with("sha256:"));
  EXPECT_EQ(run({"plan", "--to", "v1.1.1/experimental", "-o", "yaml"}), 0);
  EXPECT_EQ(parse_yaml(out(), "out").value().front(), plan);
}

TEST_F(MigrateTest, AnUnknownBundleIsOneLine) {
  world_.populate(1);
  EXPECT_EQ(run({"plan", "--to", "v9.9.9/experimental"}), 1);
  EXPECT_TRUE(err().starts_with("error: ")) << err();
  EXPECT_TRUE(err_has("v9.9.9")) << err();
  EXPECT_EQ(out(), "");
}

TEST_F(MigrateTest, RefusesToGuessWhereNobodyCanBeAsked) {
  world_.populate(1);
  EXPECT_EQ(run({"migrate", "--to", "v1.1.1/experimental"}), 2);
  EXPECT_TRUE(err_has("--yes")) << err();
  EXPECT_TRUE(changes().empty());
}

TEST_F(MigrateTest, AsksAfterShowingThePlanAndTakesNoForNo) {
  world_.populate(1);
  EXPECT_EQ(run({"migrate", "--to", "v1.1.1/experimental"}, "n\n", true), 1);
  EXPECT_TRUE(out_has("Convert")) << out();
  EXPECT_TRUE(err_has("Carry this out? [y/N]"));
  EXPECT_TRUE(changes().empty());
}

TEST_F(MigrateTest, CarriesItOutOnYes) {
  world_.populate(6);
  EXPECT_EQ(run({"migrate", "--to", "v1.1.1/experimental"}, "y\n", true), 0) << err();
  EXPECT_TRUE(out_has("Done: to-v1-1-1-experimental: the cluster is at v1.1.1/experimental"))
      << out();
  EXPECT_TRUE(out_has("gatelift rollback to-v1-1-1-experimental")) << out();
  EXPECT_TRUE(out_has("gatelift backup show")) << out();
  EXPECT_TRUE(err_has("Migrate: backendtlspolicies: ")) << err();
  EXPECT_EQ(world_.condition(kName, "Ready", "status"), "True");
  EXPECT_EQ(world_.cluster.stored_keys(world::kNewPolicies).size(), 6U);
}

TEST_F(MigrateTest, ASecondRunHasNothingToDo) {
  world_.populate(3);
  ASSERT_EQ(migrate(), 0) << err();
  world_.cluster.forget_writes();
  EXPECT_EQ(migrate(), 0);
  EXPECT_TRUE(out_has("Nothing to do")) << out();
  EXPECT_TRUE(changes().empty());
}

TEST_F(MigrateTest, StopsBeforeTheFirstWriteWhereAPersonIsNeeded) {
  world_.populate(2);
  Json foreign = world::policy("a", "foreign");
  foreign["spec"]["targetRef"]["namespace"] = "b";
  ASSERT_TRUE(create(world_.cluster, world::kOldPolicies, foreign));
  world_.cluster.forget_writes();
  EXPECT_EQ(migrate(), 3);
  EXPECT_TRUE(changes().empty());
}

TEST_F(MigrateTest, RunsOnlyThePlanThatWasApproved) {
  world_.populate(2);
  EXPECT_EQ(run({"migrate", "--to", "v1.1.1/experimental", "--approve", "sha256:other"}), 3);
  EXPECT_TRUE(err_has("sha256:other")) << err();
  EXPECT_TRUE(changes().empty());

  ASSERT_EQ(run({"plan", "--to", "v1.1.1/experimental", "-o", "json"}), 0);
  const std::string digest = string_at(output_json(), "digest");
  EXPECT_EQ(run({"migrate", "--to", "v1.1.1/experimental", "--approve", digest}), 0) << err();
  const Json spec = world_.migration(kName)["spec"];
  EXPECT_EQ(string_at(spec, "approval"), "Required");
  EXPECT_EQ(string_at(spec, "approvedPlan"), digest);
}

TEST_F(MigrateTest, DryRunIsThePlan) {
  world_.populate(2);
  EXPECT_EQ(run({"migrate", "--to", "v1.1.1/experimental", "--dry-run"}), 0) << err();
  EXPECT_TRUE(out_has("Convert"));
  EXPECT_TRUE(changes().empty());
}

TEST_F(MigrateTest, ContinuesARunThatWasInterrupted) {
  world_.populate(6);
  world_.create_migration(kName);
  for (int i = 0; i < 20 && !world_.migration(kName)["status"].contains("startedAt"); ++i) {
    world_.run(kName, 1);
  }
  ASSERT_FALSE(world_.migration(kName)["status"].contains("finishedAt"));
  EXPECT_EQ(migrate(), 0) << err();
  EXPECT_TRUE(err_has("continuing to-v1-1-1-experimental (phase ")) << err();
  EXPECT_EQ(world_.condition(kName, "Ready", "status"), "True");
}

TEST_F(MigrateTest, LeavesNothingOfTheHoldThatWasAskedForBefore) {
  world_.populate(2);
  world_.create_migration(kName, {
                                     {"strategy", "InPlace"                                     },
                                     {"inPlace",  {{"hold", "UntilUnused"}, {"unusedFor", "1h"}}}
  });
  EXPECT_EQ(run({"migrate", "--to", "v1.1.1/experimental", "--yes"}), 0) << err();
  const Json hold = {
      {"hold", "None"}
  };
  EXPECT_EQ(world_.migration(kName)["spec"]["inPlace"], hold);
}

TEST_F(MigrateTest, LeavesNothingOfTheStrategyThatWasAskedForBefore) {
  world_.populate(2);
  world_.create_migration(kName, {
                                     {"strategy", "InPlace"             },
                                     {"inPlace",  {{"hold", "Approval"}}}
  });
  EXPECT_EQ(migrate(), 0) << err();
  const Json spec = world_.migration(kName)["spec"];
  EXPECT_EQ(string_at(spec, "strategy"), "Recreate");
  EXPECT_FALSE(spec.contains("inPlace")) << spec;
}

TEST_F(MigrateTest, LeavesAMigrationToAnotherTargetAlone) {
  world_.populate(2);
  world_.create_migration("mine",
                          {
                              {"target", {{"version", "v1.4.1"}, {"channel", "standard"}}}
  });
  EXPECT_EQ(run({"migrate", "--to", "v1.1.1/experimental", "--name", "mine", "--yes"}), 1);
  EXPECT_TRUE(err_has("v1.4.1/standard")) << err();
  EXPECT_TRUE(err_has("--name")) << err();
}

TEST_F(MigrateTest, AfterARollbackTakesANewName) {
  world_.populate(3);
  ASSERT_EQ(migrate(), 0) << err();
  ASSERT_EQ(run({"rollback", kName, "--yes"}), 0) << err();
  EXPECT_EQ(migrate(), 0) << err();
  EXPECT_EQ(world_.condition(kName + "-2", "Ready", "status"), "True") << err();
}

TEST_F(MigrateTest, RollsBackToWhatWas) {
  world_.populate(6);
  const Json before = world_.end_state()[world::kPolicyCrd]["objects"];
  ASSERT_EQ(migrate(), 0) << err();
  EXPECT_EQ(run({"rollback", kName}), 2) << "nobody can be asked";
  EXPECT_EQ(run({"rollback", kName}, "n\n", true), 1);
  EXPECT_EQ(world_.cluster.stored_keys(world::kNewPolicies).size(), 6U);
  EXPECT_EQ(run({"rollback", kName}, "y\n", true), 0) << err();
  EXPECT_TRUE(out_has("Rolled back: ")) << out();
  EXPECT_EQ(world_.cluster.stored_keys(world::kOldPolicies).size(), 6U);
  EXPECT_EQ(run({"rollback", kName, "--yes"}), 0);
  EXPECT_TRUE(out_has("already")) << out();
}

TEST_F(MigrateTest, IsNotReadyWhileItRollsBack) {
  world_.populate(3);
  ASSERT_EQ(migrate(), 0) << err();
  const Json patch = {
      {"metadata", {{"annotations", {{kRollbackAnnotation, "true"}}}}}
  };
  ASSERT_TRUE(merge_patch(world_.cluster, kMigrations, {"", kName}, patch));
  int num_looks = 0;
  world_.cluster.before_call([&](const Request& request) {
    if (!is_write(request.verb)) return;
    const Json status = world_.migration(kName)["status"];
    if (string_at(status, "operation") != "Rollback" || string_at(status, "phase") == "Done")
      return;
    ++num_looks;
    EXPECT_NE(world_.condition(kName, "Ready", "status"), "True") << "kubectl wait would return";
  });
  world_.run(kName);
  EXPECT_GT(num_looks, 3);
  world_.cluster.before_call({});
  EXPECT_EQ(world_.condition(kName, "Ready", "status"), "True");
}

TEST_F(MigrateTest, RollbackOfWhatIsNotThereNamesIt) {
  EXPECT_EQ(run({"rollback", "absent", "--yes"}), 1);
  EXPECT_TRUE(err_has("absent")) << err();
}

TEST_F(MigrateTest, PrintsTheResourceForPrograms) {
  world_.populate(2);
  EXPECT_EQ(run({"migrate", "--to", "v1.1.1/experimental", "--yes", "-o", "json"}), 0) << err();
  const Json resource = output_json();
  EXPECT_EQ(kind_of(resource), kMigrationKind) << out();
  EXPECT_EQ(string_at(resource, "status", "phase"), "Done");
}

TEST(Prerequisites, AreCreatedWhereAbsentAndLeftAloneWherePresent) {
  ManualClock clock;
  FakeCluster cluster(clock);
  const auto first = ensure_prerequisites(cluster, clock, "gatelift-system");
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_TRUE(first->created_namespace);
  EXPECT_TRUE(first->created_crd);
  MigrationSpec spec;
  spec.target = {"v1.1.1", "experimental"};
  EXPECT_TRUE(create(cluster, kMigrations, migration_manifest("m", spec))) << "it is served";
  cluster.forget_writes();
  const auto second = ensure_prerequisites(cluster, clock, "gatelift-system");
  ASSERT_TRUE(second);
  EXPECT_FALSE(second->created_namespace || second->created_crd || second->crd_differs);
  EXPECT_TRUE(cluster.writes().empty());
}

}  // namespace
}  // namespace gatelift
