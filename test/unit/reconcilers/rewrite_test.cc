// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/steps/rewrite.h"

#include <gtest/gtest.h>

namespace gatelift {
namespace {

constexpr const char* kNote = "kubectl.kubernetes.io/last-applied-configuration";

Json route_noted_as(const std::string& api_version) {
  const Json applied = {
      {"apiVersion", api_version},
      {"kind",       "GRPCRoute"}
  };
  return {
      {"apiVersion", "gateway.networking.k8s.io/v1"                                         },
      {"kind",       "GRPCRoute"                                                            },
      {"metadata",   {{"name", "r"}, {"annotations", {{kNote, print_json(applied) + "\n"}}}}}
  };
}

TEST(AsRewritten, BringsANoteOfALostVersionToTheStorageVersion) {
  EXPECT_EQ(as_rewritten(route_noted_as("gateway.networking.k8s.io/v1alpha2"), "v1", {"v1"}),
            route_noted_as("gateway.networking.k8s.io/v1"));
}

TEST(AsRewritten, LeavesANoteOfAVersionThatStays) {
  const Json route = route_noted_as("gateway.networking.k8s.io/v1beta1");
  EXPECT_EQ(as_rewritten(route, "v1", {"v1", "v1beta1"}), route);
}

TEST(AsRewritten, LeavesAnObjectWithoutANote) {
  Json route = route_noted_as("gateway.networking.k8s.io/v1");
  route["metadata"].erase("annotations");
  EXPECT_EQ(as_rewritten(route, "v1", {"v1"}), route);
}

}  // namespace
}  // namespace gatelift
