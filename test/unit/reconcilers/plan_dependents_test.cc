// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>

#include "test/unit/reconcilers/plan_fixture.h"

namespace gatelift {
namespace {

/// A policy that owns a ConfigMap and a Deployment; a ConfigMap of somebody else beside them.
class OwnedScene : public PlanScene {
 public:
  OwnedScene() {
    cluster.add_kind(kDeployments, "Deployment");
    cluster.seed(kOldPolicies, old_policy("a", "owner").metadata("uid", "uid-1").build());
    const Json owner = cluster.stored(kOldPolicies, {"a", "owner"}).value();
    cluster.seed(resources::kConfigMaps,
                 object("v1", "ConfigMap", {"a", "owned"}).owned_by(owner).build());
    cluster.seed(kDeployments,
                 object("apps/v1", "Deployment", {"a", "owned"}).owned_by(owner).build());
    cluster.seed(resources::kConfigMaps, object("v1", "ConfigMap", {"a", "free"}).build());
  }

  const Resource kDeployments{"apps", "v1", "deployments", true};
};

TEST(Dependents, AreFoundInEveryKind) {
  OwnedScene scene;
  const auto dependents = find_dependents(scene.cluster, {"uid-1"});
  ASSERT_TRUE(dependents) << dependents.error().message;
  ASSERT_EQ(dependents->found.size(), 2U);
  EXPECT_EQ(dependents->found[0].kind, "ConfigMap");
  EXPECT_EQ(dependents->found[0].key.display(), "a/owned");
  EXPECT_EQ(dependents->found[0].owner_uid, "uid-1");
  EXPECT_EQ(dependents->found[1].resource, scene.kDeployments);
  EXPECT_TRUE(dependents->not_searched.empty());
}

TEST(Dependents, SayWhereTheyCouldNotLook) {
  OwnedScene scene;
  scene.cluster.policy().deny("list", "apps", "deployments");
  const auto dependents = find_dependents(scene.cluster, {"uid-1"});
  EXPECT_EQ(dependents->found.size(), 1U);
  EXPECT_EQ(dependents->not_searched, std::vector<std::string>{"deployments.apps"});
}

TEST(Dependents, CostNothingWithoutOwners) {
  OwnedScene scene;
  int calls = 0;
  scene.cluster.before_call([&](const Request&) { ++calls; });
  EXPECT_TRUE(find_dependents(scene.cluster, {})->found.empty());
  EXPECT_EQ(calls, 0);
}

TEST(MakePlan, WarnsOfDependents) {
  OwnedScene scene;
  const Plan plan = scene.plan();
  EXPECT_EQ(checks_of(plan),
            (std::vector<std::string>{"Dependents ConfigMap/a/owned metadata.ownerReferences",
                                      "Dependents Deployment/a/owned metadata.ownerReferences"}));
  EXPECT_FALSE(plan.stops());
}

TEST(MakePlan, BlocksOnADependentThatItMayNotChange) {
  OwnedScene scene;
  scene.cluster.policy().deny("patch", "apps", "deployments");
  const Plan plan = scene.plan();
  EXPECT_EQ(plan.checks.at(0).object, "Deployment/a/owned");
  EXPECT_EQ(plan.checks.at(0).severity, Severity::Blocker);
  EXPECT_EQ(plan.checks.at(1).severity, Severity::Warning);
}

TEST(MakePlan, WarnsWhereItCouldNotLookForDependents) {
  OwnedScene scene;
  scene.cluster.policy().deny("list", "apps", "deployments");
  const Plan plan = scene.plan();
  const auto found = std::ranges::find(plan.checks, "", &Check::object);
  ASSERT_NE(found, plan.checks.end());
  const Check& warning = *found;
  EXPECT_EQ(warning.code, "Dependents");
  EXPECT_EQ(warning.severity, Severity::Warning);
  EXPECT_NE(warning.message.find("deployments.apps"), std::string::npos);
  EXPECT_NE(warning.next.find("gatelift-dependents"), std::string::npos);
}

TEST(MakePlan, HasTheSameDigestWhoeverLooksForDependents) {
  OwnedScene all;
  OwnedScene less;
  less.cluster.policy().deny("list", "", "services");
  EXPECT_EQ(all.plan().digest, less.plan().digest);
}

}  // namespace
}  // namespace gatelift
