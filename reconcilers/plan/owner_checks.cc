// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/plan/owner_checks.h"

#include <utility>

namespace gatelift {
namespace {

constexpr std::string_view kInstanceLabel = "argocd.argoproj.io/instance";
constexpr std::string_view kTracking = "argocd.argoproj.io/tracking-id";
constexpr std::string_view kAddonMode = "addonmanager.kubernetes.io/mode";

std::string label_field(std::string_view name) {
  return "metadata.labels[" + std::string(name) + "]";
}
std::string annotation_field(std::string_view name) {
  return "metadata.annotations[" + std::string(name) + "]";
}

/// kustomize.toolkit.fluxcd.io and helm.toolkit.fluxcd.io label what they apply with their own name
/// and namespace.
std::optional<ForeignOwner> flux_owner(const Json& object, const std::string& domain,
                                       const std::string& kind) {
  const std::string name = label_of(object, domain + "/name");
  if (name.empty()) return std::nullopt;
  const std::string place = label_of(object, domain + "/namespace") + "/" + name;
  return ForeignOwner{label_field(domain + "/name"), "Flux " + kind + " " + place,
                      "put the target's CRDs into what " + kind + " " + place +
                          " applies and suspend it during the run"};
}

std::optional<ForeignOwner> argo_owner(const Json& object) {
  std::string field = annotation_field(kTracking);
  std::string application = annotation_of(object, kTracking);
  if (!application.empty()) {
    application = application.substr(0, application.find(':'));
  } else {
    field = label_field(kInstanceLabel);
    application = label_of(object, kInstanceLabel);
  }
  if (application.empty()) return std::nullopt;
  return ForeignOwner{field, "Argo CD Application " + application,
                      "put the target's CRDs into what Application " + application +
                          " syncs and turn its automatic sync off during the run"};
}

std::optional<ForeignOwner> helm_owner(const Json& object) {
  constexpr std::string_view kRelease = "meta.helm.sh/release-name";
  const std::string release = annotation_of(object, kRelease);
  if (release.empty()) return std::nullopt;
  const std::string place = annotation_of(object, "meta.helm.sh/release-namespace") + "/" + release;
  return ForeignOwner{annotation_field(kRelease), "Helm release " + place,
                      "upgrade the chart of release " + place +
                          " to one that holds the target's CRDs, or one without them, so that its "
                          "next upgrade does not put the old ones back"};
}

std::optional<ForeignOwner> addon_owner(const Json& object) {
  const std::string mode = label_of(object, kAddonMode);
  if (mode.empty()) return std::nullopt;
  return ForeignOwner{label_field(kAddonMode), "the cluster's addon manager (mode " + mode + ")",
                      mode == "EnsureExists"
                          ? "make sure that the provider supports the target's bundle"
                          : "turn the provider's own Gateway API off, since the addon manager puts "
                            "its content back within minutes"};
}

}  // namespace

std::optional<ForeignOwner> foreign_owner(const Json& object) {
  if (auto owner = flux_owner(object, "helm.toolkit.fluxcd.io", "HelmRelease")) return owner;
  if (auto owner = flux_owner(object, "kustomize.toolkit.fluxcd.io", "Kustomization")) return owner;
  if (auto owner = argo_owner(object)) return owner;
  if (auto owner = helm_owner(object)) return owner;
  return addon_owner(object);
}

Result<std::optional<Json>> check_owner(Cluster& cluster, const std::string& crd,
                                        Findings& findings) {
  Request request;
  request.resource = resources::kCrds;
  request.key = {"", crd};
  request.metadata_only = true;
  auto live = cluster.send(request);
  if (!live) {
    if (live.error().is(ErrorKind::NotFound)) return std::nullopt;
    return fail(std::move(live).error());
  }
  if (const auto owner = foreign_owner(*live)) {
    findings.add({"ForeignOwner", Severity::Consent, crd_display(crd), owner->field,
                  "it is managed by " + owner->name + ", which may put its own content back",
                  owner->next + "; then copy this check's check, object and field into spec.accept",
                  false});
  }
  return std::optional(*std::move(live));
}

}  // namespace gatelift
