// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/bundle/bundle_diff.h"

#include <gtest/gtest.h>

#include "test/support/builders.h"

namespace gatelift {
namespace {

constexpr const char* kGroup = "gateway.networking.k8s.io";

CrdBuilder routes() { return crd("routes", "Route").group(kGroup); }

Bundle bundle(const std::vector<Json>& documents) {
  return bundle_from_documents({"v1.1.0", "standard"}, documents, "test").value();
}

/// "Kind version path: detail" of each change; all of them are of the same CRD.
std::string lines(const BundleDiff& diff) {
  std::string text;
  for (const Change& change : diff.changes) {
    text += std::string(to_string(change.kind)) + " " + change.version + " " + change.path + ": " +
            change.detail + "\n";
  }
  return text;
}

std::string lines(const CrdBuilder& from, const CrdBuilder& to) {
  return lines(diff_bundles(bundle({from.build()}), bundle({to.build()})));
}

TEST(BundleDiff, OfABundleAndItselfIsEmpty) {
  const Bundle same = bundle({routes().storing("v1").build()});
  const BundleDiff diff = diff_bundles(same, same);
  EXPECT_TRUE(diff.changes.empty());
  EXPECT_EQ(diff.documentation, 0U);
}

TEST(BundleDiff, NamesCrdsThatCameAndWentInOrder) {
  const Json kept = crd("keeps", "Keep").group(kGroup).storing("v1").build();
  const Json gone = crd("zones", "Zone").group(kGroup).storing("v1").build();
  const Json came = crd("areas", "Area").group(kGroup).storing("v1").unserved("v1alpha2").build();
  const BundleDiff diff = diff_bundles(bundle({kept, gone}), bundle({came, kept}));
  ASSERT_EQ(diff.changes.size(), 2U);
  EXPECT_EQ(diff.changes[0].kind, ChangeKind::CrdAdded);
  EXPECT_EQ(diff.changes[0].crd, "areas.gateway.networking.k8s.io");
  EXPECT_EQ(diff.changes[0].detail, "v1 (served, storage), v1alpha2 (not served)");
  EXPECT_EQ(diff.changes[1].kind, ChangeKind::CrdRemoved);
  EXPECT_EQ(diff.changes[1].crd, "zones.gateway.networking.k8s.io");
}

TEST(BundleDiff, TellsAVersionsWayOut) {
  EXPECT_EQ(
      lines(routes().storing("v1beta1").serving("v1"), routes().unserved("v1beta1").storing("v1")),
      "StorageMoved v1 : v1beta1 -> v1\n"
      "Unserved v1beta1 : served, storage -> not served\n");
  EXPECT_EQ(lines(routes().storing("v1").unserved("v1beta1"), routes().storing("v1").serving("v2")),
            "VersionRemoved v1beta1 : was not served\nVersionAdded v2 : served\n");
}

TEST(BundleDiff, SeesDeprecationAndCountsItsText) {
  const Json before = routes().storing("v1").build();
  Json after = before;
  after["spec"]["versions"][0]["deprecated"] = true;
  after["spec"]["versions"][0]["deprecationWarning"] = "use v2";
  const BundleDiff diff = diff_bundles(bundle({before}), bundle({after}));
  EXPECT_EQ(lines(diff), "Deprecated v1 : served, storage -> served, storage, deprecated\n");
  EXPECT_EQ(diff.documentation, 1U);
  EXPECT_EQ(diff_bundles(bundle({after}), bundle({before})).changes.front().kind,
            ChangeKind::Undeprecated);
}

TEST(BundleDiff, SeesSubresourcesAndColumns) {
  EXPECT_EQ(lines(routes().storing("v1"), routes().without_status_subresource().storing("v1")),
            "SubresourceRemoved v1 subresources.status: \n");
  Json with_columns = routes().storing("v1").build();
  with_columns["spec"]["versions"][0]["additionalPrinterColumns"] = {
      {{"name", "Age"}, {"type", "date"}, {"jsonPath", ".metadata.creationTimestamp"}}
  };
  EXPECT_EQ(lines(diff_bundles(bundle({routes().storing("v1").build()}), bundle({with_columns}))),
            "ColumnsChanged v1 : none -> Age\n");
}

TEST(BundleDiff, ComparesOnlyVersionsThatBothHave) {
  const Json wide = schema_with_spec({
      {"a", {{"type", "string"}}},
      {"b", {{"type", "string"}}}
  });
  const Json narrow = schema_with_spec({
      {"a", {{"type", "string"}}}
  });
  EXPECT_EQ(lines(routes().storing("v1", narrow), routes().storing("v1", wide)),
            "FieldAdded v1 spec.b: string\n");
  EXPECT_EQ(
      lines(routes().storing("v1", narrow), routes().storing("v1", narrow).serving("v2", wide)),
      "VersionAdded v2 : served\n");
}

TEST(BundleDiff, SeesWhatIsNoVersions) {
  Json other = routes().storing("v1").build();
  other["spec"]["names"]["shortNames"] = {"rt"};
  other["metadata"]["labels"]["gateway.networking.k8s.io/policy"] = "Direct";
  other["metadata"]["annotations"]["gateway.networking.k8s.io/bundle-version"] = "v9.9.9";
  const BundleDiff diff = diff_bundles(bundle({routes().storing("v1").build()}), bundle({other}));
  ASSERT_EQ(diff.changes.size(), 2U) << lines(diff);
  EXPECT_EQ(diff.changes[0].path, "spec.names");
  EXPECT_EQ(diff.changes[1].path, "metadata.labels");
}

TEST(BundleDiff, SeesTheAdmissionPolicy) {
  const auto policy = [](const std::string& rule) -> Json {
    return {
        {"apiVersion", "admissionregistration.k8s.io/v1"},
        {"kind",       "ValidatingAdmissionPolicy"      },
        {"metadata",   {{"name", "safe-upgrades"}}      },
        {"spec",       {{"rule", rule}}                 }
    };
  };
  const Json route = routes().storing("v1").build();
  const BundleDiff diff =
      diff_bundles(bundle({route, policy("old")}), bundle({route, policy("new")}));
  ASSERT_EQ(diff.changes.size(), 1U);
  EXPECT_EQ(diff.changes[0].crd, "ValidatingAdmissionPolicy/safe-upgrades");
  EXPECT_EQ(diff.changes[0].detail, "rewritten");
  EXPECT_EQ(lines(diff_bundles(bundle({route}), bundle({route, policy("new")}))),
            "PolicyChanged  : added\n");
}

}  // namespace
}  // namespace gatelift
