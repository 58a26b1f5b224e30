// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "client/yaml.h"
#include "reconcilers/bundle/crd.h"
#include "reconcilers/bundle/digest.h"

namespace gatelift {
namespace {

Json crd() {
  return parse_yaml(R"(
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: things.gateway.networking.k8s.io
  annotations:
    gateway.networking.k8s.io/bundle-version: v1.1.1
    gateway.networking.k8s.io/channel: experimental
spec:
  group: gateway.networking.k8s.io
  names: {kind: Thing, listKind: ThingList, plural: things, singular: thing}
  scope: Namespaced
  versions:
  - name: v1alpha2
    served: true
    storage: false
    deprecated: true
    schema: {openAPIV3Schema: {type: object}}
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object}}
    additionalPrinterColumns:
    - {name: Age, type: date, jsonPath: .metadata.creationTimestamp}
)",
                    "crd")
      .value()
      .front();
}

TEST(Crd, IsSummarizedWithItsVersionsAndHints) {
  const CrdSummary summary = summarize_crd(crd()).value();
  EXPECT_EQ(summary.name, "things.gateway.networking.k8s.io");
  EXPECT_EQ(summary.kind, "Thing");
  EXPECT_EQ(summary.storage_version(), "v1");
  EXPECT_EQ(summary.bundle_version, "v1.1.1");
  EXPECT_EQ(summary.channel, "experimental");
  EXPECT_TRUE(summary.version("v1alpha2")->served);
  EXPECT_EQ(summary.version("v2"), nullptr);
  EXPECT_EQ(summary.resource(), (Resource{"gateway.networking.k8s.io", "v1", "things", true}));
  EXPECT_TRUE(summary.uid.empty());
  EXPECT_FALSE(summary.established);
}

TEST(Crd, LiveStateIsRead) {
  Json live = crd();
  live["metadata"]["uid"] = "u";
  live["metadata"]["resourceVersion"] = "7";
  live["metadata"]["deletionTimestamp"] = "2024-01-01T00:00:00Z";
  live["status"] = {
      {"storedVersions", {"v1alpha2", "v1"}                             },
      {"conditions",     {{{"type", "Established"}, {"status", "True"}}}}
  };
  const CrdSummary summary = summarize_crd(live).value();
  EXPECT_EQ(summary.uid, "u");
  EXPECT_EQ(summary.resource_version, "7");
  EXPECT_EQ(summary.stored_versions, (std::vector<std::string>{"v1alpha2", "v1"}));
  EXPECT_TRUE(summary.established);
  EXPECT_TRUE(summary.terminating);
  live["status"]["conditions"] = nullptr;  // what a CRD says just after it was made
  EXPECT_FALSE(summarize_crd(live).value().established);
}

TEST(Crd, IsReadAtAServedVersionWhereItsStorageVersionIsNot) {
  Json unserved = crd();
  unserved["spec"]["versions"][1]["served"] = false;
  EXPECT_EQ(summarize_crd(unserved).value().resource().version, "v1alpha2");
}

TEST(Crd, ErrorsNameTheObjectAndTheField) {
  struct Row {
    const char* named;
    std::function<void(Json&)> change;
  };
  const Row rows[] = {
      {"metadata.name",            [](Json& c) { c["metadata"].erase("name"); }                 },
      {"metadata.name",            [](Json& c) { c["metadata"]["name"] = "others.example.com"; }},
      {"spec.group",               [](Json& c) { c["spec"].erase("group"); }                    },
      {"spec.names.plural",        [](Json& c) { c["spec"]["names"].erase("plural"); }          },
      {"spec.names.kind",          [](Json& c) { c["spec"]["names"]["kind"] = 3; }              },
      {"spec.scope",               [](Json& c) { c["spec"]["scope"] = "Galaxy"; }               },
      {"spec.versions",            [](Json& c) { c["spec"].erase("versions"); }                 },
      {"spec.versions",            [](Json& c) { c["spec"]["versions"][0]["storage"] = true; }  },
      {"spec.versions[1].name",    [](Json& c) { c["spec"]["versions"][1].erase("name"); }      },
      {"CustomResourceDefinition",
       [](Json& c) { c["apiVersion"] = "apiextensions.k8s.io/v1beta1"; }                        },
      {"CustomResourceDefinition", [](Json& c) { c = Json::array(); }                           },
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.named);
    Json changed = crd();
    row.change(changed);
    const auto summary = summarize_crd(changed);
    ASSERT_FALSE(summary.has_value());
    EXPECT_EQ(summary.error().kind, ErrorKind::Invalid);
    EXPECT_NE(summary.error().message.find(row.named), std::string::npos)
        << summary.error().message;
  }
}

TEST(SpecDigest, IsTheSameOfAManifestAndOfWhatTheServerMakesOfIt) {
  Json live = crd();
  live["status"]["storedVersions"] = {"v1"};
  live["metadata"]["generation"] = 4;
  live["spec"]["conversion"] = {
      {"strategy", "None"}
  };
  live["spec"]["preserveUnknownFields"] = false;
  EXPECT_EQ(spec_digest(live), spec_digest(crd()));

  Json terse = crd();
  terse["spec"]["names"].erase("singular");
  terse["spec"]["names"].erase("listKind");
  terse["spec"]["versions"][1]["deprecated"] = false;
  terse["spec"]["versions"][1]["additionalPrinterColumns"][0]["priority"] = 0;
  EXPECT_EQ(spec_digest(terse), spec_digest(crd()));
}

TEST(SpecDigest, ChangesWithEverythingElseInTheSpec) {
  const std::function<void(Json&)> changes[] = {
      [](Json& c) {
        c["spec"]["conversion"] = {
            {"strategy", "Webhook"}
        };
      },
      [](Json& c) { c["spec"]["preserveUnknownFields"] = true; },
      [](Json& c) { c["spec"]["names"]["singular"] = "thingy"; },
      [](Json& c) { c["spec"]["versions"][0]["served"] = false; },
      [](Json& c) { c["spec"]["versions"][0]["deprecated"] = false; },
      [](Json& c) { c["spec"]["versions"][1]["schema"]["openAPIV3Schema"]["maxProperties"] = 1; },
      [](Json& c) { std::swap(c["spec"]["versions"][0], c["spec"]["versions"][1]); },
  };
  for (std::size_t i = 0; i < std::size(changes); ++i) {
    SCOPED_TRACE(i);
    Json changed = crd();
    changes[i](changed);
    EXPECT_NE(spec_digest(changed), spec_digest(crd()));
  }
}

TEST(Digest, IsSha256) {
  // FIPS 180-4's own example.
  EXPECT_EQ(sha256("abc"),
            "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(digest_of(Json::parse(R"({"b":1,"a":2})")), sha256(R"({"a":2,"b":1})"));
}

}  // namespace
}  // namespace gatelift
