// SPDX-License-Identifier: Apache-2.0
// What plans say of both strategies, and that it is of the cluster at hand.
#include <gtest/gtest.h>

#include "reconcilers/migration_json.h"
#include "test/unit/reconcilers/plan_fixture.h"

namespace gatelift {
namespace {

using Sentences = std::vector<std::string>;

Json status_of(const std::string& accepted) {
  return {
      {"ancestors",
       Json::array(
           {{{"controllerName", "example.com/envoy"},
             {"conditions", Json::array({{{"type", "Accepted"}, {"status", accepted}}})}}})}
  };
}

void seed(PlanScene& scene, const std::string& name, const std::string& accepted) {
  scene.cluster.seed(kOldPolicies, old_policy("a", name).status(status_of(accepted)).build());
}

Plan plan_by(PlanScene& scene, Strategy strategy, Hold hold = Hold::None) {
  scene.spec.strategy = strategy;
  scene.spec.hold = hold;
  return scene.plan();
}

StrategyEstimate of(const Plan& plan, Strategy strategy) {
  for (const StrategyEstimate& each : plan.strategies) {
    if (each.strategy == strategy) return each;
  }
  ADD_FAILURE() << "the plan says nothing of " << to_string(strategy);
  return {};
}

bool has(const Sentences& sentences, const std::string& part) {
  return std::ranges::any_of(sentences, [&](const std::string& sentence) {
    return sentence.find(part) != std::string::npos;
  });
}

/// Where a field that both versions have changes its type.
std::vector<Json> crds_without_union() {
  std::vector<Json> wanted = new_crds();
  Json& schema = wanted[0]["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
  schema["properties"]["spec"]["properties"]["tls"] = text_schema();
  return wanted;
}

TEST(PlanStrategies, AreComparedWhicheverIsChosen) {
  PlanScene scene;
  seed(scene, "one", "True");
  seed(scene, "two", "False");
  for (const Strategy chosen : {Strategy::Recreate, Strategy::InPlace}) {
    SCOPED_TRACE(to_string(chosen));
    const Plan plan = plan_by(scene, chosen);
    ASSERT_EQ(plan.strategies.size(), 2U);

    const StrategyEstimate recreate = of(plan, Strategy::Recreate);
    EXPECT_GT(recreate.unavailable.count(), 0);
    EXPECT_EQ(recreate.objects_recreated, 2);
    EXPECT_EQ(recreate.policies_interrupted, 1);
    EXPECT_EQ(recreate.writes_per_object, 4);
    EXPECT_EQ(recreate.obstacles, Sentences{});
    EXPECT_TRUE(has(recreate.risks, "plaintext to the backends of 1 policy that is in effect"));
    EXPECT_TRUE(has(recreate.needs, "a controller that reads v1alpha3"));

    const StrategyEstimate in_place = of(plan, Strategy::InPlace);
    EXPECT_EQ(in_place.unavailable.count(), 0);
    EXPECT_EQ(in_place.objects_recreated, 0);
    EXPECT_EQ(in_place.policies_interrupted, 0);
    EXPECT_EQ(in_place.writes_per_object, 3);
    EXPECT_EQ(in_place.obstacles, Sentences{});
    EXPECT_TRUE(has(in_place.risks, "v1alpha2 alone"));
    EXPECT_TRUE(has(in_place.needs, "a CRD with v1alpha2 and v1alpha3 at once"));
    EXPECT_TRUE(has(in_place.needs, "spec.inPlace.hold Approval"));
    EXPECT_EQ(plan_by(scene, chosen).strategies, plan.strategies);
  }
}

TEST(PlanStrategies, AgreeWithThePlanAboutTheOneThatIsChosen) {
  PlanScene scene;
  for (const char* name : {"one", "two", "three"}) seed(scene, name, "True");
  scene.cluster.seed(kRoutes, route("a", "web").build());
  std::map<Strategy, Plan> plans;
  for (const Strategy chosen : {Strategy::Recreate, Strategy::InPlace}) {
    const Plan plan = plan_by(scene, chosen);
    EXPECT_EQ(of(plan, chosen).writes, plan.estimated_writes);
    EXPECT_EQ(of(plan, chosen).unavailable, plan.estimated_unavailable);
    EXPECT_TRUE(of(plan, chosen).chosen);
    plans[chosen] = plan;
  }
  // What one plan says of the other strategy is what that one's plan says.
  EXPECT_EQ(of(plans[Strategy::Recreate], Strategy::InPlace).writes,
            plans[Strategy::InPlace].estimated_writes);
  EXPECT_EQ(of(plans[Strategy::InPlace], Strategy::Recreate).writes,
            plans[Strategy::Recreate].estimated_writes);
  EXPECT_FALSE(of(plans[Strategy::Recreate], Strategy::InPlace).chosen);
}

TEST(PlanStrategies, AreOfNoPlanThatChangesNoShape) {
  PlanScene scene(new_crds());
  EXPECT_TRUE(scene.plan().strategies.empty());
}

TEST(PlanStrategies, CountOneMoreWriteOfAnObjectThatIsHeld) {
  PlanScene scene;
  seed(scene, "one", "True");
  const Plan plan = plan_by(scene, Strategy::InPlace, Hold::Approval);
  EXPECT_EQ(of(plan, Strategy::InPlace).writes_per_object, 4);
  EXPECT_EQ(plan.estimated_writes, plan_by(scene, Strategy::InPlace).estimated_writes + 1);
  EXPECT_TRUE(has(of(plan, Strategy::InPlace).needs, "spec.inPlace.hold is Approval"));
  EXPECT_TRUE(has(of(plan, Strategy::InPlace).risks, "when the hold ends"));
}

TEST(PlanStrategies, SayWhyThereIsNoWayInPlace) {
  PlanScene scene(old_crds(), crds_without_union());
  seed(scene, "one", "True");
  const Plan plan = plan_by(scene, Strategy::Recreate);
  EXPECT_FALSE(plan.stops());
  EXPECT_TRUE(has(of(plan, Strategy::InPlace).obstacles, "spec.tls")) << plan_json(plan).dump(1);
  EXPECT_FALSE(has(of(plan, Strategy::InPlace).needs, "at once"));
  EXPECT_EQ(of(plan, Strategy::Recreate).obstacles, Sentences{});

  const Plan in_place = plan_by(scene, Strategy::InPlace);
  EXPECT_EQ(of(in_place, Strategy::InPlace).obstacles, of(plan, Strategy::InPlace).obstacles);
  const Check* check = check_of(in_place, "NoUnion");
  ASSERT_NE(check, nullptr);
  EXPECT_EQ(check->severity, Severity::Blocker);
  EXPECT_NE(check->next.find("spec.strategy to Recreate"), std::string::npos);
  EXPECT_EQ(std::ranges::count(in_place.actions, ActionKind::Convert, &PlannedAction::kind), 0)
      << "nobody has asked for a deletion";
}

TEST(PlanStrategies, SayWhichObjectsOneOfThemCannotTake) {
  PlanScene scene;
  scene.cluster.seed(kOldPolicies, old_policy("a", "one").finalizer("example.com/hold").build());
  Json foreign = old_policy("a", "two").build();
  foreign["spec"]["targetRef"]["namespace"] = "elsewhere";
  scene.cluster.seed(kOldPolicies, foreign);
  for (const Strategy chosen : {Strategy::Recreate, Strategy::InPlace}) {
    SCOPED_TRACE(to_string(chosen));
    const Plan plan = plan_by(scene, chosen);
    EXPECT_TRUE(has(of(plan, Strategy::Recreate).obstacles, "1 BackendTLSPolicy object with"));
    EXPECT_TRUE(has(of(plan, Strategy::Recreate).needs, "a resolution in spec.accept for 1"));
    EXPECT_TRUE(has(of(plan, Strategy::InPlace).obstacles, "only Recreate can"));
  }
}

TEST(PlanStrategies, CountRivalsAndDependents) {
  PlanScene scene;
  for (const char* name : {"one", "two", "three"}) {
    Json policy = old_policy("a", name).build();
    if (name != std::string("three")) policy["spec"]["targetRef"]["name"] = "shared";
    scene.cluster.seed(kOldPolicies, policy);
  }
  const Plan plan = plan_by(scene, Strategy::Recreate);
  EXPECT_TRUE(has(of(plan, Strategy::Recreate).risks, "2 BackendTLSPolicy objects compete"));
  EXPECT_FALSE(has(of(plan, Strategy::Recreate).risks, "as owner"));
  EXPECT_TRUE(has(of(plan_by(scene, Strategy::InPlace), Strategy::Recreate).risks,
                  "looked for when Recreate is chosen"));
}

TEST(PlanStrategies, AreNoPartOfTheDigest) {
  PlanScene scene;
  seed(scene, "one", "True");
  seed(scene, "two", "Unknown");
  const Plan before = plan_by(scene, Strategy::Recreate);
  const auto set = merge_patch(scene.cluster, kOldPolicies,
                               {
                                   "a", "two"
  },
                               {{"status", status_of("True")}}, "status");
  ASSERT_TRUE(set) << set.error().message;
  const Plan after = plan_by(scene, Strategy::Recreate);
  EXPECT_NE(after.strategies, before.strategies);
  EXPECT_EQ(after.digest, before.digest);
}

TEST(PlanStrategies, RefuseACrdOnceThoughItsBridgeWouldBeRefusedToo) {
  PlanScene scene;
  seed(scene, "one", "True");
  scene.cluster.policy().refuse_as_invalid(
      [](const Request& request, const Json& object) {
        return request.resource.plural == "customresourcedefinitions" &&
               key_of(object).name == kPolicyCrd;
      },
      "spec.validation", "compilation failed");
  const Plan plan = plan_by(scene, Strategy::InPlace);
  EXPECT_EQ(checks_of(plan, "CRDRefused").size(), 1U);
}

TEST(PlanStrategies, NameTheWayOutWhereOnlyTheBridgeIsRefused) {
  PlanScene scene;
  seed(scene, "one", "True");
  scene.cluster.policy().refuse_as_invalid(
      [](const Request& request, const Json& object) {
        return request.resource.plural == "customresourcedefinitions" &&
               array_at(object, "spec", "versions").size() > 1 && key_of(object).name == kPolicyCrd;
      },
      "spec.versions", "too costly");
  const Plan plan = plan_by(scene, Strategy::InPlace);
  const Check* check = check_of(plan, "CRDRefused");
  ASSERT_NE(check, nullptr);
  EXPECT_NE(check->next.find("spec.strategy to Recreate"), std::string::npos);
  EXPECT_FALSE(plan_by(scene, Strategy::Recreate).stops());
}

}  // namespace
}  // namespace gatelift
