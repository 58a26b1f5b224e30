// SPDX-License-Identifier: Apache-2.0
#include "client/object.h"

#include <gtest/gtest.h>

namespace gatelift {
namespace {

TEST(Object, ReadsTheMetadataThatEveryObjectHas) {
  const Json object = *parse_json(R"({
    "kind": "HTTPRoute",
    "metadata": {"name": "r", "namespace": "shop", "uid": "u-1", "resourceVersion": "42",
                 "creationTimestamp": "2024-01-02T03:04:05Z", "deletionTimestamp": null,
                 "labels": {"app.kubernetes.io/name": "web"}, "annotations": {"a/b": "c"}}})");
  EXPECT_EQ(key_of(object).display(), "shop/r");
  EXPECT_EQ(uid_of(object), "u-1");
  EXPECT_EQ(resource_version_of(object), "42");
  EXPECT_EQ(label_of(object, "app.kubernetes.io/name"), "web");
  EXPECT_EQ(annotation_of(object, "a/b"), "c");
  EXPECT_EQ(annotation_of(object, "absent"), "");
  EXPECT_EQ(creation_timestamp_of(object), "2024-01-02T03:04:05Z");
  EXPECT_FALSE(is_being_deleted(object));
  EXPECT_EQ(display_name(kind_of(object), key_of(object)), "HTTPRoute/shop/r");
}

TEST(Object, SeesThatAnObjectIsBeingDeleted) {
  EXPECT_TRUE(is_being_deleted(
      *parse_json(R"({"metadata": {"deletionTimestamp": "2024-01-02T03:04:05Z"}})")));
}

TEST(Object, SplitsApiVersionsWithAndWithoutGroup) {
  EXPECT_EQ(group_of_api_version("gateway.networking.k8s.io/v1alpha2"),
            "gateway.networking.k8s.io");
  EXPECT_EQ(version_of_api_version("gateway.networking.k8s.io/v1alpha2"), "v1alpha2");
  EXPECT_EQ(group_of_api_version("v1"), "");
  EXPECT_EQ(version_of_api_version("v1"), "v1");
  EXPECT_EQ(resources::kCrds.api_version(), "apiextensions.k8s.io/v1");
  EXPECT_EQ(resources::kSecrets.api_version(), "v1");
}

}  // namespace
}  // namespace gatelift
