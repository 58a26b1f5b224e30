// SPDX-License-Identifier: Apache-2.0
// What is not public is not here: how EKS Auto Mode marks the CRDs that it manages, for one.
#include "reconcilers/plan/owner_table.h"

#include <array>

namespace gatelift {
namespace {

using enum Mark::On;

constexpr std::string_view kRelease = "meta.helm.sh/release-name";
constexpr std::string_view kReleaseNamespace = "meta.helm.sh/release-namespace";
constexpr std::string_view kAddonMode = "addonmanager.kubernetes.io/mode";
constexpr Mark kGkeComponent{Annotation, "components.gke.io/component-name", ""};
constexpr Mark kInKubeSystem{Annotation, kReleaseNamespace, "kube-system"};
constexpr std::string_view kArgoNext =
    "put the target's CRDs into what Application {name} syncs and turn its automatic sync off "
    "during the run: argocd app set {name} --sync-policy none";

// Left as it is written: the formatter would align the ends of rows that have nothing in common.
// clang-format off
constexpr auto kOwners = std::to_array<OwnerRow>({
    {.mark = {Manager, "ingress-operator", ""},
     .name = "OpenShift's Ingress Operator",
     .verdict = OwnerVerdict::Refuses,
     .support = Support::Unsupported,
     .next = "let it come with OpenShift's own updates (oc adm upgrade); where this release has "
             "spec.gatewayAPI.managementMode, hand it over: oc patch "
             "ingresses.operator.openshift.io cluster --type=merge -p "
             "'{\"spec\":{\"gatewayAPI\":{\"managementMode\":\"Unmanaged\"}}}'",
     .source = "https://github.com/openshift/cluster-ingress-operator/blob/master/pkg/manifests/"
               "assets/gateway-api/validating-admission-policy.yaml"},
    {.mark = {Annotation, "doks.digitalocean.com/install-policy", "external"},
     .name = "DigitalOcean Kubernetes (told that the CRD is external)",
     .verdict = OwnerVerdict::LeavesAlone,
     .source = "https://docs.digitalocean.com/products/kubernetes/how-to/use-gateway-api"},
    {.mark = {Label, "doks.digitalocean.com/managed", "true"},
     .name = "DigitalOcean Kubernetes",
     .verdict = OwnerVerdict::Reverts,
     .support = Support::Unsupported,
     .next = "tell it that the CRD is yours: kubectl annotate crd {crd} "
             "doks.digitalocean.com/install-policy=external",
     .source = "https://github.com/digitalocean/DOKS/issues/33"},
    {.mark = {Annotation, "app.kubernetes.io/managed-by", "aks"},
     .name = "AKS (Managed Gateway API)",
     .verdict = OwnerVerdict::Reverts,
     .next = "let it come with an upgrade of the cluster's Kubernetes version, or hand it over: "
             "az aks update --resource-group GROUP --name CLUSTER --disable-gateway-api; Azure "
             "calls that uninstalling the CRDs, so export their objects before",
     .source = "https://learn.microsoft.com/en-us/azure/aks/managed-gateway-api"},
    {.mark = {Label, kAddonMode, "NewerRevision"},
     .also = kGkeComponent,
     .name = "GKE",
     .verdict = OwnerVerdict::KeepsNewer,
     .next = "GKE lets a newer bundle of the standard channel be where the annotation "
             "components.gke.io/component-version says so: see its tool, "
             "https://github.com/GoogleCloudPlatform/gke-gateway-api/tree/main/self-upgrades, "
             "or hand it over: gcloud container clusters update CLUSTER --location=LOCATION "
             "--gateway-api=disabled",
     .source = "https://github.com/GoogleCloudPlatform/gke-gateway-api/blob/main/self-upgrades/"
               "README.md"},
    {.mark = {Label, kAddonMode, ""},
     .also = kGkeComponent,
     .name = "GKE (addon manager mode {name})",
     .verdict = OwnerVerdict::Reverts,
     .support = Support::Unsupported,
     .next = "let it come with an upgrade of the cluster (from GKE 1.35 on, newer bundles may "
             "be installed), or hand it over: gcloud container clusters update CLUSTER "
             "--location=LOCATION --gateway-api=disabled",
     .source = "https://github.com/GoogleCloudPlatform/gke-gateway-api/blob/main/self-upgrades/"
               "upgrade-gateway-api-crds.sh"},
    {.mark = {Label, "helm.toolkit.fluxcd.io/name", ""},
     .namespace_key = "helm.toolkit.fluxcd.io/namespace",
     .name = "Flux HelmRelease {ns}/{name}",
     .verdict = OwnerVerdict::Reverts,
     .next = "put the target's CRDs into what HelmRelease {ns}/{name} applies and suspend it "
             "during the run: flux suspend helmrelease {name} -n {ns}",
     .source = "https://fluxcd.io/flux/cmd/flux_suspend_helmrelease"},
    {.mark = {Label, "kustomize.toolkit.fluxcd.io/name", ""},
     .namespace_key = "kustomize.toolkit.fluxcd.io/namespace",
     .name = "Flux Kustomization {ns}/{name}",
     .verdict = OwnerVerdict::Reverts,
     .next = "put the target's CRDs into what Kustomization {ns}/{name} applies and suspend it "
             "during the run: flux suspend kustomization {name} -n {ns}",
     .source = "https://fluxcd.io/flux/cmd/flux_suspend_kustomization"},
    {.mark = {Annotation, "argocd.argoproj.io/tracking-id", ""},
     .name = "Argo CD Application {name}",
     .verdict = OwnerVerdict::Reverts,
     .next = kArgoNext,
     .source = "https://argo-cd.readthedocs.io/en/stable/user-guide/resource_tracking"},
    {.mark = {Label, "argocd.argoproj.io/instance", ""},
     .name = "Argo CD Application {name}",
     .verdict = OwnerVerdict::Reverts,
     .next = kArgoNext,
     .source = "https://argo-cd.readthedocs.io/en/stable/user-guide/resource_tracking"},
    {.mark = {Label, "app.kubernetes.io/instance", ""},
     .also = {Manager, "argocd-controller", ""},
     .name = "Argo CD Application {name}",
     .verdict = OwnerVerdict::Reverts,
     .next = kArgoNext,
     .source = "https://argo-cd.readthedocs.io/en/stable/user-guide/resource_tracking"},
    {.mark = {Annotation, kRelease, "rke2-gateway-api-crd"},
     .also = kInKubeSystem,
     .name = "RKE2 (its chart {name})",
     .verdict = OwnerVerdict::Reverts,
     .next = "let it come with an upgrade of RKE2, or take it over: the line \"disable: "
             "rke2-gateway-api-crd\" in the configuration of every server{keep}",
     .source = "https://github.com/rancher/rke2/blob/master/docs/adrs/011-bundle-gatewayAPI.md"},
    {.mark = {Annotation, kRelease, "gateway-api-crd"},
     .also = kInKubeSystem,
     .name = "K3s (its chart {name})",
     .verdict = OwnerVerdict::Reverts,
     .next = "let it come with an upgrade of K3s, or take it over: start every server with "
             "--disable=gateway-api-crd{keep}",
     .source = "https://github.com/k3s-io/k3s/blob/master/manifests/gateway-api-crd.yaml"},
    {.mark = {Annotation, kRelease, "rke2-traefik-crd"},
     .also = kInKubeSystem,
     .name = "RKE2's Traefik (its chart {name})",
     .verdict = OwnerVerdict::Reverts,
     .next = "let it come with an upgrade of RKE2, or take it over together with Traefik: the "
             "line \"ingress-controller: none\" in the configuration of every server{keep}",
     .source = "https://docs.rke2.io/networking/networking_services"},
    {.mark = {Annotation, kRelease, "traefik-crd"},
     .also = kInKubeSystem,
     .name = "K3s' Traefik (its chart {name})",
     .verdict = OwnerVerdict::Reverts,
     .next = "let it come with an upgrade of K3s, or take it over together with Traefik: start "
             "every server with --disable=traefik{keep}",
     .source = "https://docs.k3s.io/networking/networking-services"},
    {.mark = {Annotation, kRelease, ""},
     .namespace_key = kReleaseNamespace,
     .name = "Helm release {ns}/{name}",
     .verdict = OwnerVerdict::Reverts,
     .next = "upgrade the chart of release {ns}/{name} to one that holds the target's CRDs, or "
             "one without them, so that its next upgrade does not put the old ones back{keep}",
     .source = "https://helm.sh/docs/howto/charts_tips_and_tricks"},
    {.mark = {Label, kAddonMode, "EnsureExists"},
     .name = "the cluster's addon manager (mode {name})",
     .verdict = OwnerVerdict::LeavesAlone,
     .source = "https://github.com/kubernetes/kubernetes/blob/master/cluster/addons/"
               "addon-manager/README.md"},
    {.mark = {Label, kAddonMode, ""},
     .name = "the cluster's addon manager (mode {name})",
     .verdict = OwnerVerdict::Reverts,
     .next = "turn the provider's own Gateway API off, on GKE: gcloud container clusters update "
             "CLUSTER --location=LOCATION --gateway-api=disabled",
     .source = "https://github.com/kubernetes/kubernetes/blob/master/cluster/addons/"
               "addon-manager/README.md"},
    {.mark = {Manager, "helm", ""},
     .name = "Helm (from a chart's crds/ folder)",
     .verdict = OwnerVerdict::LeavesAlone,
     .source = "https://helm.sh/docs/chart_best_practices/custom_resource_definitions"},
    {.mark = {Manager, "argocd-controller", ""},
     .name = "Argo CD",
     .verdict = OwnerVerdict::Unknown,
     .source = "https://github.com/argoproj/argo-cd/blob/master/common/common.go"},
    {.mark = {Manager, "kustomize-controller", ""},
     .name = "Flux's kustomize-controller",
     .verdict = OwnerVerdict::Unknown,
     .source = "https://fluxcd.io/flux/faq"},
    {.mark = {Manager, "helm-controller", ""},
     .name = "Flux's helm-controller",
     .verdict = OwnerVerdict::Unknown,
     .source = "https://github.com/onedr0p/home-ops/pull/8779"},
    {.mark = {Manager, "kube-addon-manager", ""},
     .name = "the cluster's addon manager",
     .verdict = OwnerVerdict::Unknown,
     .source = "https://github.com/llm-d/llm-d-benchmark/issues/1571"},
});
// clang-format on

}  // namespace

std::span<const OwnerRow> known_owners() { return kOwners; }

}  // namespace gatelift
