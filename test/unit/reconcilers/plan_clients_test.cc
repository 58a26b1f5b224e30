// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "reconcilers/plan/controllers.h"
#include "test/unit/reconcilers/plan_fixture.h"

namespace gatelift {
namespace {

const Resource kDeployments{"apps", "v1", "deployments", true};
const Resource kGatewayClasses{kGatewayGroup, "v1", "gatewayclasses", false};
const std::string kPolicyVersion =
    "VersionClients CustomResourceDefinition/" + kPolicyCrd + " spec.versions[v1alpha2]";
const std::string kGrantVersion =
    "VersionClients CustomResourceDefinition/" + kGrantCrd + " spec.versions[v1alpha2]";

Json write_of(const std::string& manager, const std::string& time,
              const std::string& version = "v1alpha2", const std::string& subresource = "") {
  Json entry = {
      {"manager",    manager                      },
      {"operation",  "Update"                     },
      {"apiVersion", kGatewayGroup + "/" + version},
      {"time",       time                         },
      {"fieldsType", "FieldsV1"                   },
      {"fieldsV1",   Json::object()               }
  };
  if (!subresource.empty()) entry["subresource"] = subresource;
  return entry;
}

void seed_policy(PlanScene& scene, const std::string& name, const std::vector<Json>& writes) {
  scene.cluster.seed(kOldPolicies, old_policy("a", name).metadata("managedFields", writes).build());
}

/// A scene with a GatewayClass and what runs in it; nothing is known of its controllers' writes.
class ClientScene : public PlanScene {
 public:
  explicit ClientScene(std::vector<Json> wanted = with_classes(new_crds(), "v1.1.1"))
      : PlanScene(with_classes(old_crds(), "v1.0.0"), std::move(wanted)) {
    cluster.add_kind(kDeployments, "Deployment");
    cluster.add_namespace("gateways");
  }

  static std::vector<Json> with_classes(std::vector<Json> crds, const std::string& version) {
    crds.push_back(gateway_crd("gatewayclasses", "GatewayClass", version)
                       .cluster_scoped()
                       .storing("v1")
                       .build());
    return crds;
  }

  void add_class(const std::string& name, const Json& conditions) {
    cluster.seed(kGatewayClasses, object(kGatewayClasses.api_version(), "GatewayClass",
                                         {
                                             "", name
    })
                                      .spec({{"controllerName", "example.com/" + name}})
                                      .status({{"conditions", conditions}})
                                      .build());
  }

  void add_deployment(const std::string& name, const Json& containers) {
    cluster.seed(kDeployments, object("apps/v1", "Deployment",
                                      {
                                          "gateways", name
    })
                                   .spec({{"template", {{"spec", {{"containers", containers}}}}}})
                                   .build());
  }

  void add_lease(const std::string& name, const std::string& holder) {
    cluster.seed(resources::kLeases,
                 object("coordination.k8s.io/v1", "Lease",
                        {
                            "gateways", name
    })
                     .spec({{"holderIdentity", holder}, {"renewTime", "2026-01-02T03:04:05Z"}})
                     .build());
  }
};

Json condition(const std::string& type, const std::string& status, const std::string& reason,
               const std::string& message = "") {
  return {
      {"type",    type   },
      {"status",  status },
      {"reason",  reason },
      {"message", message}
  };
}

Json container(const std::string& name, const std::string& image) {
  return {
      {"name",  name },
      {"image", image}
  };
}

/// The check of this object, or an empty one.
Check client_check(const Plan& plan, const std::string& object) {
  for (const Check& check : plan.checks) {
    if (check.code == "VersionClients" && check.object == object) return check;
  }
  return {};
}

TEST(MakePlan, NamesWhoWroteAtAVersionThatGoes) {
  PlanScene scene;
  seed_policy(scene, "one",
              {write_of("old-controller", "2026-03-01T00:00:00Z", "v1alpha2", "status"),
               write_of("old-controller", "2026-01-01T00:00:00Z"),
               write_of("kubectl", "2025-01-01T00:00:00Z")});
  seed_policy(scene, "two", {write_of("old-controller", "2026-02-01T00:00:00Z")});

  const Plan plan = scene.plan();

  EXPECT_EQ(checks_of(plan, "VersionClients"),
            (std::vector<std::string>{kPolicyVersion, kGrantVersion}));
  const Check* check = check_of(plan, "VersionClients");
  EXPECT_EQ(check->severity, Severity::Warning);
  EXPECT_NE(check->message.find("old-controller (Update of status, last 2026-03-01T00:00:00Z, 2 "
                                "objects); kubectl (Update, last 2025-01-01T00:00:00Z, 1 object)"),
            std::string::npos)
      << check->message;
  EXPECT_NE(check->message.find("it serves v1alpha3"), std::string::npos) << check->message;
  EXPECT_FALSE(plan.stops());
}

TEST(MakePlan, AdmitsThatReadersAreUnknown) {
  PlanScene scene;
  seed_policy(scene, "one",
              {write_of("kube-apiserver", "2026-01-01T00:00:00Z"),
               write_of("before-first-apply", "2026-01-01T00:00:00Z"),
               write_of("gatelift", "2026-01-01T00:00:00Z"),
               write_of("new-controller", "2026-01-01T00:00:00Z", "v1alpha3")});

  const Plan plan = scene.plan();

  const Check* check = check_of(plan, "VersionClients");
  ASSERT_NE(check, nullptr);
  EXPECT_EQ(check->severity, Severity::Note);
  EXPECT_NE(check->message.find("who uses it is unknown: managedFields of 1 object name nobody"),
            std::string::npos)
      << check->message;
  EXPECT_NE(check->message.find("apiserver_request_total"), std::string::npos);
}

TEST(MakePlan, SaysNothingOfVersionsThatStay) {
  PlanScene scene;
  scene.cluster.seed(
      kRoutes, route("a", "web")
                   .metadata("managedFields",
                             Json::array({write_of("controller", "2026-01-01T00:00:00Z", "v1")}))
                   .build());
  EXPECT_EQ(checks_of(scene.plan(), "VersionClients"),
            (std::vector<std::string>{kPolicyVersion, kGrantVersion}));
}

TEST(MakePlan, TakesAVersionThatIsNoLongerServedForOneThatGoes) {
  std::vector<Json> wanted = new_crds();
  wanted[2] = gateway_crd("referencegrants", "ReferenceGrant", "v1.1.1")
                  .storing("v1beta1", schema_with_spec({
                                          {"from", text_schema()}
  }))
                  .unserved("v1alpha2", schema_with_spec({{"from", text_schema()}}))
                  .build();
  PlanScene scene(old_crds(), wanted);
  EXPECT_EQ(checks_of(scene.plan(), "VersionClients"),
            (std::vector<std::string>{kPolicyVersion, kGrantVersion}));
}

TEST(MakePlan, NamesTheTenThatWroteLastAndCountsTheOthers) {
  PlanScene scene;
  for (int i = 0; i < 12; ++i) {
    const std::string two_digits = std::to_string(10 + i);
    seed_policy(scene, "p" + two_digits,
                {write_of("manager-" + two_digits, "2026-01-" + two_digits + "T00:00:00Z")});
  }
  const Plan plan = scene.plan();
  const std::string message = check_of(plan, "VersionClients")->message;
  EXPECT_LT(message.find("manager-21"), message.find("manager-20")) << message;
  EXPECT_NE(message.find("manager-12"), std::string::npos) << message;
  EXPECT_EQ(message.find("manager-11"), std::string::npos) << message;
  EXPECT_TRUE(message.ends_with("; and 2 more")) << message;
}

TEST(MakePlan, RemembersTheNewestOfVeryManyManagers) {
  PlanScene scene;
  for (int i = 0; i < 300; ++i) {
    const std::string digits = std::to_string(1000 + i);
    seed_policy(scene, "p" + digits, {write_of("manager-" + digits, digits + "-01-01T00:00:00Z")});
  }
  const Plan plan = scene.plan();
  const std::string message = check_of(plan, "VersionClients")->message;
  EXPECT_NE(message.find("manager-1299"), std::string::npos) << message;
  EXPECT_TRUE(message.ends_with("; and at least 190 more")) << message;
}

TEST(MakePlan, DigestSurvivesThatAControllerWritesAtTheOldVersion) {
  PlanScene scene;
  seed_policy(scene, "one", {});
  const Plan before = scene.plan();
  ASSERT_EQ(check_of(before, "VersionClients")->severity, Severity::Note);
  ASSERT_TRUE(merge_patch(scene.cluster, kOldPolicies,
                          {
                              "a", "one"
  },
                          {{"status", {{"x", "y"}}}}, "status"));
  Json object = scene.cluster.stored(kOldPolicies, {"a", "one"}).value();
  object["metadata"]["managedFields"] =
      Json::array({write_of("old-controller", "2026-01-01T00:00:00Z", "v1alpha2", "status")});
  scene.cluster.seed(kOldPolicies, object);
  const Plan after = scene.plan();
  EXPECT_EQ(check_of(after, "VersionClients")->severity, Severity::Warning);
  EXPECT_EQ(after.digest, before.digest);
}

TEST(MakePlan, QuotesGatewayClassesThatSayWhatTheirControllersSupport) {
  ClientScene scene;
  scene.add_class("fine", Json::array({condition("Accepted", "True", "Accepted"),
                                       condition("SupportedVersion", "True", "SupportedVersion",
                                                 "v1.0.0 is supported")}));
  scene.add_class("behind", Json::array({condition("Accepted", "True", "Accepted"),
                                         condition("SupportedVersion", "False",
                                                   "UnsupportedVersion", "v1.2.0 is wanted")}));
  scene.add_class("refusing",
                  Json::array({condition("Accepted", "False", "UnsupportedVersion", "no")}));
  scene.add_class("silent", Json::array({condition("Accepted", "True", "Accepted")}));
  scene.add_class("nobodys", Json::array({condition("Accepted", "Unknown", "Pending")}));

  const Plan plan = scene.plan();

  const Check fine = client_check(plan, "GatewayClass/fine");
  EXPECT_EQ(fine.severity, Severity::Note);
  EXPECT_EQ(fine.field, "status.conditions[SupportedVersion]");
  EXPECT_EQ(fine.message,
            "its controller example.com/fine uses this API and supports the installed bundle "
            "v1.0.0: \"v1.0.0 is supported\"");
  const Check behind = client_check(plan, "GatewayClass/behind");
  EXPECT_EQ(behind.severity, Severity::Warning);
  EXPECT_NE(behind.message.find("does not support the installed bundle v1.0.0"), std::string::npos)
      << behind.message;
  EXPECT_EQ(client_check(plan, "GatewayClass/refusing").field, "status.conditions[Accepted]");
  EXPECT_EQ(client_check(plan, "GatewayClass/refusing").severity, Severity::Warning);
  EXPECT_EQ(client_check(plan, "GatewayClass/silent").severity, Severity::Note);
  EXPECT_EQ(client_check(plan, "GatewayClass/nobodys").code, "");
}

TEST(MakePlan, WarnsOfAControllerBehindTheInstalledBundleAlsoWhereNoVersionGoes) {
  std::vector<Json> wanted = ClientScene::with_classes(old_crds(), "v1.1.1");
  for (Json& crd : wanted) crd["spec"]["names"]["shortNames"] = {"changed"};
  ClientScene scene(wanted);
  scene.add_class("fine", Json::array({condition("SupportedVersion", "True", "SupportedVersion")}));
  scene.add_class("behind",
                  Json::array({condition("SupportedVersion", "False", "UnsupportedVersion")}));
  scene.add_deployment("eg", Json::array({container("eg", "envoyproxy/gateway:v1.2.1")}));
  EXPECT_EQ(checks_of(scene.plan(), "VersionClients"),
            (std::vector<std::string>{"VersionClients GatewayClass/behind "
                                      "status.conditions[SupportedVersion]"}));
}

TEST(MakePlan, NamesKnownControllersWithTheirImagesAndLeases) {
  ClientScene scene;
  scene.add_deployment("eg", Json::array({container("eg", "docker.io/envoyproxy/gateway:v1.2.1")}));
  scene.add_deployment("proxy",
                       Json::array({container("envoy", "envoyproxy/envoy:v1"),
                                    container("shutdown-manager", "envoyproxy/gateway:v1.2.1")}));
  scene.add_deployment("shop", Json::array({container("shop", "example.com/shop:1")}));
  scene.add_lease("5b9825d2.gateway.envoyproxy.io", "eg-1_abc");
  scene.add_lease("shop", "shop-1");
  scene.add_lease("cilium-operator-resource-lock", "");

  const Plan plan = scene.plan();

  EXPECT_EQ(checks_of(plan, "VersionClients"),
            (std::vector<std::string>{
                kPolicyVersion, kGrantVersion,
                "VersionClients Deployment/gateways/eg spec.template.spec.containers[eg].image",
                "VersionClients Lease/gateways/5b9825d2.gateway.envoyproxy.io "
                "spec.holderIdentity"}));
  const Check deployment = client_check(plan, "Deployment/gateways/eg");
  EXPECT_EQ(deployment.severity, Severity::Note);
  EXPECT_NE(deployment.message.find("as docker.io/envoyproxy/gateway:v1.2.1;"), std::string::npos)
      << deployment.message;
  EXPECT_NE(deployment.message.find("(BackendTLSPolicy v1alpha2, ReferenceGrant v1alpha2)"),
            std::string::npos)
      << deployment.message;
  EXPECT_EQ(client_check(plan, "Lease/gateways/5b9825d2.gateway.envoyproxy.io").message,
            "Envoy Gateway leads by it: held by eg-1_abc, renewed at 2026-01-02T03:04:05Z");
}

TEST(MakePlan, SaysWhatItMayNotLookAt) {
  ClientScene scene;
  scene.add_deployment("eg", Json::array({container("eg", "envoyproxy/gateway:v1.2.1")}));
  scene.cluster.policy().deny("list", "apps", "deployments");
  scene.cluster.policy().deny("list", "coordination.k8s.io", "leases");

  const Plan plan = scene.plan();

  std::vector<std::string> messages;
  for (const Check& check : plan.checks) {
    if (check.code != "VersionClients" || !check.object.empty()) continue;
    EXPECT_EQ(check.severity, Severity::Note);
    messages.push_back(check.message);
  }
  ASSERT_EQ(messages.size(), 2U);
  EXPECT_EQ(messages[0],
            "not looked at for clients: we may not list deployments.apps, which the rule "
            R"({apiGroups: ["apps"], resources: ["deployments"], verbs: ["list"]} grants)");
  EXPECT_TRUE(messages[1].starts_with(
      "not looked at for clients: we may not list leases.coordination.k8s.io, which"))
      << messages[1];
  EXPECT_FALSE(plan.stops());
}

TEST(MakePlan, NamesTwentyDeploymentsAndCountsTheOthers) {
  ClientScene scene;
  for (int i = 0; i < 23; ++i) {
    scene.add_deployment("d" + std::to_string(i),
                         Json::array({container("traefik", "traefik:v3")}));
  }
  const Plan plan = scene.plan();
  EXPECT_EQ(checks_of(plan, "VersionClients").size(), 2U + 1U + 20U);
  EXPECT_EQ(client_check(plan, "").message, "3 more Deployments of known controllers were found");
}

TEST(MakePlan, LooksForNoClientsWhereNothingIsToBeDone) {
  PlanScene scene(new_crds());
  scene.cluster.policy().deny("list", "coordination.k8s.io", "leases");
  EXPECT_EQ(checks_of(scene.plan(), "VersionClients"), std::vector<std::string>{});
}

TEST(KnownControllers, AreRecognisedByWhereTheirImagesCome) {
  const std::vector<std::pair<std::string, std::string>> images{
      {"docker.io/envoyproxy/gateway:v1.2.1",                  "Envoy Gateway"       },
      {"mirror.local:5000/hub/envoyproxy/gateway@sha256:0123", "Envoy Gateway"       },
      {"envoyproxy/gateway",                                   "Envoy Gateway"       },
      {"docker.io/istio/pilot:1.24.0-distroless",              "Istio"               },
      {"quay.io/cilium/operator-generic:v1.16.0@sha256:ab",    "Cilium"              },
      {"traefik:v3.6",                                         "Traefik"             },
      {"rancher/mirrored-library-traefik:3.3.6",               "Traefik"             },
      {"ghcr.io/nginx/nginx-gateway-fabric:2.6.7",             "NGINX Gateway Fabric"},
      {"cr.kgateway.dev/kgateway-dev/kgateway:v2.2.1",         "kgateway"            },
      {"ghcr.io/nginx/nginx-gateway-fabric/nginx:2.6.7",       ""                    },
      {"example.com/mytraefik:v1",                             ""                    },
      {"localhost:5000/shop",                                  ""                    },
      {"",                                                     ""                    }
  };
  for (const auto& [image, controller] : images) {
    EXPECT_EQ(controller_of_image(image, "main"), controller) << image;
  }
}

TEST(KnownControllers, AreRecognisedByTheirLeases) {
  EXPECT_EQ(controller_of_lease("ngf-nginx-gateway-fabric-leader-election"),
            "NGINX Gateway Fabric");
  EXPECT_EQ(controller_of_lease("istio-gateway-deployment-asm-1-28"), "Istio");
  EXPECT_EQ(controller_of_lease("kube-scheduler"), "");
}

}  // namespace
}  // namespace gatelift
