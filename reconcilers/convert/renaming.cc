// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/convert/renaming.h"

namespace gatelift {
namespace {

constexpr const char* kLastApplied = "kubectl.kubernetes.io/last-applied-configuration";

/// XListenerSet v1.4 lets an implementation choose a listener's port, and takes a TLS listener that
/// says nothing of TLS; ListenerSet takes neither.
void check_listeners(Intention& intention) {
  const Json& listeners = array_at(intention.object, "spec", "listeners");
  for (std::size_t i = 0; i < listeners.size(); ++i) {
    const std::string path = "spec.listeners[" + std::to_string(i) + "]";
    if (string_at(listeners[i], "protocol") == "TLS" && find(listeners[i], "tls") == nullptr) {
      intention.problems.push_back(
          {"ListenerWithoutTls", path + ".tls",
           "the listener is of protocol TLS and has no tls, which a ListenerSet asks for",
           "give the listener its tls: the mode, and for Terminate the certificates"});
    }
    if (int_at(listeners[i], 0, "port") != 0) continue;
    intention.problems.push_back(
        {"DynamicPort", path + ".port",
         "the listener leaves its port to the implementation, and a ListenerSet has to name it",
         "give the listener the port that it is served at (status.listeners[].port)"});
  }
}

// https://github.com/kubernetes-sigs/gateway-api, CHANGELOG: v0.6.0, v1.3.0, v1.5.0.
constexpr Renaming kRenamings[] = {
    {"referencepolicies.gateway.networking.k8s.io", "referencegrants.gateway.networking.k8s.io",
     nullptr                                                                                            },
    {"backendlbpolicies.gateway.networking.k8s.io",
     "xbackendtrafficpolicies.gateway.networking.x-k8s.io",                                      nullptr},
    {"xlistenersets.gateway.networking.x-k8s.io",   "listenersets.gateway.networking.k8s.io",
     check_listeners                                                                                    },
};

Json of_new_kind(const Json& object, const CrdSummary& target) {
  Json metadata = Json::object();
  for (const char* field : {"name", "namespace", "labels", "annotations", "ownerReferences"}) {
    if (const Json* value = find(object, "metadata", field)) metadata[field] = *value;
  }
  if (find(metadata, "annotations") != nullptr) {
    // It names the old kind, and nobody has applied the new object yet.
    metadata["annotations"].erase(kLastApplied);
    if (metadata["annotations"].empty()) metadata.erase("annotations");
  }
  Json made = {
      {"apiVersion", target.group + "/" + target.storage_version()},
      {"kind",       target.kind                                  },
      {"metadata",   std::move(metadata)                          }
  };
  if (const Json* spec = find(object, "spec")) made["spec"] = *spec;
  return made;
}

}  // namespace

const Renaming* renaming_of(std::string_view crd,
                            const std::function<bool(std::string_view)>& has) {
  for (const Renaming& renaming : kRenamings) {
    if (renaming.from_crd == crd && has(renaming.to_crd)) return &renaming;
  }
  return nullptr;
}

Intention renamed(const Renaming& renaming, const Json& object, const BundleCrd& target,
                  const Intentions& at_target) {
  Intention intention = at_target.of(of_new_kind(object, target.summary));
  if (renaming.check != nullptr) renaming.check(intention);
  return intention;
}

}  // namespace gatelift
