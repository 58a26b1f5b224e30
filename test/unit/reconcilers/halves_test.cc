// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "client/object.h"
#include "reconcilers/convert/halves.h"

namespace gatelift {
namespace {

const Json kOldSpec = {
    {"targetRef", {{"group", ""}, {"kind", "Service"}, {"name", "shop"}}            },
    {"tls",       {{"hostname", "shop.example.com"}, {"wellKnownCACerts", "System"}}}
};
const Json kNewSpec = {
    {"targetRefs", Json::array({{{"group", ""}, {"kind", "Service"}, {"name", "shop"}}})    },
    {"validation", {{"hostname", "shop.example.com"}, {"wellKnownCACertificates", "System"}}}
};

Halves up() {
  return *Halves::between("gateway.networking.k8s.io", "BackendTLSPolicy", "v1alpha2", "v1alpha3");
}
Halves down() {
  return *Halves::between("gateway.networking.k8s.io", "BackendTLSPolicy", "v1alpha3", "v1alpha2");
}

Json policy(const std::string& version, const Json& spec) {
  return {
      {"apiVersion", "gateway.networking.k8s.io/" + version      },
      {"kind",       "BackendTLSPolicy"                          },
      {"metadata",   {{"name", "shop"}, {"namespace", "default"}}},
      {"spec",       spec                                        }
  };
}

/// Both halves, in step.
Json bridged() {
  Json spec = kOldSpec;
  spec.update(kNewSpec);
  Json object = policy("v1alpha2", spec);
  object["metadata"]["annotations"][std::string(kProjectedAnnotation)] = up().mark_of(object);
  return object;
}

TEST(Halves, AreOfKindsThatChangeTheirShape) {
  EXPECT_FALSE(Halves::between("gateway.networking.k8s.io", "HTTPRoute", "v1beta1", "v1"));
  EXPECT_FALSE(Halves::between("gateway.networking.k8s.io", "BackendTLSPolicy", "v1alpha3", "v1"));
  EXPECT_TRUE(Halves::between("gateway.networking.k8s.io", "BackendTLSPolicy", "v1alpha2", "v1"));
}

TEST(Halves, ShowEachVersionWhatItsClientsMean) {
  EXPECT_EQ(up().from_view(bridged()), policy("v1alpha2", kOldSpec));
  EXPECT_EQ(up().to_view(bridged()), policy("v1alpha3", kNewSpec));
  EXPECT_EQ(down().from_view(bridged()), policy("v1alpha3", kNewSpec));
}

TEST(Halves, SayWhichOfThemWasEdited) {
  EXPECT_EQ(up().state_of(bridged()), HalvesState::InStep);
  EXPECT_EQ(up().state_of(policy("v1alpha2", kOldSpec)), HalvesState::OnlyFrom);
  EXPECT_EQ(up().state_of(policy("v1alpha3", kNewSpec)), HalvesState::OnlyTo);
  EXPECT_EQ(up().state_of(policy("v1alpha2", Json::object())), HalvesState::Neither);
  Json edited = bridged();
  edited["spec"]["tls"]["hostname"] = "old.example.com";
  EXPECT_EQ(up().state_of(edited), HalvesState::FromEdited);
  EXPECT_EQ(down().state_of(edited), HalvesState::ToEdited);
  edited["spec"]["validation"]["hostname"] = "new.example.com";
  EXPECT_EQ(up().state_of(edited), HalvesState::BothEdited);
  edited["spec"]["validation"]["hostname"] = "old.example.com";
  EXPECT_EQ(up().state_of(edited), HalvesState::FromEdited) << "both say the same";
  edited = bridged();
  edited["metadata"].erase("annotations");
  EXPECT_EQ(up().state_of(edited), HalvesState::FromEdited) << "to be marked";
  edited["spec"]["validation"]["hostname"] = "new.example.com";
  EXPECT_EQ(up().state_of(edited), HalvesState::BothEdited) << "nobody knows which";
}

TEST(Halves, AreMadeOutOfEachOther) {
  Json edited = bridged();
  edited["spec"]["tls"] = {
      {"hostname",   "old.example.com"                                                    },
      {"caCertRefs", Json::array({{{"group", ""}, {"kind", "ConfigMap"}, {"name", "ca"}}})}
  };
  const Json to = up().projected_to(edited).half;
  EXPECT_EQ(to["spec"]["targetRefs"], kNewSpec["targetRefs"]);
  EXPECT_EQ(to["spec"]["validation"]["hostname"], "old.example.com");
  EXPECT_EQ(to["spec"]["validation"]["caCertificateRefs"][0]["name"], "ca");
  EXPECT_FALSE(to["spec"]["validation"].contains("wellKnownCACertificates"));
  edited = bridged();
  edited["spec"]["targetRefs"][0]["name"] = "other";
  EXPECT_EQ(up().projected_from(edited).half["spec"]["targetRef"]["name"], "other");
}

TEST(Halves, KeepWhatTheOtherVersionHasNoFieldsFor) {
  Json edited = bridged();
  edited["spec"]["options"] = {
      {"example.com/x", "y"}
  };
  edited["spec"]["validation"]["subjectAltNames"] = Json::array({{{"type", "URI"}}});
  edited["spec"]["tls"]["hostname"] = "old.example.com";
  const Json to = up().projected_to(edited).half;
  EXPECT_EQ(to["spec"]["options"], edited["spec"]["options"]);
  EXPECT_EQ(to["spec"]["validation"]["subjectAltNames"][0]["type"], "URI");
  EXPECT_EQ(to["spec"]["validation"]["hostname"], "old.example.com");
}

TEST(Halves, SayWhatAVersionCannotHave) {
  Json edited = bridged();
  edited["spec"]["targetRefs"].push_back(edited["spec"]["targetRefs"][0]);
  EXPECT_EQ(up().projected_from(edited).problems.at(0).code, "SeveralTargets");
  edited = bridged();
  edited["spec"]["targetRef"]["namespace"] = "elsewhere";
  EXPECT_EQ(up().projected_to(edited).problems.at(0).code, "ForeignTargetNamespace");
}

TEST(Halves, PointToWhatLeaves) {
  EXPECT_EQ(up().from_pointers(bridged()),
            (std::vector<std::string>{"/spec/targetRef", "/spec/tls"}));
  EXPECT_EQ(down().from_pointers(bridged()),
            (std::vector<std::string>{"/spec/targetRefs", "/spec/validation"}));
  EXPECT_TRUE(up().from_pointers(policy("v1alpha3", kNewSpec)).empty());
}

TEST(Halves, SettleToTheOneThatCounts) {
  EXPECT_EQ(convert_bridged(bridged(), "v1").object, policy("v1", kNewSpec));
  EXPECT_EQ(convert_bridged(bridged(), "v1alpha2").object, policy("v1alpha2", kOldSpec));
  Json edited = bridged();
  edited["apiVersion"] = "gateway.networking.k8s.io/v1alpha3";  // as both are served
  edited["spec"]["tls"]["hostname"] = "old.example.com";
  Json wanted = kNewSpec;
  wanted["validation"]["hostname"] = "old.example.com";
  EXPECT_EQ(convert_bridged(edited, "v1alpha3").object, policy("v1alpha3", wanted));
  Json created = policy("v1alpha3", kOldSpec);  // at the old version, and read at the new
  EXPECT_EQ(convert_bridged(created, "v1alpha3").object, policy("v1alpha3", kNewSpec));
  EXPECT_EQ(convert_bridged(policy("v1alpha2", kOldSpec), "v1alpha3").object,
            policy("v1alpha3", kNewSpec));
}

}  // namespace
}  // namespace gatelift
