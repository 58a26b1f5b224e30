// SPDX-License-Identifier: Apache-2.0
// Clusters with admission policies and webhooks, and plans over them.
#pragma once

#include <gtest/gtest.h>

#include "test/support/safe_upgrades.h"
#include "test/unit/reconcilers/plan_fixture.h"

namespace gatelift {

inline const std::string kPolicyObject =
    "ValidatingAdmissionPolicy/safe-upgrades.gateway.networking.k8s.io";

/// Routes and grants of one bundle; each release has another field.
inline std::vector<Json> crds_at(const std::string& version, const std::string& channel) {
  std::vector<Json> crds;
  for (const auto& [plural, kind] :
       {std::pair("httproutes", "HTTPRoute"), std::pair("referencegrants", "ReferenceGrant")}) {
    const std::string field = "since" + version.substr(0, 4) + channel;
    crds.push_back(gateway_crd(plural, kind, version)
                       .annotation("gateway.networking.k8s.io/channel", channel)
                       .storing("v1", schema_with_spec({
                                          {"hostname", text_schema()},
                                          {field,      text_schema()}
    }))
                       .build());
  }
  return crds;
}

inline Bundle bundle_at(const BundleRef& ref, const std::vector<Json>& policies = {}) {
  std::vector<Json> documents = crds_at(ref.version, ref.channel);
  documents.insert(documents.end(), policies.begin(), policies.end());
  return bundle_from_documents(ref, documents, "test").value();
}

class AdmissionScene {
 public:
  AdmissionScene(const BundleRef& from, Bundle to) : target(std::move(to)) {
    for (const Json& crd : crds_at(from.version, from.channel)) cluster.install_crd(crd);
    sources.add(bundle_at(from));
    sources.add(target);
    spec.target = target.ref;
    cluster.add_namespace("a");
    cluster.add_namespace("gatelift-system");
    enforce_safe_upgrades(cluster, clock);
  }

  Plan plan(Operation operation = Operation::Upgrade) {
    const Installed now = InstalledReader(cluster).read().value();
    auto made = make_plan(cluster, {spec, target, now, sources, "gatelift-system", operation});
    if (!made) ADD_FAILURE() << made.error().message;
    return made.value_or(Plan{});
  }

  void accept(const Check& check) {
    spec.accept.push_back({check.code, check.object, check.field});
  }

  ManualClock clock;
  FakeCluster cluster{clock};
  BundleSources sources{{}};
  Bundle target;
  MigrationSpec spec;
};

/// "SuspendPolicy safe-upgrades…": what is done, in order.
inline std::vector<std::string> actions_of(const Plan& plan) {
  std::vector<std::string> found;
  for (const PlannedAction& action : plan.actions) {
    found.push_back(std::string(to_string(action.kind)) + " " +
                    action.crd.substr(0, action.crd.find('.')));
  }
  return found;
}

}  // namespace gatelift
