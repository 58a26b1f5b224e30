// SPDX-License-Identifier: Apache-2.0
// The webhook of bundles before v1.0 in memory, with all that belongs to it.
#pragma once

#include "reconcilers/admission/old_webhook.h"
#include "test/support/fake_cluster.h"

namespace gatelift {

inline Json old_webhook_configuration() {
  return {
      {"apiVersion", "admissionregistration.k8s.io/v1"                   },
      {"kind",       kValidatingWebhookKind                              },
      {"metadata",   {{"name", kOldWebhook}}                             },
      {"webhooks",
       Json::array(
           {{{"name", "validate.gateway.networking.k8s.io"},
             {"failurePolicy", "Fail"},
             {"clientConfig",
              {{"service", {{"name", "gateway-api-admission-server"}, {"namespace", "gw"}}}}},
             {"rules", Json::array({{{"apiGroups", {"gateway.networking.k8s.io"}},
                                     {"apiVersions", {"v1beta1"}},
                                     {"operations", {"CREATE", "UPDATE"}},
                                     {"resources", {"httproutes"}}}})}}})}
  };
}

/// Makes every object of it, in namespace "gw".
inline void install_old_webhook(FakeCluster& cluster) {
  cluster.add_namespace("gw");
  for (const OldWebhookObject& object : old_webhook_objects(old_webhook_configuration())) {
    const bool is_known =
        object.resource == resources::kValidatingWebhooks || object.resource == resources::kSecrets;
    if (!is_known) cluster.add_kind(object.resource, object.kind);
  }
  for (const OldWebhookObject& object : old_webhook_objects(old_webhook_configuration())) {
    if (object.resource == resources::kValidatingWebhooks) {
      cluster.seed(object.resource, old_webhook_configuration());
      continue;
    }
    Json made = {
        {"apiVersion", object.resource.api_version()},
        {"kind",       object.kind                  },
        {"metadata",   {{"name", object.key.name}}  }
    };
    if (!object.key.ns.empty()) made["metadata"]["namespace"] = object.key.ns;
    cluster.seed(object.resource, std::move(made));
  }
}

}  // namespace gatelift
