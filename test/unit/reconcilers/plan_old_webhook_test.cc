// SPDX-License-Identifier: Apache-2.0
// What plans say about the validating webhook of bundles before v1.0.
#include <gtest/gtest.h>

#include "test/support/old_webhook.h"
#include "test/unit/reconcilers/admission_fixture.h"

namespace gatelift {
namespace {

using Names = std::vector<std::string>;

const std::string kWebhookObject = "ValidatingWebhookConfiguration/gateway-api-admission";
const BundleRef k081{"v0.8.1", "standard"};
const BundleRef k100{"v1.0.0", "standard"};
const BundleRef k111{"v1.1.1", "standard"};

void add_route(AdmissionScene& scene) { scene.cluster.seed(kRoutes, route("a", "web").build()); }

/// The API server says that it is this minor of Kubernetes.
class ServerOfMinor : public Cluster {
 public:
  ServerOfMinor(Cluster& inner, std::string minor) : inner_(inner), minor_(std::move(minor)) {}
  Result<Json> send(const Request& request) override {
    if (request.raw_path != "/version") return inner_.send(request);
    return Json{
        {"major", "1"   },
        {"minor", minor_}
    };
  }
  Result<std::unique_ptr<Watch>> watch(const WatchRequest& request) override {
    return inner_.watch(request);
  }

 private:
  Cluster& inner_;
  std::string minor_;
};

Plan plan_on(AdmissionScene& scene, const std::string& minor) {
  ServerOfMinor server(scene.cluster, minor);
  const Installed now = InstalledReader(server).read().value();
  return make_plan(server, {scene.spec, scene.target, now, scene.sources, "gatelift-system",
                            Operation::Upgrade})
      .value();
}

TEST(PlanOldWebhook, IsRemovedWithConsentOnTheWayToOneDotZero) {
  AdmissionScene scene(k081, bundle_at(k100));
  install_old_webhook(scene.cluster);
  add_route(scene);
  const Plan plan = scene.plan();
  EXPECT_EQ(actions_of(plan),
            (Names{"Remove gateway-api-admission", "Update httproutes", "Update referencegrants"}));
  EXPECT_EQ(checks_of(plan), Names{"OldWebhook " + kWebhookObject});
  const Check& check = *check_of(plan, "OldWebhook");
  EXPECT_EQ(check.severity, Severity::Consent);
  for (const char* object : {"Deployment/gw/gateway-api-admission-server",
                             "Secret/gw/gateway-api-admission", "ClusterRole/gateway-api-admission",
                             "Job/gw/gateway-api-admission-patch", "Namespace/gw stays"}) {
    EXPECT_NE(check.next.find(object), std::string::npos) << object << " in " << check.next;
  }
  EXPECT_NE(check.message.find("it answers"), std::string::npos) << check.message;
  EXPECT_TRUE(plan.stops());
  scene.accept(check);
  EXPECT_FALSE(scene.plan().stops());
}

TEST(PlanOldWebhook, NamesOnlyWhatIsThere) {
  AdmissionScene scene(k081, bundle_at(k100));
  scene.cluster.seed(resources::kValidatingWebhooks, old_webhook_configuration());
  const std::string next = check_of(scene.plan(), "OldWebhook")->next;
  EXPECT_EQ(next.find("Deployment/"), std::string::npos) << next;
}

TEST(PlanOldWebhook, SaysThatItDoesNotAnswer) {
  AdmissionScene scene(k081, bundle_at(k100));
  install_old_webhook(scene.cluster);
  add_route(scene);
  scene.cluster.policy().deny_writes(
      [](const Request& request, const Json&) { return request.resource.plural == "httproutes"; },
      "no endpoints available");
  const Plan plan = scene.plan();
  const Check& check = *check_of(plan, "OldWebhook");
  EXPECT_EQ(check.severity, Severity::Consent);
  EXPECT_NE(check.message.find("HTTPRoute/a/web"), std::string::npos) << check.message;
  EXPECT_NE(check.message.find("no endpoints available"), std::string::npos) << check.message;
}

TEST(PlanOldWebhook, StaysWithABundleBeforeOneDotZeroAndMustAnswer) {
  AdmissionScene scene({"v0.7.1", "standard"}, bundle_at(k081));
  install_old_webhook(scene.cluster);
  add_route(scene);
  EXPECT_EQ(check_of(scene.plan(), "OldWebhook")->severity, Severity::Note);
  scene.cluster.policy().deny_writes(
      [](const Request& request, const Json&) { return request.resource.plural == "httproutes"; },
      "certificate has expired");
  const Plan plan = scene.plan();
  EXPECT_EQ(check_of(plan, "OldWebhook")->severity, Severity::Blocker);
  EXPECT_EQ(actions_of(plan).front(), "Update httproutes");
}

TEST(PlanOldWebhook, IsNeededBeforeKubernetes125) {
  AdmissionScene to_1_0(k081, bundle_at(k100));
  install_old_webhook(to_1_0.cluster);
  EXPECT_EQ(check_of(plan_on(to_1_0, "24+"), "OldWebhook")->severity, Severity::Note);
  EXPECT_EQ(check_of(plan_on(to_1_0, "25"), "OldWebhook")->severity, Severity::Consent);
  AdmissionScene to_1_1(k081, bundle_at(k111));
  install_old_webhook(to_1_1.cluster);
  EXPECT_EQ(check_of(plan_on(to_1_1, "24"), "OldWebhook")->severity, Severity::Blocker);
  EXPECT_EQ(check_of(plan_on(to_1_1, "36"), "OldWebhook")->severity, Severity::Consent);
}

TEST(PlanOldWebhook, IsReportedAndNotInstalledOnTheWayBack) {
  AdmissionScene scene(k100, bundle_at(k081));
  const Plan plan = scene.plan();
  EXPECT_EQ(checks_of(plan, "OldWebhook"), Names{"OldWebhook " + kWebhookObject});
  EXPECT_EQ(check_of(plan, "OldWebhook")->severity, Severity::Note);
  EXPECT_EQ(actions_of(plan).front(), "Update httproutes");
}

TEST(PlanOldWebhook, LeavesAWebhookOfItsNameAlone) {
  AdmissionScene scene(k081, bundle_at(k100));
  Json other = old_webhook_configuration();
  other["webhooks"][0]["name"] = "another.example.com";
  scene.cluster.seed(resources::kValidatingWebhooks, other);
  EXPECT_EQ(checks_of(scene.plan(), "OldWebhook"), Names());
}

TEST(PlanOldWebhook, NeedsTheRightToEachDeletion) {
  AdmissionScene scene(k081, bundle_at(k100));
  install_old_webhook(scene.cluster);
  scene.cluster.policy().deny("delete", "apps", "deployments");
  EXPECT_EQ(checks_of(scene.plan(), "MissingPermission"),
            Names{"MissingPermission deployments.apps gateway-api-admission-server in namespace "
                  "gateway-system delete"});
}

}  // namespace
}  // namespace gatelift
