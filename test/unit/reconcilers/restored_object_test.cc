// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/steps/restored_object.h"

#include <gtest/gtest.h>

namespace gatelift {
namespace {

const Resource kPolicies{"gateway.networking.k8s.io", "v1alpha3", "backendtlspolicies", true};

Json entry(const std::string& manager, const std::string& operation, const std::string& subresource) {
  Json made = {{"manager", manager},
               {"operation", operation},
               {"apiVersion", "gateway.networking.k8s.io/v1alpha3"},
               {"fieldsType", "FieldsV1"},
               {"fieldsV1", {{"f:spec", Json::object()}}},
               {"time", "2024-01-01T00:00:00Z"}};
  if (!subresource.empty()) made["subresource"] = subresource;
  return made;
}

Json intended() {
  return {{"apiVersion", "gateway.networking.k8s.io/v1alpha3"},
          {"kind", "BackendTLSPolicy"},
          {"metadata",
           {{"namespace", "a"},
            {"name", "p"},
            {"uid", "u"},
            {"resourceVersion", "7"},
            {"generation", 4},
            {"labels", {{"x", "y"}}},
            {"managedFields", Json::array({entry("argocd-controller", "Apply", ""),
                                           entry("envoy", "Update", "status")})}}},
          {"spec", {{"validation", {{"hostname", "h"}}}}},
          {"status",
           {{"ancestors",
             Json::array({{{"conditions", Json::array({{{"observedGeneration", 4}}})}}})}}}};
}

TEST(RestoredObject, IsCreatedInTheNameOfTheManagerThatAppliedIt) {
  Request request = create_request(intended(), kPolicies, CreateBy::Apply);
  EXPECT_EQ(request.verb, Verb::Apply);
  EXPECT_EQ(request.field_manager, "argocd-controller");
  EXPECT_FALSE(request.body.contains("status"));
  EXPECT_FALSE(request.body["metadata"].contains("resourceVersion"));
  EXPECT_FALSE(request.body["metadata"].contains("uid"));
  EXPECT_EQ(request.body["metadata"]["labels"]["x"], "y");
}

TEST(RestoredObject, StatusIsWrittenAsItsControllerWithTheGenerationClamped) {
  auto request = status_request(intended(), kPolicies, 1);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->field_manager, "envoy");
  EXPECT_EQ(request->body["status"]["ancestors"][0]["conditions"][0]["observedGeneration"], 1);
}

TEST(RestoredObject, AnObjectWithoutStatusGetsNoStatusWrite) {
  Json object = intended();
  object["status"] = Json::object();
  EXPECT_FALSE(status_request(object, kPolicies, 1));
}

TEST(RestoredObject, OwnershipThatDiffersOnlyInTimesIsLeftAlone) {
  Json live = intended();
  live["metadata"]["managedFields"][0]["time"] = "2025-05-05T05:05:05Z";
  EXPECT_FALSE(managed_fields_request(intended(), live, kPolicies));
  live["metadata"]["managedFields"][0]["manager"] = "gatelift";
  auto request = managed_fields_request(intended(), live, kPolicies);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->body[1]["value"][0]["manager"], "argocd-controller");
  EXPECT_EQ(request->body[0]["value"], "7");
}

TEST(RestoredObject, DefaultsOfTheServerAreNoDifferenceButAMissingFieldIs) {
  Json live = intended();
  live["spec"]["defaulted"] = 1;
  EXPECT_EQ(first_difference(intended(), live), "");
  live["spec"]["validation"].erase("hostname");
  EXPECT_EQ(first_difference(intended(), live), "spec.validation.hostname");
  live = intended();
  live["metadata"]["labels"]["x"] = "z";
  EXPECT_EQ(first_difference(intended(), live), "metadata.labels.x");
}

}  // namespace
}  // namespace gatelift
