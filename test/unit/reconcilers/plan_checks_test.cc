// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "test/unit/reconcilers/plan_fixture.h"

namespace gatelift {
namespace {

using Names = std::vector<std::string>;

Json accepted_status() {
  return {
      {"ancestors",
       Json::array({{{"controllerName", "example.com/envoy"},
                     {"conditions", Json::array({{{"type", "Accepted"}, {"status", "True"}}})}}})}
  };
}

TEST(MakePlan, FindsNothingWrongWithAnOrdinaryCluster) {
  PlanScene scene;
  scene.cluster.seed(kOldPolicies, old_policy("a", "one").build());
  scene.cluster.seed(kRoutes, route("a", "web").build());

  const Plan plan = scene.plan();

  EXPECT_EQ(checks_of(plan), Names{});
  EXPECT_FALSE(plan.stops());
  EXPECT_EQ(plan.from, (BundleRef{"v1.0.0", "experimental"}));
  EXPECT_EQ(plan.to, (BundleRef{"v1.1.1", "experimental"}));
  EXPECT_EQ(plan.objects, 2);
  EXPECT_EQ(plan.actions.back().kind, ActionKind::Convert);
  EXPECT_EQ(plan.actions.back().objects, 1);
  EXPECT_GT(plan.estimated_unavailable.count(), 0);
}

TEST(MakePlan, ChangesNothing) {
  PlanScene scene;
  scene.cluster.seed(kOldPolicies, old_policy("a", "one").build());
  const std::int64_t before = scene.cluster.revision();
  scene.plan();
  EXPECT_EQ(scene.cluster.revision(), before);
}

TEST(MakePlan, IsEmptyOnAClusterThatIsThereAlready) {
  PlanScene scene(new_crds());
  const Plan plan = scene.plan();
  EXPECT_TRUE(plan.is_empty());
  EXPECT_EQ(checks_of(plan), Names{});
  EXPECT_EQ(plan.estimated_writes, 0);
  EXPECT_TRUE(scene.cluster.writes().empty());
}

TEST(MakePlan, DeletesNothingWhereThereAreNoObjects) {
  PlanScene scene;
  EXPECT_EQ(scene.plan().estimated_unavailable.count(), 0);
}

TEST(MakePlan, BlocksOnAForeignTargetNamespace) {
  PlanScene scene;
  Json policy = old_policy("a", "one").build();
  policy["spec"]["targetRef"]["namespace"] = "elsewhere";
  scene.cluster.seed(kOldPolicies, policy);

  const Plan plan = scene.plan();

  EXPECT_EQ(checks_of(plan), (Names{"ForeignTargetNamespace BackendTLSPolicy/a/one "
                                    "spec.targetRef.namespace"}));
  EXPECT_TRUE(plan.stops());
}

TEST(MakePlan, BlocksOnFinalizersAndNamesThem) {
  PlanScene scene;
  scene.cluster.seed(kOldPolicies, old_policy("a", "one").finalizer("example.com/hold").build());
  scene.cluster.seed(kRoutes, route("a", "web").finalizer("example.com/hold").build());

  const Plan plan = scene.plan();

  EXPECT_EQ(checks_of(plan), (Names{"Finalizer BackendTLSPolicy/a/one metadata.finalizers"}));
  EXPECT_NE(check_of(plan, "Finalizer")->message.find("example.com/hold"), std::string::npos);
}

TEST(MakePlan, DoesNotResurrectWhatIsBeingDeleted) {
  PlanScene scene;
  scene.cluster.seed(kOldPolicies, old_policy("a", "one")
                                       .finalizer("example.com/hold")
                                       .metadata("deletionTimestamp", "2024-01-01T00:00:00Z")
                                       .build());
  EXPECT_EQ(checks_of(scene.plan()),
            (Names{"BeingDeleted BackendTLSPolicy/a/one metadata.deletionTimestamp"}));
}

TEST(MakePlan, BlocksOnANamespaceThatIsBeingDeleted) {
  PlanScene scene;
  scene.cluster.seed(kOldPolicies, old_policy("a", "one").build());
  scene.cluster.seed(kRoutes, route("a", "web").build());
  scene.cluster.set_namespace_terminating("a");
  EXPECT_EQ(checks_of(scene.plan()),
            (Names{"NamespaceTerminating BackendTLSPolicy/a/one metadata.namespace"}));
}

TEST(MakePlan, CountsThePoliciesWhoseBackendsWillSeePlaintext) {
  PlanScene scene;
  for (const char* name : {"one", "two"}) {
    scene.cluster.seed(kOldPolicies, old_policy("a", name).status(accepted_status()).build());
  }
  scene.cluster.seed(kOldPolicies, old_policy("a", "three").build());

  const Plan plan = scene.plan();

  const Check* check = check_of(plan, "PlaintextWhileAbsent");
  ASSERT_NE(check, nullptr);
  EXPECT_EQ(check->severity, Severity::Warning);
  EXPECT_TRUE(
      check->message.starts_with("**2 POLICIES ARE IN EFFECT: their backends will be "
                                 "spoken to in PLAINTEXT**"))
      << check->message;
  EXPECT_FALSE(plan.stops());
}

TEST(MakePlan, WarnsInPlaceWhereNothingGivesTimeToReplaceControllers) {
  PlanScene scene;
  scene.spec.strategy = Strategy::InPlace;
  scene.cluster.seed(kOldPolicies, old_policy("a", "one").build());
  const Plan unread = scene.plan();
  EXPECT_EQ(check_of(unread, "NoHold"), nullptr);
  ASSERT_TRUE(merge_patch(scene.cluster, kOldPolicies,
                          {
                              "a", "one"
  },
                          {{"status", accepted_status()}}, "status"));

  const Plan plan = scene.plan();

  EXPECT_EQ(plan.digest, unread.digest) << "an approval survives what controllers write";
  const Check* check = check_of(plan, "NoHold");
  ASSERT_NE(check, nullptr);
  EXPECT_EQ(check->severity, Severity::Warning);
  EXPECT_TRUE(check->message.starts_with(
      "1 policy is in effect by controllers that read v1alpha2, and nothing holds it"))
      << check->message;
  EXPECT_FALSE(plan.stops());
  scene.spec.hold = Hold::Approval;
  EXPECT_EQ(check_of(scene.plan(), "NoHold"), nullptr);
}

TEST(MakePlan, WarnsWhereManagersWillShareAnAtomicList) {
  PlanScene scene;
  const auto applied = [](const char* manager, const char* field) {
    return Json{
        {"manager",    manager                                                   },
        {"operation",  "Apply"                                                   },
        {"apiVersion", "gateway.networking.k8s.io/v1alpha2"                      },
        {"fieldsV1",   {{"f:spec", {{"f:targetRef", {{field, Json::object()}}}}}}}
    };
  };
  const Json both = Json::array({applied("git", "f:name"), applied("tool", "f:sectionName")});
  for (const char* name : {"one", "two"}) {
    scene.cluster.seed(kOldPolicies, old_policy("a", name).metadata("managedFields", both).build());
  }
  scene.cluster.seed(kOldPolicies, old_policy("a", "three").build());

  for (const Strategy strategy : {Strategy::InPlace, Strategy::Recreate}) {
    scene.spec.strategy = strategy;
    const Plan plan = scene.plan();
    const Check* check = check_of(plan, "SharedField");
    ASSERT_NE(check, nullptr);
    EXPECT_EQ(check->severity, Severity::Warning);
    EXPECT_EQ(check->field, "spec.targetRef");
    EXPECT_TRUE(
        check->message.starts_with("2 objects have this field of several field managers, "
                                   "BackendTLSPolicy/a/one of git, tool;"))
        << check->message;
    EXPECT_FALSE(plan.stops());
  }
}

TEST(MakePlan, BlocksOnAFieldInUseThatTheTargetDrops) {
  PlanScene scene;
  scene.cluster.seed(kRoutes, route("a", "fine").build());
  scene.cluster.seed(kRoutes, route("a", "web")
                                  .spec({
                                      {"hostname", "example.com"},
                                      {"retired",  "x"          }
  })
                                  .build());
  const Plan plan = scene.plan();
  EXPECT_EQ(checks_of(plan), (Names{"FieldLoss HTTPRoute/a/web spec.retired"}));
  EXPECT_TRUE(plan.stops());
}

TEST(MakePlan, OnlyNotesAStatusFieldThatTheTargetDrops) {
  std::vector<Json> wanted = new_crds();
  for (Json& crd : wanted) {
    if (key_of(crd).name != kRouteCrd) continue;
    Json& schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
    schema["properties"]["status"] = {
        {"type",       "object"                 },
        {"properties", {{"kept", text_schema()}}}
    };
  }
  PlanScene scene(old_crds(), wanted);
  for (const char* name : {"one", "two"}) {
    scene.cluster.seed(kRoutes, route("a", name)
                                    .status({
                                        {"kept",     "x"               },
                                        {"features", Json::array({"y"})}
    })
                                    .build());
  }
  const Plan plan = scene.plan();
  EXPECT_EQ(checks_of(plan),
            (Names{"FieldLoss CustomResourceDefinition/" + kRouteCrd + " status.features"}));
  EXPECT_EQ(plan.checks.at(0).severity, Severity::Note);
  EXPECT_TRUE(plan.checks.at(0).message.starts_with("2 HTTPRoute objects"));
}

TEST(MakePlan, ReencodesObjectsWhoseManagedFieldsNameALeavingVersion) {
  PlanScene scene(new_crds());
  const auto managed_at = [](const std::string& version) {
    return Json::array({
        {{"manager", "kubectl"},
         {"operation", "Apply"},
         {"apiVersion", kGatewayGroup + "/" + version},
         {"fieldsType", "FieldsV1"},
         {"fieldsV1", {{"f:spec", {{"f:hostname", Json::object()}}}}}}
    });
  };
  scene.cluster.seed(kRoutes,
                     route("a", "web").metadata("managedFields", managed_at("v1")).build());
  EXPECT_TRUE(scene.plan().is_empty());

  scene.cluster.seed(kRoutes,
                     route("a", "old").metadata("managedFields", managed_at("v1alpha1")).build());

  const Plan plan = scene.plan();
  ASSERT_EQ(plan.actions.size(), 1U);
  EXPECT_EQ(plan.actions[0].kind, ActionKind::Reencode);
  EXPECT_EQ(plan.actions[0].crd, kRouteCrd);
  EXPECT_TRUE(plan.actions[0].rewrites_objects);
}

TEST(MakePlan, QuotesTheApiServerThatRefusesACrd) {
  PlanScene scene;
  scene.cluster.policy().refuse_as_invalid(
      [](const Request& request, const Json& object) {
        return request.resource.plural == "customresourcedefinitions" &&
               key_of(object).name == kRouteCrd;
      },
      "spec.validation.openAPIV3Schema", "compilation failed: undeclared reference to 'isIP'");

  const Plan plan = scene.plan();

  EXPECT_EQ(checks_of(plan), (Names{"CRDRefused CustomResourceDefinition/" + kRouteCrd +
                                    " spec.validation.openAPIV3Schema"}));
  EXPECT_NE(plan.checks.at(0).message.find("undeclared reference to 'isIP'"), std::string::npos);
  EXPECT_TRUE(plan.stops());
}

TEST(MakePlan, SeesARefusalAlsoWhereAStoredVersionIsInTheWay) {
  PlanScene scene;
  scene.set_stored_versions(kGrantCrd, {"v1alpha2", "v1beta1"});
  EXPECT_EQ(checks_of(scene.plan()), Names{});
  scene.cluster.policy().refuse_as_invalid(
      [](const Request&, const Json& object) { return key_of(object).name == kGrantCrd; }, "spec",
      "no");
  EXPECT_EQ(checks_of(scene.plan(), "CRDRefused"),
            (Names{"CRDRefused CustomResourceDefinition/" + kGrantCrd + " spec"}));
}

TEST(MakePlan, NamesTheMissingRule) {
  PlanScene scene;
  scene.cluster.seed(kOldPolicies, old_policy("a", "one").build());
  scene.cluster.policy().deny("delete", kGatewayGroup, "backendtlspolicies");

  const Plan plan = scene.plan();

  EXPECT_EQ(checks_of(plan), (Names{"MissingPermission " + kPolicyCrd + " delete"}));
  EXPECT_NE(plan.checks.at(0).next.find(
                R"({apiGroups: ["gateway.networking.k8s.io"], resources: ["backendtlspolicies"], )"
                R"(verbs: ["delete"]})"),
            std::string::npos)
      << plan.checks.at(0).next;
  EXPECT_TRUE(plan.stops());
}

TEST(MakePlan, NeedsTheRightsOfARehearsalWhereObjectsComeUnderAnotherSchema) {
  PlanScene scene;
  scene.cluster.policy().deny("create", "rehearsal.gatelift.dev", "backendtlspolicies");
  EXPECT_EQ(checks_of(scene.plan()), Names{}) << "there is no object to be tried";
  scene.cluster.seed(kOldPolicies, old_policy("a", "one").build());
  EXPECT_EQ(checks_of(scene.plan()),
            (Names{"MissingPermission backendtlspolicies.rehearsal.gatelift.dev create"}));
  EXPECT_TRUE(scene.plan().stops());
}

TEST(MakePlan, NeedsTheRightsToStoreAtACopyWhereTheRunRewritesObjects) {
  PlanScene scene;
  scene.cluster.seed(kOldPolicies, old_policy("a", "one").build());
  scene.cluster.seed(kGrants,
                     object(kGrants.api_version(), "ReferenceGrant", {"a", "one"}).build());
  for (const char* plural : {"backendtlspolicies", "referencegrants"}) {
    scene.cluster.policy().deny("delete", "rehearsal.gatelift.dev", plural);
  }
  EXPECT_EQ(checks_of(scene.plan()), Names{}) << "a policy is made anew, and the grant stays";
  scene.set_stored_versions(kGrantCrd, {"v1alpha2", "v1beta1"});
  EXPECT_EQ(checks_of(scene.plan()),
            (Names{"MissingPermission referencegrants.rehearsal.gatelift.dev delete"}));
  scene.cluster.policy().deny("patch", "apiextensions.k8s.io", "customresourcedefinitions");
  const Names missing = checks_of(scene.plan());
  EXPECT_NE(std::ranges::find(missing,
                              "MissingPermission customresourcedefinitions.apiextensions.k8s.io "
                              "referencegrants.rehearsal.gatelift.dev patch"),
            missing.end());
}

TEST(MakePlan, TellsAPlannerWithoutRightsInOneNote) {
  PlanScene scene;
  scene.spec.mode = Mode::Plan;
  for (const char* verb : {"create", "patch", "update", "delete"}) {
    scene.cluster.policy().deny(verb, "apiextensions.k8s.io", "customresourcedefinitions");
    scene.cluster.policy().deny(verb, kGatewayGroup, "backendtlspolicies");
  }
  const Plan plan = scene.plan();
  EXPECT_EQ(checks_of(plan), (Names{"CRDNotTried ", "MissingPermission "}));
  EXPECT_EQ(plan.checks.at(0).severity, Severity::Note);
  EXPECT_FALSE(plan.stops());
}

TEST(MakePlan, BlocksWhereItMayNotReadTheObjects) {
  PlanScene scene;
  scene.cluster.policy().deny("list", kGatewayGroup, "httproutes");
  EXPECT_EQ(checks_of(scene.plan(), "MissingPermission"),
            (Names{"MissingPermission " + kRouteCrd + " list"}));
}

TEST(MakePlan, AsksForConsentWhereHelmOwnsTheCrds) {
  std::vector<Json> installed = old_crds();
  for (Json& crd : installed) {
    if (key_of(crd).name != kRouteCrd) continue;
    crd["metadata"]["annotations"]["meta.helm.sh/release-name"] = "eg";
    crd["metadata"]["annotations"]["meta.helm.sh/release-namespace"] = "envoy";
  }
  PlanScene scene(installed);

  const Plan plan = scene.plan();

  EXPECT_EQ(checks_of(plan), (Names{"ForeignOwner CustomResourceDefinition/" + kRouteCrd +
                                    " metadata.annotations[meta.helm.sh/release-name]"}));
  EXPECT_NE(plan.checks.at(0).message.find("Helm release envoy/eg"), std::string::npos);
  EXPECT_EQ(plan.installed.at(1).owner, "Helm release envoy/eg");
  EXPECT_TRUE(plan.stops());

  scene.spec.accept = {
      {plan.checks.at(0).code, plan.checks.at(0).object, plan.checks.at(0).field}
  };
  const Plan accepted = scene.plan();
  EXPECT_TRUE(accepted.checks.at(0).accepted);
  EXPECT_FALSE(accepted.stops());
  EXPECT_EQ(accepted.digest, plan.digest);

  scene.spec.accept = {
      {plan.checks.at(0).code, plan.checks.at(0).object, ""}
  };
  EXPECT_TRUE(scene.plan().stops());
}

TEST(MakePlan, PutsWhatStopsItBeforeWhatIsAccepted) {
  std::vector<Json> installed = old_crds();
  for (Json& crd : installed) {
    crd["metadata"]["annotations"]["meta.helm.sh/release-name"] = "eg";
    crd["metadata"]["annotations"]["meta.helm.sh/release-namespace"] = "envoy";
  }
  PlanScene scene(installed);
  scene.spec.accept = {
      {"ForeignOwner", "*/" + kPolicyCrd, "*"},
      {"ForeignOwner", "*/" + kRouteCrd,  "*"}
  };
  const Plan plan = scene.plan();
  ASSERT_EQ(checks_of(plan, "ForeignOwner").size(), 3U);
  EXPECT_EQ(plan.checks.at(0).object, "CustomResourceDefinition/" + kGrantCrd);
  EXPECT_TRUE(plan.checks.at(1).accepted);
}

TEST(MakePlan, WarnsOfContentThatNoBundleHas) {
  std::vector<Json> installed = old_crds();
  for (Json& crd : installed) {
    if (key_of(crd).name == kRouteCrd) crd["spec"]["names"]["shortNames"] = {"patched"};
    if (key_of(crd).name == kGrantCrd) {
      crd["metadata"]["annotations"]["gateway.networking.k8s.io/bundle-version"] = "v0.9.9";
    }
  }
  PlanScene scene(installed);
  const Plan plan = scene.plan();
  EXPECT_EQ(
      checks_of(plan),
      (Names{"UnknownContent CustomResourceDefinition/" + kRouteCrd + " spec", "MixedBundles "}));
  EXPECT_EQ(plan.from, (BundleRef{"mixed", "experimental"}));
  ASSERT_EQ(plan.installed.size(), 3U);
  EXPECT_EQ(plan.installed.at(1).identity, CrdIdentity::Modified);
  EXPECT_EQ(plan.installed.at(2).identity, CrdIdentity::Exact);
  EXPECT_FALSE(plan.stops());
}

TEST(MakePlan, NeedsNoAnnotationToKnowACrd) {
  std::vector<Json> installed = old_crds();
  for (Json& crd : installed) crd["metadata"].erase("annotations");
  PlanScene scene(installed);
  const Plan plan = scene.plan();
  EXPECT_EQ(checks_of(plan), Names{});
  EXPECT_EQ(plan.from, (BundleRef{"v1.0.0", "experimental"}));
}

TEST(MakePlan, WarnsOfAVersionThatNoBundleHas) {
  std::vector<Json> installed = old_crds();
  installed[1] = gateway_crd("httproutes", "HTTPRoute", "v1.0.0")
                     .storing("v1", schema_with_spec({
                                        {"hostname", text_schema()}
  }))
                     .serving("v1alpha9")
                     .build();
  PlanScene scene(installed);
  scene.set_stored_versions(kRouteCrd, {"v1alpha9", "v1"});
  const Plan plan = scene.plan();
  const Check* check = check_of(plan, "ForeignVersion");
  ASSERT_NE(check, nullptr);
  EXPECT_EQ(check->field, "spec.versions[1].name");
  EXPECT_NE(check->message.find("written again at v1"), std::string::npos) << check->message;
  EXPECT_FALSE(plan.stops());
}

TEST(MakePlan, TellsADowngradeAlsoByWhatACrdOnlyNames) {
  std::vector<Json> installed = old_crds();
  installed[1] = gateway_crd("httproutes", "HTTPRoute", "v1.9.0")
                     .storing("v1", schema_with_spec({
                                        {"later", text_schema()}
  }))
                     .build();
  PlanScene scene(installed);
  const Plan plan = scene.plan();
  ASSERT_NE(check_of(plan, "Downgrade"), nullptr);
  EXPECT_NE(check_of(plan, "Downgrade")->message.find("v1.9.0/experimental"), std::string::npos);
}

TEST(MakePlan, BlocksOnAStoredVersionThatTheLiveCrdLacks) {
  PlanScene scene;
  scene.set_stored_versions(kRouteCrd, {"v1alpha2", "v1"});
  EXPECT_EQ(checks_of(scene.plan()), (Names{"StoredVersionUnknown CustomResourceDefinition/" +
                                            kRouteCrd + " status.storedVersions"}));
}

TEST(MakePlan, BlocksOnAnUnfinishedConversionOfSomebodyElse) {
  std::vector<Json> installed = old_crds();
  installed[0] = gateway_crd("backendtlspolicies", "BackendTLSPolicy", "v1.0.0")
                     .storing("v1alpha2")
                     .serving("v1alpha3")
                     .build();
  PlanScene scene(installed);
  scene.set_stored_versions(kPolicyCrd, {"v1alpha2", "v1alpha3"});
  EXPECT_EQ(check_of(scene.plan(), "MixedShapes"), nullptr);
  scene.cluster.seed(kOldPolicies, old_policy("a", "one").build());
  const Plan plan = scene.plan();
  ASSERT_NE(check_of(plan, "MixedShapes"), nullptr);
  EXPECT_TRUE(plan.stops());
}

TEST(MakePlan, NotesWhatTheTargetNoLongerHas) {
  std::vector<Json> installed = old_crds();
  installed.push_back(
      gateway_crd("backendlbpolicies", "BackendLBPolicy", "v1.0.0").storing("v1alpha2").build());
  PlanScene scene(installed);
  const Plan plan = scene.plan();
  EXPECT_EQ(checks_of(plan),
            (Names{"OrphanCRD CustomResourceDefinition/backendlbpolicies." + kGatewayGroup}));
  EXPECT_FALSE(plan.stops());
}

TEST(MakePlan, DigestSurvivesStatusWritesAndNothingElse) {
  PlanScene scene;
  scene.cluster.seed(kOldPolicies, old_policy("a", "one").build());
  scene.cluster.seed(kRoutes, route("a", "web").build());
  const Plan before = scene.plan();

  ASSERT_TRUE(merge_patch(scene.cluster, kRoutes,
                          {
                              "a", "web"
  },
                          {{"status", {{"x", "y"}}}}, "status"));
  EXPECT_EQ(scene.plan().digest, before.digest);

  ASSERT_TRUE(merge_patch(scene.cluster, kRoutes,
                          {
                              "a", "web"
  },
                          {{"spec", {{"hostname", "b.com"}}}}));
  const Plan edited = scene.plan();
  EXPECT_NE(edited.digest, before.digest);

  scene.cluster.seed(kRoutes, route("a", "another").build());
  EXPECT_NE(scene.plan().digest, edited.digest);
}

TEST(MakePlan, KeepsItsMemoryWhereEverythingIsWrong) {
  PlanScene scene;
  for (int i = 0; i < 1203; ++i) {
    scene.cluster.seed(kOldPolicies,
                       old_policy("a", "p" + std::to_string(i)).finalizer("example.com/x").build());
  }
  const Plan plan = scene.plan();
  EXPECT_EQ(checks_of(plan, "Finalizer").size(), 1000U);
  EXPECT_EQ(plan.checks_omitted, 203);
}

}  // namespace
}  // namespace gatelift
