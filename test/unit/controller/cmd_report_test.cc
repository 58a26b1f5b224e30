// SPDX-License-Identifier: Apache-2.0
// The documents that plan and report print.
#include "client/yaml.h"
#include "test/unit/controller/commands_fixture.h"

namespace gatelift {
namespace {

using ReportTest = CommandsTest;

TEST_F(ReportTest, PlanIsAPageWithObjectsBeforeAndAfter) {
  world_.populate(3);
  EXPECT_EQ(run({"plan", "--to", "v1.1.1/experimental", "-o", "html"}), 0) << err();
  EXPECT_TRUE(out().starts_with("<!DOCTYPE html>"));
  EXPECT_TRUE(out().ends_with("</html>\n"));
  EXPECT_TRUE(out_has("BackendTLSPolicy/a/policy-0"));
  EXPECT_TRUE(out_has("gatelift migrate --to v1.1.1/experimental"));
  EXPECT_EQ(changes().size(), 0U);
  EXPECT_EQ(run({"plan", "--to", "v1.1.1/experimental", "-o", "json"}), 0) << err();
  EXPECT_EQ(array_at(output_json(), "diffs").size(), 3U);
  EXPECT_FALSE(array_at(output_json(), "crds").empty());
  EXPECT_FALSE(array_at(output_json(), "actions").empty()) << "a plan as before";
}

TEST_F(ReportTest, OnlyDocumentsArePages) {
  EXPECT_EQ(run({"status", "-o", "html"}), 2);
  EXPECT_EQ(run({"migrate", "--to", "v1.1.1/experimental", "-o", "html"}), 2);
}

TEST_F(ReportTest, IsPrintedInEachFormat) {
  world_.populate(3);
  ASSERT_EQ(migrate(), 0) << err();
  EXPECT_EQ(run({"report", kName}), 0) << err();
  EXPECT_TRUE(out_has("state Done")) << out();
  EXPECT_TRUE(out_has("BackendTLSPolicy/a/policy-0 converted")) << out();
  EXPECT_TRUE(out_has("+  validation:")) << out();
  EXPECT_EQ(err(), "");
  EXPECT_EQ(run({"report", kName, "-o", "html"}), 0) << err();
  EXPECT_TRUE(out_has("<title>to-v1-1-1-experimental: v1.0.0/experimental to v1.1.1/experimental"));
  EXPECT_EQ(run({"report", "-o", "yaml"}), 0) << "the only one there is\n" << err();
  const Json yaml = parse_yaml(out(), "out").value().front();
  EXPECT_EQ(run({"report", "-o", "json"}), 0) << err();
  EXPECT_EQ(yaml, output_json());
  EXPECT_EQ(array_at(yaml, "objects").size(), 5U);
  EXPECT_EQ(string_at(yaml, "status", "phase"), "Done");
}

TEST_F(ReportTest, TakesObjectsBeforeAndAfterFromTheBackup) {
  world_.populate(120);
  ASSERT_EQ(migrate(), 0) << err();
  EXPECT_EQ(run({"report", kName, "-o", "json"}), 0) << err();
  EXPECT_EQ(array_at(output_json(), "diffs").size(), 120U) << "the ConfigMap has 100";
  EXPECT_EQ(run({"report", kName}), 0) << err();
  EXPECT_TRUE(out_has("and 20 more; gatelift report to-v1-1-1-experimental -o json")) << out();
}

TEST_F(ReportTest, ExitsWithThreeWhereAPersonIsNeeded) {
  world_.populate(2);
  Json foreign = world::policy("a", "foreign");
  foreign["spec"]["targetRef"]["namespace"] = "b";
  ASSERT_TRUE(create(world_.cluster, world::kOldPolicies, foreign));
  world_.create_migration("up");
  world_.run("up");
  EXPECT_EQ(run({"report", "up", "-o", "html"}), 3) << err();
  EXPECT_TRUE(out_has("ForeignTargetNamespace")) << out();
}

TEST_F(ReportTest, SurvivesTheDeletionOfTheMigration) {
  EXPECT_EQ(run({"report"}), 1);
  EXPECT_TRUE(err_has("there is no migration to report on")) << err();
  world_.populate(2);
  ASSERT_EQ(migrate(), 0) << err();
  Request removal;
  removal.verb = Verb::Delete;
  removal.resource = kMigrations;
  removal.key = {"", kName};
  ASSERT_TRUE(world_.cluster.send(removal));
  EXPECT_EQ(run({"report", kName}), 0) << err();
  EXPECT_TRUE(out_has("state Done")) << out();
  EXPECT_EQ(run({"report", "other"}), 1);
  EXPECT_TRUE(err_has("other")) << err();
}

TEST_F(ReportTest, SaysSoWhereTheBackupIsGone) {
  world_.populate(2);
  ASSERT_EQ(migrate(), 0) << err();
  for (const ObjectKey& key : world_.cluster.stored_keys(resources::kSecrets)) {
    Request removal;
    removal.verb = Verb::Delete;
    removal.resource = resources::kSecrets;
    removal.key = key;
    ASSERT_TRUE(world_.cluster.send(removal));
  }
  EXPECT_EQ(run({"report", kName}), 0) << err();
  EXPECT_TRUE(err_has("note: objects before and after are of the plan: there is no backup"))
      << err();
  EXPECT_TRUE(out_has("+  validation:")) << out();
}

}  // namespace
}  // namespace gatelift
