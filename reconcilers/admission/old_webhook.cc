// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/admission/old_webhook.h"

#include <algorithm>
#include <utility>

namespace gatelift {
namespace {

constexpr std::string_view kWebhookName = "validate.gateway.networking.k8s.io";
constexpr std::string_view kUsualNamespace = "gateway-system";

std::string namespace_of(const Json& configuration) {
  for (const Json& webhook : array_at(configuration, "webhooks")) {
    const std::string ns = string_at(webhook, "clientConfig", "service", "namespace");
    if (!ns.empty()) return ns;
  }
  return std::string(kUsualNamespace);
}

}  // namespace

bool is_old_webhook(const Json& configuration) {
  const Json& webhooks = array_at(configuration, "webhooks");
  return kind_of(configuration) == kValidatingWebhookKind &&
         key_of(configuration).name == kOldWebhook &&
         std::ranges::any_of(webhooks, [](const Json& webhook) {
           return string_at(webhook, "name") == kWebhookName;
         });
}

std::vector<OldWebhookObject> old_webhook_objects(const Json& configuration) {
  static const std::string rbac = "rbac.authorization.k8s.io";
  const std::string name(kOldWebhook);
  const std::string server = name + "-server";
  const std::string ns = namespace_of(configuration);
  std::vector<OldWebhookObject> objects;
  const auto add = [&](Resource resource, std::string_view kind, const std::string& object) {
    const ObjectKey key{resource.namespaced ? ns : "", object};
    objects.push_back({std::move(resource), std::string(kind), key});
  };
  add(resources::kValidatingWebhooks, kValidatingWebhookKind, name);
  add({"apps", "v1", "deployments", true}, "Deployment", server);
  add({"", "v1", "services", true}, "Service", server);
  add({"batch", "v1", "jobs", true}, "Job", name);
  add({"batch", "v1", "jobs", true}, "Job", name + "-patch");
  add({rbac, "v1", "clusterrolebindings", false}, "ClusterRoleBinding", name);
  add({rbac, "v1", "clusterroles", false}, "ClusterRole", name);
  add({rbac, "v1", "rolebindings", true}, "RoleBinding", name);
  add({rbac, "v1", "roles", true}, "Role", name);
  add({"", "v1", "serviceaccounts", true}, "ServiceAccount", name);
  add(resources::kSecrets, "Secret", name);
  return objects;
}

}  // namespace gatelift
