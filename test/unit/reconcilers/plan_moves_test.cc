// SPDX-License-Identifier: Apache-2.0
// What stands in the way of a policy that is to be made anew in its target's namespace.
#include <gtest/gtest.h>

#include "test/unit/reconcilers/plan_fixture.h"

namespace gatelift {
namespace {

using Names = std::vector<std::string>;

constexpr const char* kForeign = "ForeignTargetNamespace";

ObjectBuilder policy_that_moves(const std::string& ns, const std::string& name,
                                const std::string& to) {
  Json target = {
      {"group",     ""       },
      {"kind",      "Service"},
      {"name",      name     },
      {"namespace", to       }
  };
  Json certificate = {
      {"group", ""         },
      {"kind",  "ConfigMap"},
      {"name",  "ca"       }
  };
  Json spec = Json::object();
  spec["targetRef"] = std::move(target);
  spec["tls"]["hostname"] = "example.com";
  spec["tls"]["caCertRefs"] = Json::array({std::move(certificate)});
  return object(kOldPolicies.api_version(), "BackendTLSPolicy", {ns, name}).spec(spec);
}

class PlannedMove : public ::testing::Test {
 protected:
  void seed_certificates(const std::string& ns, const std::string& data) {
    Json map = object("v1", "ConfigMap", {ns, "ca"}).build();
    map["data"]["ca.crt"] = data;
    scene_.cluster.seed(resources::kConfigMaps, map);
  }

  void seed_policy(const std::string& ns, const std::string& name, const std::string& to) {
    scene_.cluster.seed(kOldPolicies, policy_that_moves(ns, name, to).build());
    Consent consent{kForeign, "BackendTLSPolicy/" + ns + "/" + name, "spec.targetRef.namespace"};
    consent.resolution = "MoveToTarget";
    scene_.spec.accept.push_back(consent);
  }

  /// The checks, without those of what was accepted.
  Names obstacles() {
    Names names = checks_of(scene_.plan());
    std::erase_if(names, [](const std::string& name) { return name.starts_with(kForeign); });
    return names;
  }

  PlanScene scene_;
};

TEST_F(PlannedMove, HasNothingInItsWay) {
  scene_.cluster.add_namespace("b");
  seed_certificates("a", "ours");
  seed_certificates("b", "ours");
  seed_policy("a", "one", "b");
  EXPECT_EQ(obstacles(), Names{});
}

TEST_F(PlannedMove, NeedsItsNamespace) {
  seed_policy("a", "one", "b");
  EXPECT_EQ(obstacles(), Names{"NamespaceMissing BackendTLSPolicy/a/one spec.targetRef.namespace"});
}

TEST_F(PlannedMove, DoesNotGoIntoANamespaceThatGoesAway) {
  scene_.cluster.add_namespace("b");
  seed_policy("a", "one", "b");
  scene_.cluster.set_namespace_terminating("b");
  EXPECT_EQ(obstacles(), Names{"NamespaceMissing BackendTLSPolicy/a/one spec.targetRef.namespace"});
}

TEST_F(PlannedMove, OverwritesNoConfigMap) {
  scene_.cluster.add_namespace("b");
  seed_certificates("a", "ours");
  seed_certificates("b", "theirs");
  seed_policy("a", "one", "b");
  EXPECT_EQ(obstacles(), Names{"ConfigMapTaken BackendTLSPolicy/a/one spec.tls.caCertRefs"});
}

TEST_F(PlannedMove, DoesNotTakeTwoConfigMapsForOne) {
  scene_.cluster.add_namespace("c");
  seed_certificates("a", "one");
  seed_certificates("b", "two");
  seed_policy("a", "one", "c");
  seed_policy("b", "two", "c");
  EXPECT_EQ(obstacles(), Names{"ConfigMapTaken BackendTLSPolicy/b/two spec.tls.caCertRefs"});
}

}  // namespace
}  // namespace gatelift
