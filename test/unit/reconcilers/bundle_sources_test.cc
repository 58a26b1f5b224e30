// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "client/yaml.h"
#include "reconcilers/backup/gzip.h"
#include "reconcilers/bundle/bundle.h"
#include "test/unit/reconcilers/bundle_fixture.h"

namespace gatelift {
namespace {

/// Answers each list with the same ConfigMaps, and records what was asked.
class ConfigMaps : public Cluster {
 public:
  Result<Json> send(const Request& request) override {
    last = request;
    if (error) return fail(*error);
    return Json{
        {"kind",       "ConfigMapList"           },
        {"apiVersion", "v1"                      },
        {"metadata",   {{"resourceVersion", "1"}}},
        {"items",      items                     }
    };
  }
  Result<std::unique_ptr<Watch>> watch(const WatchRequest&) override {
    return fail(ErrorKind::Internal, "no watch is expected here");
  }

  Json& add(const std::string& name, const std::string& version, const std::string& channel) {
    items.push_back({
        {"metadata",
         {{"name", name},
          {"namespace", "gatelift-system"},
          {"labels",
           {{"gatelift.dev/bundle-version", version},
            {"gatelift.dev/bundle-channel", channel}}}}}
    });
    return items.back();
  }

  Request last;
  Json items = Json::array();
  std::optional<Error> error;
};

void write_bundle(const TemporaryDirectory& directory, const std::string& version,
                  const std::string& plural = "gateways",
                  const std::string& channel = "experimental") {
  directory.write(version + "/" + channel + "/" + plural + ".yaml", crd_yaml(plural, version));
}

std::vector<std::string> listed(const BundleSources& sources) {
  std::vector<std::string> refs;
  for (const auto& entry : sources.list()) refs.push_back(entry.ref.display());
  return refs;
}

std::string first_crd(const BundleSources& sources, const BundleRef& ref) {
  const auto bundle = sources.load(ref);
  EXPECT_TRUE(bundle.has_value()) << bundle.error().message;
  return bundle ? bundle->crds.front().summary.plural : "";
}

TEST(BundleSources, ListDirectoriesInOrderOfVersionNumbers) {
  const TemporaryDirectory directory;
  for (const char* version : {"v1.10.0", "v1.9.0", "v1.2.0", "monthly-2026.01"}) {
    write_bundle(directory, version);
  }
  write_bundle(directory, "v1.2.0", "gateways", "standard");
  directory.write("v1.2.0/README", "");
  directory.write("..data/experimental/x.yaml", "");
  EXPECT_EQ(
      listed(BundleSources({directory.path()})),
      (std::vector<std::string>{"monthly-2026.01/experimental", "v1.2.0/experimental",
                                "v1.2.0/standard", "v1.9.0/experimental", "v1.10.0/experimental"}));
}

TEST(BundleSources, PutABundleTogetherOfManyFilesAndSkipKustomizations) {
  const TemporaryDirectory directory;
  write_bundle(directory, "v1.1.1", "gateways");
  write_bundle(directory, "v1.1.1", "httproutes");
  directory.write("v1.1.1/experimental/kustomization.yaml", "resources: [gateways.yaml]\n");
  directory.write("v1.1.1/experimental/notes.txt", "no manifest");
  const auto bundle = BundleSources({directory.path()}).load({"v1.1.1", "experimental"});
  ASSERT_TRUE(bundle.has_value()) << bundle.error().message;
  EXPECT_EQ(bundle->crds.size(), 2U);
  EXPECT_EQ(bundle->ref.display(), "v1.1.1/experimental");
  EXPECT_EQ(bundle->source, (directory.path() / "v1.1.1/experimental").string());
}

TEST(BundleSources, TakeTheLastGoodPatchOfAMinorByNumber) {
  const TemporaryDirectory directory;
  for (const char* version : {"v1.4.2", "v1.4.9", "v1.4.10", "v1.4.11", "v1.4.12-rc.1"}) {
    write_bundle(directory, version);
  }
  write_bundle(directory, "v1.4.20", "gateways", "standard");
  directory.write("catalogue.json",
                  R"({"bundles": [{"version": "v1.4.11", "bad": "loses a field"},)"
                  R"( {"version": "v1.4.10", "channels": ["experimental"]}]})");
  const BundleSources sources({directory.path()});
  EXPECT_EQ(sources.load({"v1.4", "experimental"})->ref.version, "v1.4.10");
  EXPECT_EQ(sources.load({"1.4", "experimental"})->ref.version, "v1.4.10");
  EXPECT_EQ(sources.load({"v1.4", "standard"})->ref.version, "v1.4.20");
  EXPECT_EQ(sources.load({"v1.4.11", "experimental"})->ref.version, "v1.4.11");
  for (const auto& entry : sources.list()) {
    EXPECT_EQ(entry.known_bad, entry.ref.version == "v1.4.11" ? "loses a field" : "");
  }
}

TEST(BundleSources, SayWhyNoPatchOfAMinorIsGood) {
  const TemporaryDirectory directory;
  write_bundle(directory, "v1.4.0");
  directory.write("catalogue.json",
                  R"({"bundles": [{"version": "v1.4.0", "bad": "loses /status"}]})");
  const auto bundle = BundleSources({directory.path()}).load({"v1.4", "experimental"});
  ASSERT_FALSE(bundle.has_value());
  EXPECT_EQ(bundle.error().kind, ErrorKind::NotFound);
  EXPECT_NE(bundle.error().message.find("v1.4.0/experimental (loses /status)"), std::string::npos)
      << bundle.error().message;
}

TEST(BundleSources, PreferTheFirstDirectory) {
  const TemporaryDirectory first;
  const TemporaryDirectory second;
  write_bundle(first, "v1.1.1", "mine");
  write_bundle(second, "v1.1.1", "theirs");
  EXPECT_EQ(first_crd(BundleSources({first.path(), second.path()}), {"v1.1.1", "experimental"}),
            "mine");
}

TEST(BundleSources, SayWhatThereIsOfTheMinorAndWhereTheyLooked) {
  const TemporaryDirectory directory;
  write_bundle(directory, "v1.1.0");
  write_bundle(directory, "v1.1.1");
  write_bundle(directory, "v1.2.0");
  const auto bundle = BundleSources({directory.path(), "/nowhere"}).load({"v1.1.7", "standard"});
  ASSERT_FALSE(bundle.has_value());
  EXPECT_EQ(bundle.error().kind, ErrorKind::NotFound);
  EXPECT_EQ(bundle.error().message,
            "no bundle v1.1.7/standard: of v1.1 there is v1.1.0/experimental, v1.1.1/experimental; "
            "looked in " +
                directory.path().string() + ", /nowhere");
}

// spec.target comes from whoever may write the resource.
TEST(BundleSources, ReadNothingOutsideTheirDirectories) {
  const TemporaryDirectory directory;
  write_bundle(directory, "v1.1.1");
  directory.write("inner/keep", "");
  const BundleSources sources({directory.path() / "inner"});
  for (const BundleRef& ref : {
           BundleRef{"../v1.1.1",                            "experimental"       },
           BundleRef{"..",                                   "v1.1.1/experimental"},
           BundleRef{(directory.path() / "v1.1.1").string(), "experimental"       },
           BundleRef{"",                                     ""                   }
  }) {
    const auto bundle = sources.load(ref);
    ASSERT_FALSE(bundle.has_value()) << ref.display();
    EXPECT_EQ(bundle.error().kind, ErrorKind::NotFound);
  }
}

TEST(BundleSources, PassOnWhatIsWrongWithAFile) {
  const TemporaryDirectory directory;
  directory.write("v1.1.1/experimental/b.yaml", "kind: Pod\n");
  const auto bundle = BundleSources({directory.path()}).load({"v1.1.1", "experimental"});
  ASSERT_FALSE(bundle.has_value());
  EXPECT_NE(bundle.error().message.find("v1.1.1/experimental/b.yaml, document 1"),
            std::string::npos)
      << bundle.error().message;
}

TEST(BundleSources, ReadConfigMapsByTheirLabels) {
  ConfigMaps cluster;
  BundleSources sources({});
  ASSERT_TRUE(sources.read_config_maps(cluster, "gatelift-system").has_value());
  EXPECT_EQ(cluster.last.verb, Verb::List);
  EXPECT_EQ(cluster.last.key.ns, "gatelift-system");
  EXPECT_EQ(cluster.last.label_selector, "gatelift.dev/bundle-version,gatelift.dev/bundle-channel");
}

TEST(BundleSources, JoinABundleThatIsSpreadOverConfigMaps) {
  ConfigMaps cluster;
  cluster.add("one", "v1.1.1", "vendor")["data"]["a.yaml"] = crd_yaml("gateways");
  cluster.add("two", "v1.1.1", "vendor")["binaryData"]["b.yaml.gz"] =
      base64_encode(gzip(crd_yaml("httproutes")));
  BundleSources sources({});
  ASSERT_TRUE(sources.read_config_maps(cluster, "gatelift-system").has_value());
  const auto bundle = sources.load({"v1.1.1", "vendor"});
  ASSERT_TRUE(bundle.has_value()) << bundle.error().message;
  EXPECT_EQ(bundle->crds.size(), 2U);
}

TEST(BundleSources, PreferAFileToConfigMapsAndThoseToDirectories) {
  const TemporaryDirectory directory;
  write_bundle(directory, "v1.1.1", "fromdirectory");
  ConfigMaps cluster;
  cluster.add("one", "v1.1.1", "experimental")["data"]["a"] = crd_yaml("fromconfigmap");
  BundleSources sources({directory.path()});
  ASSERT_TRUE(sources.read_config_maps(cluster, "gatelift-system").has_value());
  const BundleRef ref{"v1.1.1", "experimental"};
  EXPECT_EQ(first_crd(sources, ref), "fromconfigmap");
  EXPECT_EQ(sources.list().size(), 1U);
  sources.add(
      bundle_from_documents(ref, parse_yaml(crd_yaml("fromfile"), "f").value(), "f").value());
  EXPECT_EQ(first_crd(sources, ref), "fromfile");
  cluster.items = Json::array();
  ASSERT_TRUE(sources.read_config_maps(cluster, "gatelift-system").has_value());
  EXPECT_EQ(first_crd(sources, ref), "fromfile");
}

TEST(BundleSources, KeepOneBrokenConfigMapFromSpoilingTheOthers) {
  ConfigMaps cluster;
  cluster.add("good", "v1.1.1", "vendor")["data"]["a"] = crd_yaml("gateways");
  cluster.add("bad", "v1.1.2", "vendor")["binaryData"]["a.gz"] = base64_encode("not gzip");
  BundleSources sources({});
  ASSERT_TRUE(sources.read_config_maps(cluster, "gatelift-system").has_value());
  EXPECT_EQ(sources.load({"v1.1", "vendor"})->ref.version, "v1.1.1");
  const auto broken = sources.load({"v1.1.2", "vendor"});
  ASSERT_FALSE(broken.has_value());
  EXPECT_NE(broken.error().message.find("ConfigMap/gatelift-system/bad, binaryData.a.gz"),
            std::string::npos)
      << broken.error().message;
  EXPECT_NE(sources.list().back().known_bad.find("cannot be read"), std::string::npos);
}

TEST(BundleSources, KeepWhatTheyReadWhenTheClusterCannotBeAsked) {
  ConfigMaps cluster;
  cluster.add("good", "v1.1.1", "vendor")["data"]["a"] = crd_yaml("gateways");
  BundleSources sources({});
  ASSERT_TRUE(sources.read_config_maps(cluster, "gatelift-system").has_value());
  cluster.error = Error{ErrorKind::Unavailable, "no answer", 0, {}, {}, {}};
  EXPECT_FALSE(sources.read_config_maps(cluster, "gatelift-system").has_value());
  EXPECT_TRUE(sources.load({"v1.1.1", "vendor"}).has_value());
}

}  // namespace
}  // namespace gatelift
