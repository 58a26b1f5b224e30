// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/bundle/recogniser.h"

#include <gtest/gtest.h>

#include "client/yaml.h"
#include "test/unit/reconcilers/bundle_fixture.h"

namespace gatelift {
namespace {

const std::string kGateways = "gateways.gateway.networking.k8s.io";

/// The CRD of crd_yaml(), whose spec is the same whatever bundle it names.
std::string gateways_digest() {
  return spec_digest(parse_yaml(crd_yaml("gateways"), "test").value().front());
}

std::string catalogue_entry(const std::string& version, const std::string& digest) {
  return R"({"version": ")" + version + R"(", "channels": {"standard": {"crds": {")" + kGateways +
         R"(": {"digest": ")" + digest + R"(", "versions": ["v1", "v1beta1"]}}}}})";
}

std::string catalogue(const std::vector<std::string>& entries) {
  std::string text;
  for (const std::string& entry : entries) text += (text.empty() ? "" : ", ") + entry;
  return R"({"bundles": [)" + text + "]}";
}

std::string display(const std::vector<BundleRef>& refs) {
  std::string text;
  for (const BundleRef& ref : refs) text += (text.empty() ? "" : " ") + ref.display();
  return text;
}

TEST(Recogniser, TakesTheCataloguesWordForBundlesWithoutReadingThem) {
  const TemporaryDirectory directory;
  directory.write("catalogue.json", catalogue({catalogue_entry("v1.10.0", "sha256:a"),
                                               catalogue_entry("v1.9.0", "sha256:a"),
                                               catalogue_entry("v1.8.0", "sha256:b")}));
  directory.write("v1.9.0/standard/gateways.yaml", "it is not to be read: [");
  const BundleSources sources({directory.path()});
  Recogniser recogniser(sources);
  EXPECT_EQ(display(recogniser.holders_of(kGateways, "sha256:a")),
            "v1.9.0/standard v1.10.0/standard");
  EXPECT_EQ(display(recogniser.holders_of(kGateways, "sha256:c")), "");
  EXPECT_EQ(display(recogniser.holders_of("routes.gateway.networking.k8s.io", "sha256:a")), "");
  ASSERT_NE(recogniser.crds_of({"v1.8.0", "standard"}), nullptr);
  EXPECT_EQ(recogniser.crds_of({"v1.8.0", "standard"})->at(kGateways).digest, "sha256:b");
  EXPECT_EQ(recogniser.crds_of({"v1.8.0", "experimental"}), nullptr);
}

TEST(Recogniser, ReadsADirectoryWithoutACatalogueOnlyWhenNothingElseAnswers) {
  const TemporaryDirectory described;
  described.write("catalogue.json", catalogue({catalogue_entry("v1.9.0", "sha256:a")}));
  const TemporaryDirectory other;
  other.write("v2.0.0/experimental/gateways.yaml", "not yet: [");
  const BundleSources sources({described.path(), other.path()});
  Recogniser recogniser(sources);
  EXPECT_EQ(display(recogniser.holders_of(kGateways, "sha256:a")), "v1.9.0/standard");

  other.write("v2.0.0/experimental/gateways.yaml", crd_yaml("gateways"));
  EXPECT_EQ(display(recogniser.holders_of(kGateways, gateways_digest())), "v2.0.0/experimental");
  other.write("v2.0.0/experimental/gateways.yaml", "not again: [");
  EXPECT_EQ(display(recogniser.holders_of(kGateways, gateways_digest())), "v2.0.0/experimental");
  EXPECT_NE(recogniser.crds_of({"v2.0.0", "experimental"}), nullptr);
}

TEST(Recogniser, KnowsAlsoWhatAFileHolds) {
  const TemporaryDirectory directory;
  directory.write("catalogue.json", catalogue({catalogue_entry("v1.9.0", gateways_digest())}));
  BundleSources sources({directory.path()});
  sources.add(bundle_from_documents({"v1.9.0-vendor", "standard"},
                                    parse_yaml(crd_yaml("gateways"), "test").value(), "file")
                  .value());
  Recogniser recogniser(sources);
  EXPECT_EQ(display(recogniser.holders_of(kGateways, gateways_digest())),
            "v1.9.0-vendor/standard v1.9.0/standard");
}

TEST(Recogniser, ABundleThatCannotBeReadIsOneThatNobodyHas) {
  const TemporaryDirectory directory;
  directory.write("v2.0.0/experimental/gateways.yaml", "broken: [");
  const BundleSources sources({directory.path()});
  Recogniser recogniser(sources);
  EXPECT_EQ(recogniser.crds_of({"v2.0.0", "experimental"}), nullptr);
  EXPECT_FALSE(recogniser.knows(kGateways));
}

TEST(Recogniser, TellsWhichVersionsOfACrdAnyBundleHas) {
  const TemporaryDirectory directory;
  directory.write("catalogue.json", catalogue({catalogue_entry("v1.9.0", "sha256:a")}));
  directory.write("v2.0.0/experimental/routes.yaml", crd_yaml("routes"));
  const BundleSources sources({directory.path()});
  Recogniser recogniser(sources);
  EXPECT_TRUE(recogniser.knows(kGateways));
  EXPECT_TRUE(recogniser.knows_version(kGateways, "v1beta1"));
  EXPECT_FALSE(recogniser.knows_version(kGateways, "v1alpha9"));
  EXPECT_TRUE(recogniser.knows("routes.gateway.networking.k8s.io"));
  EXPECT_TRUE(recogniser.knows_version("routes.gateway.networking.k8s.io", "v1"));
  EXPECT_FALSE(recogniser.knows("areas.gateway.networking.k8s.io"));
}

}  // namespace
}  // namespace gatelift
