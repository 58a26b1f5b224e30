// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "client/yaml.h"
#include "reconcilers/bundle/bundle.h"
#include "test/unit/reconcilers/bundle_fixture.h"

namespace gatelift {
namespace {

std::vector<Json> documents(const std::string& text) { return parse_yaml(text, "test").value(); }

Result<Bundle> bundle_of(const std::string& text, BundleRef ref = {"v1.1.1", "experimental"}) {
  return bundle_from_documents(std::move(ref), documents(text), "test");
}

std::string error_of(const Result<Bundle>& bundle) {
  EXPECT_FALSE(bundle.has_value());
  EXPECT_EQ(bundle.error().kind, ErrorKind::Invalid);
  return bundle.error().message;
}

constexpr const char* kPolicy =
    "---\napiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicy\n"
    "metadata: {name: safe-upgrades.gateway.networking.k8s.io}\nspec: {failurePolicy: Fail}\n";

TEST(Bundle, HoldsItsCrdsByNameAndItsPolicies) {
  const Bundle bundle = bundle_of(crd_yaml("tcproutes") + crd_yaml("gateways") + kPolicy).value();
  ASSERT_EQ(bundle.crds.size(), 2U);
  EXPECT_EQ(bundle.crds[0].summary.plural, "gateways");
  EXPECT_EQ(bundle.crd("tcproutes.gateway.networking.k8s.io")->json()["spec"]["scope"],
            "Namespaced");
  EXPECT_EQ(bundle.crd("others.gateway.networking.k8s.io"), nullptr);
  EXPECT_EQ(bundle.policy_manifests.size(), 1U);
}

TEST(Bundle, DigestIsOfItsContentAndNotOfOrderOrAnnotations) {
  const std::string one = bundle_of(crd_yaml("a") + crd_yaml("b")).value().digest;
  EXPECT_EQ(
      bundle_of(crd_yaml("b") + crd_yaml("a", "v9.9.9"), {"v2.0.0", "standard"}).value().digest,
      one);
  EXPECT_NE(bundle_of(crd_yaml("a")).value().digest, one);
  EXPECT_NE(bundle_of(crd_yaml("a") + crd_yaml("b") + kPolicy).value().digest, one);
}

TEST(Bundle, AcceptsListsOfDocuments) {
  std::string list = "apiVersion: v1\nkind: List\nitems: []\n";
  std::vector<Json> documents_in_list = documents(list);
  for (const Json& crd : documents(crd_yaml("a") + crd_yaml("b"))) {
    documents_in_list[0]["items"].push_back(crd);
  }
  const auto bundle = bundle_from_documents({"v1.1.1", "standard"}, documents_in_list, "test");
  ASSERT_TRUE(bundle.has_value()) << bundle.error().message;
  EXPECT_EQ(bundle->crds.size(), 2U);
}

TEST(Bundle, TakesAnEmptyRefFromTheAnnotations) {
  const Bundle bundle = bundle_of(crd_yaml("a") + crd_yaml("b"), {}).value();
  EXPECT_EQ(bundle.ref, (BundleRef{"v1.1.1", "experimental"}));
}

TEST(Bundle, RefusesToGuessARefFromCrdsThatDisagree) {
  const std::string error = error_of(bundle_of(crd_yaml("a") + crd_yaml("b", "v1.2.0"), {}));
  for (const char* word : {"v1.1.1 in a.", "v1.2.0 in b.", "bundle-version"}) {
    EXPECT_NE(error.find(word), std::string::npos) << error;
  }
  EXPECT_NE(error_of(bundle_of(crd_yaml("a", ""), {})).find("bundle-version"), std::string::npos);
}

TEST(Bundle, ErrorsNameSourceDocumentAndField) {
  struct Row {
    std::string text;
    std::vector<const char*> words;
  };
  const Row rows[] = {
      {crd_yaml("a") + "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: gateway-system}\n",
       {"test", "document 2", "Namespace/gateway-system"}                                                                                  },
      {crd_yaml("a") + "---\n[1]\n",                                                               {"test", "document 2", "array"}         },
      {crd_yaml("a") + "---\napiVersion: v1\n",                                                    {"document 2", "kind"}                  },
      {crd_yaml("a") + crd_yaml("a"),                                                              {"document 2", "metadata.name", "twice"}},
      {crd_yaml("a",                                                                               "v1.1.1",                                 "example.com"), {"document 1", "spec.group", "example.com"}},
      {kPolicy,                                               {"test", "no CustomResourceDefinition"}                                                                                      },
  };
  for (const Row& row : rows) {
    const std::string error = error_of(bundle_of(row.text));
    for (const char* word : row.words) {
      EXPECT_NE(error.find(word), std::string::npos) << error << " lacks " << word;
    }
  }
}

TEST(Bundle, AcceptsTheExperimentalGroup) {
  EXPECT_TRUE(bundle_of(crd_yaml("xmeshes", "v1.4.0", "gateway.networking.x-k8s.io")).has_value());
}

TEST(BundleFromFile, ReadsAnInstallFileOfManyDocuments) {
  const TemporaryDirectory directory;
  directory.write("experimental-install.yaml",
                  "# Copyright\n---\n# a\n" + crd_yaml("a") + "---\n" + crd_yaml("b") + kPolicy);
  const auto bundle = bundle_from_file(directory.path() / "experimental-install.yaml");
  ASSERT_TRUE(bundle.has_value()) << bundle.error().message;
  EXPECT_EQ(bundle->ref.display(), "v1.1.1/experimental");
  EXPECT_EQ(bundle->crds.size(), 2U);
  EXPECT_EQ(bundle->policy_manifests.size(), 1U);
}

TEST(BundleFromFile, ErrorsNameFileDocumentAndLineOfTheWholeFile) {
  const TemporaryDirectory directory;
  const std::string first = crd_yaml("a");
  directory.write("bad.yaml", first + "---\nkind: 'open\n");
  const auto bundle = bundle_from_file(directory.path() / "bad.yaml");
  ASSERT_FALSE(bundle.has_value());
  const auto line = std::count(first.begin(), first.end(), '\n') + 2;
  EXPECT_NE(bundle.error().message.find("bad.yaml:" + std::to_string(line)), std::string::npos)
      << bundle.error().message;
  EXPECT_NE(bundle.error().message.find("document 2"), std::string::npos) << bundle.error().message;
}

TEST(BundleFromFile, SaysThatThereIsNoSuchFile) {
  const auto bundle = bundle_from_file("/nowhere/install.yaml");
  ASSERT_FALSE(bundle.has_value());
  EXPECT_EQ(bundle.error().kind, ErrorKind::NotFound);
  EXPECT_NE(bundle.error().message.find("/nowhere/install.yaml"), std::string::npos);
}

}  // namespace
}  // namespace gatelift
