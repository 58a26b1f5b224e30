// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/plan/controllers.h"

#include <algorithm>
#include <array>

namespace gatelift {
namespace {

struct KnownImage {
  std::string_view repository;  // how its path ends
  std::string_view controller;
  std::string_view other_container = {};  // one that is not the controller, "" for none
};

/// The names that the projects' own charts and manifests give their images.
constexpr auto kImages = std::to_array<KnownImage>({
  // clang-format off
    {"airlock/microgateway-operator",       "Airlock Microgateway"},
    {"apache/apisix-ingress-controller",    "Apache APISIX"},
    {"aws-load-balancer-controller",        "AWS Load Balancer Controller"},
    {"cilium/operator-alibabacloud",        "Cilium"},
    {"cilium/operator-aws",                 "Cilium"},
    {"cilium/operator-azure",               "Cilium"},
    {"cilium/operator-generic",             "Cilium"},
    // The proxies that it deploys carry its image too.
    {"envoyproxy/gateway",                  "Envoy Gateway", "shutdown-manager"},
    {"external-dns/external-dns",           "ExternalDNS"},
    {"fluxcd/flagger",                      "Flagger"},
    {"haproxytech/haproxy-unified-gateway", "HAProxy Unified Gateway"},
    {"haproxytech/kubernetes-ingress",      "HAProxy Kubernetes Ingress Controller"},
    {"istio/pilot",                         "Istio"},
    {"jetstack/cert-manager-controller",    "cert-manager"},
    {"kgateway-dev/kgateway",               "kgateway"},
    {"kong/kubernetes-ingress-controller",  "Kong Ingress Controller"},
    {"kumahq/kuma-cp",                      "Kuma"},
    {"linkerd/policy-controller",           "Linkerd"},
    {"mirrored-library-traefik",            "Traefik"},
    {"nginx-gateway-fabric",                "NGINX Gateway Fabric"},
    {"projectcontour/contour",              "Contour"},
    {"solo-io/gloo",                        "Gloo"},
    {"traefik",                             "Traefik"},
  // clang-format on
});

struct KnownLease {
  std::string_view hint;  // what its name holds
  std::string_view controller;
};

/// The identities that these elect their leaders by, unless they are told others.
constexpr auto kLeases = std::to_array<KnownLease>({
  // clang-format off
    {"5b374a9e.konghq.com",                  "Kong Ingress Controller"},
    {"5b9825d2.gateway.envoyproxy.io",       "Envoy Gateway"},
    {"aws-load-balancer-controller-leader",  "AWS Load Balancer Controller"},
    {"cert-manager-controller",              "cert-manager"},
    {"cilium-operator-resource-lock",        "Cilium"},
    {"istio-gateway-deployment",             "Istio"},
    {"istio-gateway-status-leader",          "Istio"},
    {"nginx-gateway-fabric-leader-election", "NGINX Gateway Fabric"},
    {"policy-controller-write",              "Linkerd"},
  // clang-format on
});

/// "docker.io/envoyproxy/gateway" of "docker.io/envoyproxy/gateway:v1@sha256:…".
std::string_view repository_of(std::string_view image) {
  image = image.substr(0, image.find('@'));
  const auto colon = image.rfind(':');
  const auto slash = image.rfind('/');
  const bool is_tag =
      colon != std::string_view::npos && (slash == std::string_view::npos || colon > slash);
  return is_tag ? image.substr(0, colon) : image;
}

/// True where the last parts of the path are these, whole.
bool ends_with_path(std::string_view path, std::string_view end) {
  if (!path.ends_with(end)) return false;
  return path.size() == end.size() || path[path.size() - end.size() - 1] == '/';
}

}  // namespace

std::string_view controller_of_image(std::string_view image, std::string_view container) {
  const std::string_view repository = repository_of(image);
  const auto known = std::ranges::find_if(
      kImages, [&](const KnownImage& each) { return ends_with_path(repository, each.repository); });
  if (known == kImages.end()) return {};
  const bool is_another = !container.empty() && container == known->other_container;
  return is_another ? std::string_view() : known->controller;
}

std::string_view controller_of_lease(std::string_view lease) {
  const auto known = std::ranges::find_if(kLeases, [&](const KnownLease& each) {
    return lease.find(each.hint) != std::string_view::npos;
  });
  return known == kLeases.end() ? std::string_view() : known->controller;
}

}  // namespace gatelift
