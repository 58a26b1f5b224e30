// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/bundle/release_rules.h"

#include <gtest/gtest.h>

#include "test/support/builders.h"

namespace gatelift {
namespace {

constexpr const char* kVersion = "gateway.networking.k8s.io/bundle-version";
constexpr const char* kChannel = "gateway.networking.k8s.io/channel";

Json routes(const std::string& version, const std::string& channel) {
  return crd("routes", "Route")
      .group("gateway.networking.k8s.io")
      .annotation(kVersion, version)
      .annotation(kChannel, channel)
      .storing("v1")
      .build();
}

Json policy(const std::string& version, const std::string& channel) {
  return {
      {"apiVersion", "admissionregistration.k8s.io/v1"                                         },
      {"kind",       "ValidatingAdmissionPolicy"                                               },
      {"metadata",
       {{"name", "safe-upgrades"}, {"annotations", {{kVersion, version}, {kChannel, channel}}}}}
  };
}

/// "A1 Violates routes metadata…", one line per finding.
std::string lines(const std::vector<Json>& documents, const CataloguedBundle* catalogued) {
  const Bundle bundle =
      bundle_from_documents({"v1.5.0", "experimental"}, documents, "test").value();
  std::string text;
  for (const ReleaseFinding& found : check_release(bundle, catalogued)) {
    EXPECT_EQ(found.release + "/" + found.channel, "v1.5.0/experimental");
    text += std::string(to_string(*found.verdict.rule)) + " " +
            std::string(to_string(found.verdict.ruling)) + " " + found.crd + " " + found.path +
            " (" + found.verdict.why + ")\n";
  }
  return text;
}

TEST(ReleaseRules, EveryDocumentNamesItsBundle) {
  EXPECT_TRUE(lines({routes("v1.5.0", "experimental"), policy("v1.5.0", "experimental")}, nullptr)
                  .starts_with("A1 Allowed   ("));
  const std::string broken =
      lines({routes("v1.4.0", "experimental"), policy("v1.5.0-dev", "standard")}, nullptr);
  EXPECT_TRUE(broken.starts_with(
      "A1 Violates routes.gateway.networking.k8s.io metadata.annotations[" + std::string(kVersion) +
      "] (it says v1.4.0)\n"
      "A1 Violates ValidatingAdmissionPolicy/safe-upgrades metadata.annotations[" +
      std::string(kVersion) +
      "] (it says v1.5.0-dev)\n"
      "A1 Violates ValidatingAdmissionPolicy/safe-upgrades metadata.annotations[" +
      std::string(kChannel) + "] (it says standard)\nA2 "))
      << broken;
}

TEST(ReleaseRules, AnAnnotationThatIsNotThereNamesNothing) {
  const std::string text = lines({routes("", "experimental")}, nullptr);
  EXPECT_NE(text.find("(it has none)"), std::string::npos) << text;
}

TEST(ReleaseRules, KustomizationListsEveryFile) {
  const std::vector<Json> documents{routes("v1.5.0", "experimental")};
  const auto a2 = [&](const CataloguedBundle* catalogued) {
    const std::string text = lines(documents, catalogued);
    return text.substr(text.find("A2"), text.find('(', text.find("A2")) - text.find("A2"));
  };
  CataloguedBundle catalogued;
  EXPECT_EQ(a2(nullptr), "A2 NotDecidable   ");
  EXPECT_EQ(a2(&catalogued), "A2 NotDecidable   ");
  catalogued.not_kustomized.emplace();
  EXPECT_EQ(a2(&catalogued), "A2 Allowed   ");
  catalogued.not_kustomized->emplace_back("routes.yaml");
  EXPECT_EQ(a2(&catalogued), "A2 Violates  routes.yaml ");
}

}  // namespace
}  // namespace gatelift
