// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "reconcilers/plan/owner_checks.h"
#include "test/unit/reconcilers/plan_fixture.h"

namespace gatelift {
namespace {

Json crd_with(const char* part, Json value) {
  Json crd = Json::object();
  crd["metadata"]["name"] = kRouteCrd;
  crd["metadata"][part] = std::move(value);
  return crd;
}

Json labelled(const std::string& key, const std::string& value) {
  Json labels = Json::object();
  labels[key] = value;
  return crd_with("labels", std::move(labels));
}

Json annotated(const std::string& key, const std::string& value) {
  Json annotations = Json::object();
  annotations[key] = value;
  return crd_with("annotations", std::move(annotations));
}

Json managed_by(const std::string& manager) {
  Json entry = Json::object();
  entry["manager"] = manager;
  entry["operation"] = "Update";
  entry["apiVersion"] = "apiextensions.k8s.io/v1";
  entry["time"] = "2026-01-02T03:04:05Z";
  return crd_with("managedFields", Json::array({entry}));
}

Json both(Json one, const Json& other) {
  one.merge_patch(other);
  return one;
}

Json helm(const std::string& release, const std::string& ns) {
  return both(annotated("meta.helm.sh/release-name", release),
              annotated("meta.helm.sh/release-namespace", ns));
}

Json flux(const std::string& kind, const std::string& ns, const std::string& name) {
  return both(labelled(kind + ".toolkit.fluxcd.io/namespace", ns),
              labelled(kind + ".toolkit.fluxcd.io/name", name));
}

Json addon(const std::string& mode) { return labelled("addonmanager.kubernetes.io/mode", mode); }

const std::string kAddonField = "metadata.labels[addonmanager.kubernetes.io/mode]";
const std::string kNoGatewayApi =
    "gcloud container clusters update CLUSTER --location=LOCATION --gateway-api=disabled";

struct Case {
  Json crd;
  std::string name;
  std::string field;
  OwnerVerdict verdict;
  std::string next;  // a part of it
};

/// One per row of the table, in its order.
class Cases {
 public:
  Cases() {
    add_providers();
    add_git();
    add_helm();
    add_traces();
  }
  const std::vector<Case>& all() const { return all_; }

 private:
  void add(Json crd, std::string name, std::string field, OwnerVerdict verdict, std::string next = "") {
    all_.push_back({std::move(crd), std::move(name), std::move(field), verdict, std::move(next)});
  }

  void add_providers() {
    add(managed_by("ingress-operator"), "OpenShift's Ingress Operator",
        "metadata.managedFields[ingress-operator]", OwnerVerdict::Refuses,
        R"(oc patch ingresses.operator.openshift.io cluster --type=merge -p )"
        R"('{"spec":{"gatewayAPI":{"managementMode":"Unmanaged"}}}')");
    const Json doks = labelled("doks.digitalocean.com/managed", "true");
    add(both(doks, annotated("doks.digitalocean.com/install-policy", "external")),
        "DigitalOcean Kubernetes (told that the CRD is external)",
        "metadata.annotations[doks.digitalocean.com/install-policy]", OwnerVerdict::LeavesAlone);
    add(doks, "DigitalOcean Kubernetes", "metadata.labels[doks.digitalocean.com/managed]",
        OwnerVerdict::Reverts,
        "kubectl annotate crd " + kRouteCrd + " doks.digitalocean.com/install-policy=external");
    add(annotated("app.kubernetes.io/managed-by", "aks"), "AKS (Managed Gateway API)",
        "metadata.annotations[app.kubernetes.io/managed-by]", OwnerVerdict::Reverts,
        "az aks update --resource-group GROUP --name CLUSTER --disable-gateway-api");
    const Json gke = annotated("components.gke.io/component-name", "gateway-api-crds");
    add(both(addon("NewerRevision"), gke), "GKE", kAddonField, OwnerVerdict::KeepsNewer, kNoGatewayApi);
    add(both(addon("Reconcile"), gke), "GKE (addon manager mode Reconcile)", kAddonField,
        OwnerVerdict::Reverts, kNoGatewayApi);
  }

  void add_git() {
    add(both(flux("helm", "infra", "eg"), flux("kustomize", "flux-system", "apps")),
        "Flux HelmRelease infra/eg", "metadata.labels[helm.toolkit.fluxcd.io/name]",
        OwnerVerdict::Reverts, "flux suspend helmrelease eg -n infra");
    add(flux("kustomize", "flux-system", "apps"), "Flux Kustomization flux-system/apps",
        "metadata.labels[kustomize.toolkit.fluxcd.io/name]", OwnerVerdict::Reverts,
        "flux suspend kustomization apps -n flux-system");
    const std::string next = "argocd app set crds --sync-policy none";
    add(annotated("argocd.argoproj.io/tracking-id",
                  "crds:apiextensions.k8s.io/CustomResourceDefinition:/x"),
        "Argo CD Application crds", "metadata.annotations[argocd.argoproj.io/tracking-id]",
        OwnerVerdict::Reverts, next);
    add(labelled("argocd.argoproj.io/instance", "crds"), "Argo CD Application crds",
        "metadata.labels[argocd.argoproj.io/instance]", OwnerVerdict::Reverts, next);
    add(both(labelled("app.kubernetes.io/instance", "crds"), managed_by("argocd-controller")),
        "Argo CD Application crds", "metadata.labels[app.kubernetes.io/instance]", OwnerVerdict::Reverts,
        next);
  }

  void add_helm() {
    const std::string field = "metadata.annotations[meta.helm.sh/release-name]";
    add(helm("rke2-gateway-api-crd", "kube-system"), "RKE2 (its chart rke2-gateway-api-crd)", field,
        OwnerVerdict::Reverts, "\"disable: rke2-gateway-api-crd\"");
    add(helm("gateway-api-crd", "kube-system"), "K3s (its chart gateway-api-crd)", field,
        OwnerVerdict::Reverts, "--disable=gateway-api-crd");
    add(helm("rke2-traefik-crd", "kube-system"), "RKE2's Traefik (its chart rke2-traefik-crd)",
        field, OwnerVerdict::Reverts, "\"ingress-controller: none\"");
    add(helm("traefik-crd", "kube-system"), "K3s' Traefik (its chart traefik-crd)", field,
        OwnerVerdict::Reverts, "--disable=traefik");
    add(helm("traefik-crd", "web"), "Helm release web/traefik-crd", field, OwnerVerdict::Reverts,
        "upgrade the chart of release web/traefik-crd");
  }

  void add_traces() {
    add(addon("EnsureExists"), "the cluster's addon manager (mode EnsureExists)", kAddonField,
        OwnerVerdict::LeavesAlone);
    add(addon("Reconcile"), "the cluster's addon manager (mode Reconcile)", kAddonField,
        OwnerVerdict::Reverts, kNoGatewayApi);
    add(managed_by("helm"), "Helm (from a chart's crds/ folder)", "metadata.managedFields[helm]",
        OwnerVerdict::LeavesAlone);
    add(managed_by("argocd-controller"), "Argo CD", "metadata.managedFields[argocd-controller]",
        OwnerVerdict::Unknown);
    add(managed_by("kustomize-controller"), "Flux's kustomize-controller",
        "metadata.managedFields[kustomize-controller]", OwnerVerdict::Unknown);
    add(managed_by("helm-controller"), "Flux's helm-controller",
        "metadata.managedFields[helm-controller]", OwnerVerdict::Unknown);
    add(managed_by("kube-addon-manager"), "the cluster's addon manager",
        "metadata.managedFields[kube-addon-manager]", OwnerVerdict::Unknown);
  }

  std::vector<Case> all_;
};

TEST(ForeignOwner, IsRecognisedByEachRowOfTheTable) {
  const Cases cases;
  const std::vector<Case>& all = cases.all();
  ASSERT_EQ(all.size(), known_owners().size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    SCOPED_TRACE(all[i].name);
    const auto owner = foreign_owner(all[i].crd);
    ASSERT_TRUE(owner);
    EXPECT_EQ(owner->name, all[i].name);
    EXPECT_EQ(owner->field, all[i].field);
    EXPECT_EQ(owner->verdict, all[i].verdict);
    EXPECT_EQ(owner->verdict, known_owners()[i].verdict) << "not the row that the case is for";
    EXPECT_NE(owner->next.find(all[i].next), std::string::npos) << owner->next;
    EXPECT_EQ(owner->next.find('{'), owner->next.find("{\"spec\"")) << owner->next;
    EXPECT_EQ(owner->next.empty(), !owner->wants_consent());
  }
}

TEST(ForeignOwner, RowsNameThePageThatTheirFactsAreFrom) {
  for (const OwnerRow& row : known_owners()) {
    EXPECT_TRUE(row.source.starts_with("https://")) << row.name;
  }
}

TEST(ForeignOwner, IsNobodyWherePeopleAppliedIt) {
  EXPECT_FALSE(foreign_owner(crd_with("labels", Json::object())));
  EXPECT_FALSE(foreign_owner(managed_by("kubectl")));
  EXPECT_FALSE(foreign_owner(annotated("app.kubernetes.io/managed-by", "somebody")));
  EXPECT_FALSE(foreign_owner(labelled("app.kubernetes.io/instance", "gateway-api")));
}

TEST(ForeignOwner, IsNotWhoWroteOnlyTheStatus) {
  Json crd = managed_by("helm");
  crd["metadata"]["managedFields"][0]["subresource"] = "status";
  EXPECT_FALSE(foreign_owner(crd));
}

TEST(ForeignOwner, WarnsWhereHelmWouldDeleteTheCrd) {
  Json crd = helm("traefik-crd", "kube-system");
  EXPECT_NE(foreign_owner(crd)->next.find("would delete it with every object of its kind"),
            std::string::npos);
  crd["metadata"]["annotations"]["helm.sh/resource-policy"] = "keep";
  EXPECT_EQ(foreign_owner(crd)->next.find("would delete it"), std::string::npos);
}

PlanScene scene_with_route_crd(const Json& metadata) {
  std::vector<Json> installed = old_crds();
  for (Json& crd : installed) {
    if (key_of(crd).name == kRouteCrd) crd["metadata"].merge_patch(metadata["metadata"]);
  }
  return PlanScene(installed);
}

TEST(MakePlan, SaysWhatAnOwnerWouldDo) {
  PlanScene scene = scene_with_route_crd(labelled("doks.digitalocean.com/managed", "true"));
  const Plan plan = scene.plan();
  const Check* check = check_of(plan, "ForeignOwner");
  ASSERT_NE(check, nullptr);
  EXPECT_EQ(check->severity, Severity::Consent);
  EXPECT_EQ(check->message,
            "it is managed by DigitalOcean Kubernetes, whose next sync puts its own content back; "
            "changing it is not supported there");
  EXPECT_TRUE(
      check->next.ends_with("; then copy this check's check, object and field into "
                            "spec.accept"))
      << check->next;
  EXPECT_TRUE(plan.stops());
}

TEST(MakePlan, OnlyNotesAnOwnerThatLeavesTheCrdAlone) {
  PlanScene scene =
      scene_with_route_crd(labelled("addonmanager.kubernetes.io/mode", "EnsureExists"));
  const Plan plan = scene.plan();
  const Check* check = check_of(plan, "ForeignOwner");
  ASSERT_NE(check, nullptr);
  EXPECT_EQ(check->severity, Severity::Note);
  EXPECT_EQ(check->next, "");
  EXPECT_FALSE(plan.stops());
}

TEST(MakePlan, SaysWhenAManagerWithoutAMarkWroteTheCrd) {
  PlanScene scene = scene_with_route_crd(managed_by("kustomize-controller"));
  const Plan plan = scene.plan();
  const Check* check = check_of(plan, "ForeignOwner");
  ASSERT_NE(check, nullptr);
  EXPECT_EQ(check->severity, Severity::Note);
  EXPECT_NE(check->message.find("written by Flux's kustomize-controller, last at "
                                "2026-01-02T03:04:05Z"),
            std::string::npos)
      << check->message;
}

}  // namespace
}  // namespace gatelift
