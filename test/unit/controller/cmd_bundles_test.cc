// SPDX-License-Identifier: Apache-2.0
// bundles diff, identify and verify, as a person types them.
#include <algorithm>

#include "client/yaml.h"
#include "test/support/builders.h"
#include "test/unit/controller/commands_fixture.h"
#include "test/unit/reconcilers/bundle_fixture.h"

namespace gatelift {
namespace {

class BundlesTest : public CommandsTest {
 protected:
  /// A release of one CRD, each of whose versions has these fields in spec.
  void add_release(const std::string& version, const std::string& channel,
                   const std::vector<std::string>& fields) {
    Json properties = Json::object();
    for (const std::string& field : fields) {
      properties[field] = {
          {"type", "string"}
      };
    }
    const Json schema = schema_with_spec(std::move(properties));
    const Json crd_json = crd("routes", "Route")
                              .group("gateway.networking.k8s.io")
                              .storing("v1", schema)
                              .serving("v1beta1", schema)
                              .build();
    world_.sources.add(bundle_from_documents({version, channel}, {crd_json}, "test").value());
  }
};

TEST_F(BundlesTest, DiffEndsWithThreeWhereSomethingViolatesThePolicy) {
  add_release("v2.5.0", "standard", {"a"});
  add_release("v2.5.1", "standard", {"a", "b"});
  EXPECT_EQ(run({"bundles", "diff", "v2.5.0/standard", "v2.5.1/standard"}), 3) << err();
  EXPECT_TRUE(out_has("v2.5.0/standard -> v2.5.1/standard (patch step)")) << out();
  EXPECT_TRUE(
      out_has("\nroutes.gateway.networking.k8s.io\n"
              "  v1, v1beta1  spec.b  field added: string  VIOLATES P2\n"))
      << out();
  EXPECT_TRUE(out_has("2 changes: 2 against the policy. 0 differences")) << out();
}

TEST_F(BundlesTest, DiffEndsWithZeroWhereNothingDoes) {
  add_release("v2.5.0", "standard", {"a"});
  add_release("v2.5.1", "standard", {"a"});
  add_release("v2.4.0", "standard", {});
  EXPECT_EQ(run({"bundles", "diff", "v2.5.0/standard", "v2.5.1/standard"}), 0) << out();
  EXPECT_TRUE(out_has("0 changes. ")) << out();
  EXPECT_EQ(run({"bundles", "diff", "v2.5.1/standard", "v2.4.0/standard"}), 0) << out();
  EXPECT_TRUE(out_has("(no policy for this step: a downgrade)")) << out();
  EXPECT_TRUE(out_has("spec.a  field removed: string  no rule\n")) << out();
}

TEST_F(BundlesTest, DiffTakesAMinorForItsLastPatch) {
  add_release("v2.4.0", "standard", {});
  add_release("v2.4.1", "standard", {});
  add_release("v2.5.0", "standard", {"a"});
  add_release("v2.4.0", "experimental", {});
  add_release("v2.4.1", "experimental", {"a"});
  EXPECT_EQ(run({"bundles", "diff", "2.4/standard", "v2.5/standard"}), 0) << out();
  EXPECT_TRUE(out_has("v2.4.1/standard -> v2.5.0/standard (minor step)")) << out();
  EXPECT_TRUE(out_has("allowed M6 (was in v2.4.1/experimental)")) << out();
}

TEST_F(BundlesTest, DiffChecksBothChannelsOfARelease) {
  add_release("v2.5.0", "standard", {"a", "b"});
  add_release("v2.5.0", "experimental", {"a"});
  EXPECT_EQ(run({"bundles", "diff", "v2.5.0/standard", "v2.5.0/experimental"}), 3) << err();
  EXPECT_TRUE(out_has("v2.5.0  routes.gateway.networking.k8s.io  v1, v1beta1  spec.b  VIOLATES X1"))
      << out();
  EXPECT_TRUE(out_has("v2.5.0  holds X2")) << out();
  EXPECT_TRUE(out_has("v2.5.0  holds X3")) << out();
  EXPECT_TRUE(out_has("v2.5.0/standard, v2.5.0/experimental  not decidable A2")) << out();
}

TEST_F(BundlesTest, DiffBlamesAStepOnlyForWhatItBrought) {
  add_release("v2.5.0", "standard", {"a", "b", "c"});
  add_release("v2.5.0", "experimental", {"a"});
  add_release("v2.5.1", "standard", {"a", "b", "c"});
  add_release("v2.5.1", "experimental", {"a"});
  EXPECT_EQ(run({"bundles", "diff", "v2.5.0/standard", "v2.5.1/standard"}), 0) << out();
  EXPECT_TRUE(
      out_has("v2.5.0, v2.5.1  routes.gateway.networking.k8s.io  v1, v1beta1  "
              "spec.b, spec.c  VIOLATES X1"))
      << out();
  add_release("v2.5.1", "experimental", {});
  EXPECT_EQ(run({"bundles", "diff", "v2.5.0/standard", "v2.5.1/standard"}), 3) << out();
}

TEST_F(BundlesTest, IdentifySaysWhichBundleIsInstalled) {
  world_.populate(0);
  EXPECT_EQ(run({"bundles", "identify"}), 0) << err();
  EXPECT_TRUE(out_has("Installed: v1.0.0/experimental\n")) << out();
  EXPECT_TRUE(out_has("httproutes.gateway.networking.k8s.io          exact  v1.0.0/experimental\n"))
      << out();
  EXPECT_EQ(run({"bundles", "identify", "-o", "json"}), 0) << err();
  EXPECT_EQ(string_at(output_json(), "from", "version"), "v1.0.0");
  ASSERT_EQ(array_at(output_json(), "installed").size(), 3U);
  EXPECT_EQ(string_at(array_at(output_json(), "installed")[0], "identity"), "Exact");
}

TEST_F(BundlesTest, IdentifyOfNothingSaysSo) {
  EXPECT_EQ(run({"bundles", "identify"}), 0) << err();
  EXPECT_EQ(out(), "Installed: no Gateway API\n");
  EXPECT_EQ(run({"bundles", "identify", "-o", "json"}), 0) << err();
  EXPECT_TRUE(array_at(output_json(), "installed").empty()) << out();
}

TEST_F(BundlesTest, IdentifyLooksAtAFileInPlaceOfTheCluster) {
  const TemporaryDirectory directory;
  directory.write("crds.yaml", crd_yaml("httproutes", "v1.1.1") + crd_yaml("areas", ""));
  const std::string file = (directory.path() / "crds.yaml").string();
  EXPECT_EQ(run({"bundles", "identify", "--file", file}), 0) << err();
  EXPECT_TRUE(out_has("Holds: no known bundle\n")) << out();
  EXPECT_TRUE(
      out_has("httproutes.gateway.networking.k8s.io  MODIFIED  none known; names "
              "v1.1.1/experimental\n"))
      << out();
  EXPECT_TRUE(out_has("areas.gateway.networking.k8s.io       UNKNOWN   none known; names none\n"))
      << out();
}

TEST_F(BundlesTest, DiffIsReadByPrograms) {
  add_release("v2.5.0", "standard", {"a"});
  add_release("v2.5.1", "standard", {"a", "b"});
  EXPECT_EQ(run({"bundles", "diff", "v2.5.0/standard", "v2.5.1/standard", "-o", "json"}), 3);
  const Json json = output_json();
  ASSERT_EQ(array_at(json, "changes").size(), 2U) << out();
  const Json& change = array_at(json, "changes")[0];
  EXPECT_EQ(string_at(change, "kind"), "FieldAdded");
  EXPECT_EQ(string_at(change, "path"), "spec.b");
  EXPECT_EQ(string_at(array_at(change, "verdicts")[0], "rule"), "P2");
  EXPECT_EQ(int_at(json, 0, "summary", "violations"), 2);
  EXPECT_EQ(run({"bundles", "diff", "v2.5.0/standard", "v2.5.1/standard", "-o", "yaml"}), 3);
  EXPECT_EQ(string_at(parse_yaml(out(), "out").value().front(), "step"), "Patch");
}

TEST_F(BundlesTest, DiffOfWhatNobodyHasFailsAndNamesIt) {
  add_release("v2.5.0", "standard", {"a"});
  EXPECT_EQ(run({"bundles", "diff", "v2.5.0/standard", "v2.5.9/standard"}), 1);
  EXPECT_TRUE(err_has("v2.5.9/standard")) << err();
  EXPECT_EQ(run({"bundles", "diff", "v2.5.0/standard"}), 2);
  EXPECT_EQ(run({"bundles", "diff", "v2.5.0/standard", "v2.5.9"}), 1);
}

TEST_F(BundlesTest, DiffShowsControlCharactersOfABundleAsText) {
  add_release("v2.5.0", "standard", {"a"});
  add_release("v2.5.1", "standard", {"a", "\x1b[2J"});
  EXPECT_EQ(run({"bundles", "diff", "v2.5.0/standard", "v2.5.1/standard"}), 3);
  EXPECT_FALSE(out_has("\x1b")) << out();
}

TEST_F(BundlesTest, VerifyEndsWithOneWhereABundleDiffers) {
  const TemporaryDirectory directory;
  directory.write("v1.1.1/standard/a.yaml", crd_yaml("routes"));
  const std::string path = directory.path().string();
  EXPECT_EQ(run({"bundles", "verify", "--bundles", path}), 0) << err();
  EXPECT_TRUE(out_has("unpinned  v1.1.1/standard")) << out();
  directory.write("catalogue.json", R"({"bundles": [{"version": "v1.1.1", "channels":
                                       {"standard": {"sha256": "00"}}}]})");
  EXPECT_EQ(run({"bundles", "verify", "--bundles", path}), 1);
  EXPECT_TRUE(out_has("DIFFERS   v1.1.1/standard  " + path)) << out();
  EXPECT_EQ(run({"bundles", "verify", "--bundles", path, "-o", "json"}), 1);
  EXPECT_EQ(string_at(output_json()[0], "state"), "Differs");
}

}  // namespace
}  // namespace gatelift
