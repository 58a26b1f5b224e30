// SPDX-License-Identifier: Apache-2.0
// A Gateway API of three kinds on the in-memory API server, and plans over it.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "reconcilers/plan/plan.h"
#include "test/support/builders.h"
#include "test/support/fake_cluster.h"

namespace gatelift {

inline const std::string kGatewayGroup = "gateway.networking.k8s.io";
inline const std::string kPolicyCrd = "backendtlspolicies.gateway.networking.k8s.io";
inline const std::string kRouteCrd = "httproutes.gateway.networking.k8s.io";
inline const std::string kGrantCrd = "referencegrants.gateway.networking.k8s.io";
inline const Resource kOldPolicies{kGatewayGroup, "v1alpha2", "backendtlspolicies", true};
inline const Resource kRoutes{kGatewayGroup, "v1", "httproutes", true};
inline const Resource kGrants{kGatewayGroup, "v1beta1", "referencegrants", true};

inline CrdBuilder gateway_crd(const std::string& plural, const std::string& kind,
                              const std::string& bundle_version) {
  return crd(plural, kind)
      .group(kGatewayGroup)
      .annotation("api-approved.kubernetes.io", "https://example.com/approved")
      .annotation("gateway.networking.k8s.io/bundle-version", bundle_version)
      .annotation("gateway.networking.k8s.io/channel", "experimental");
}

inline Json text_schema() {
  return {
      {"type", "string"}
  };
}
inline Json any_schema() {
  return {
      {"type",                                 "object"},
      {"x-kubernetes-preserve-unknown-fields", true    }
  };
}

/// v1.0.0: policies stored as v1alpha2, routes with a field that goes, grants still stored as
/// v1alpha2 too.
inline std::vector<Json> old_crds() {
  return {
      gateway_crd("backendtlspolicies", "BackendTLSPolicy", "v1.0.0")
          .storing("v1alpha2",
                   schema_with_spec({{"targetRef", any_schema()}, {"tls", any_schema()}}
                   ))
          .build(),
      gateway_crd("httproutes", "HTTPRoute", "v1.0.0")
          .storing("v1",
                   schema_with_spec({{"hostname", text_schema()},                           {"retired", text_schema()}}
                   ))
          .build(),
      gateway_crd("referencegrants", "ReferenceGrant", "v1.0.0")
          .storing("v1beta1", schema_with_spec({{"from", text_schema()}}
                   ))
          .serving("v1alpha2", schema_with_spec({{"from", text_schema()}    }
                   ))
          .build()
  };
}

/// v1.1.1.
inline std::vector<Json> new_crds() {
  return {
      gateway_crd("backendtlspolicies", "BackendTLSPolicy", "v1.1.1")
          .storing("v1alpha3",
                   schema_with_spec({{"targetRefs", {{"type", "array"}, {"items", any_schema()}}},
                                     {"validation", any_schema()}}
                   ))
          .build(),
      gateway_crd("httproutes", "HTTPRoute", "v1.1.1")
          .storing("v1", schema_with_spec({{"hostname", text_schema()}                                                           }
                   ))
          .build(),
      gateway_crd("referencegrants", "ReferenceGrant", "v1.1.1")
          .storing("v1beta1", schema_with_spec({{"from", text_schema()}}
                   ))
          .build()
  };
}

inline Bundle bundle_of(const std::vector<Json>& crds, const std::string& version) {
  return bundle_from_documents({version, "experimental"}, crds, "test").value();
}

inline ObjectBuilder old_policy(const std::string& ns, const std::string& name) {
  return object(kOldPolicies.api_version(), "BackendTLSPolicy",
                {
                    ns, name
  })
      .spec({{"targetRef", {{"group", ""}, {"kind", "Service"}, {"name", name}}},
             {"tls", {{"wellKnownCACerts", "System"}, {"hostname", "example.com"}}}});
}

inline ObjectBuilder route(const std::string& ns, const std::string& name) {
  return object(kRoutes.api_version(), "HTTPRoute",
                {
                    ns, name
  })
      .spec({{"hostname", "example.com"}});
}

class PlanScene {
 public:
  explicit PlanScene(std::vector<Json> installed = old_crds(),
                     std::vector<Json> wanted = new_crds())
      : target(bundle_of(wanted, "v1.1.1")) {
    for (const Json& each : installed) cluster.install_crd(each);
    sources.add(bundle_of(old_crds(), "v1.0.0"));
    sources.add(target);
    spec.target = target.ref;
    spec.strategy = Strategy::Recreate;
    cluster.add_namespace("a");
    cluster.add_namespace("gatelift-system");
  }

  /// As if objects had been written at these versions.
  void set_stored_versions(const std::string& crd, const std::vector<std::string>& versions) {
    auto set = merge_patch(cluster, resources::kCrds,
                           {
                               "", crd
    },
                           {{"status", {{"storedVersions", versions}}}}, "status");
    if (!set) ADD_FAILURE() << set.error().message;
  }

  Installed installed() { return InstalledReader(cluster).read().value(); }

  Plan plan() {
    const Installed now = installed();
    auto made =
        make_plan(cluster, {spec, target, now, sources, "gatelift-system", Operation::Upgrade});
    if (!made) ADD_FAILURE() << made.error().message;
    return made.value_or(Plan{});
  }

  ManualClock clock;
  FakeCluster cluster{clock};
  BundleSources sources{{}};
  Bundle target;
  MigrationSpec spec;
};

/// "code object field" of the checks of a code, for messages. "" is all codes but VersionClients,
/// which every plan of this scene has: two of its versions go.
inline std::vector<std::string> checks_of(const Plan& plan, const std::string& code = "") {
  std::vector<std::string> found;
  for (const Check& check : plan.checks) {
    if (code.empty() ? check.code == "VersionClients" : check.code != code) continue;
    found.push_back(check.code + " " + check.object +
                    (check.field.empty() ? "" : " " + check.field));
  }
  return found;
}

inline const Check* check_of(const Plan& plan, const std::string& code) {
  const auto it =
      std::ranges::find_if(plan.checks, [&](const Check& check) { return check.code == code; });
  return it == plan.checks.end() ? nullptr : &*it;
}

}  // namespace gatelift
