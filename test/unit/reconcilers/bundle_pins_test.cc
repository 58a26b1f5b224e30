// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "reconcilers/bundle/digest.h"
#include "reconcilers/bundle/pins.h"
#include "test/unit/reconcilers/bundle_fixture.h"

namespace gatelift {
namespace {

std::string hex(const std::string& bytes) { return sha256(bytes).substr(7); }

class PinsTest : public ::testing::Test {
 protected:
  PinsTest() {
    directory_.write("v1.1.1/standard/a.yaml", "first");
    directory_.write("v1.1.1/standard/b.yaml", "second");
  }

  /// Pins the two files as they are made above.
  void write_catalogue(const std::string& version = "v1.1.1") {
    const std::string lines =
        std::string("a.yaml") + '\0' + hex("first") + "\n" + "b.yaml" + '\0' + hex("second") + "\n";
    directory_.write("catalogue.json", R"({"bundles": [{"version": ")" + version +
                                           R"(", "channels": {"standard": {"sha256": ")" +
                                           hex(lines) + R"("}}}]})");
  }

  /// "Ok v1.1.1/standard", one line per bundle.
  std::string states() {
    std::string text;
    const auto checks = check_pins(directory_.path());
    if (!checks) return checks.error().message;
    for (const PinCheck& check : *checks) {
      text += std::string(to_string(check.state)) + " " + check.ref.display() + "\n";
    }
    return text;
  }

  std::string problem() { return check_pins(directory_.path()).value().front().problem; }

  TemporaryDirectory directory_;
};

TEST_F(PinsTest, ABundleAsPinnedIsOk) {
  write_catalogue();
  EXPECT_EQ(states(), "Ok v1.1.1/standard\n");
}

TEST_F(PinsTest, AChangedFileDiffers) {
  write_catalogue();
  directory_.write("v1.1.1/standard/b.yaml", "second, and more");
  EXPECT_EQ(states(), "Differs v1.1.1/standard\n");
  EXPECT_NE(problem().find("a.yaml, b.yaml"), std::string::npos) << problem();
}

TEST_F(PinsTest, NamesTheFileThatDoesNotBelong) {
  write_catalogue();
  directory_.write("v1.1.1/standard/ab.txt", "what is it");
  EXPECT_EQ(states(), "Differs v1.1.1/standard\n");
  EXPECT_EQ(problem(), "ab.txt does not belong to it");
}

TEST_F(PinsTest, WhatTheCatalogueSaysOfCrdsIsComputedAnew) {
  const std::string text = crd_yaml("routes");
  directory_.write("v1.2.0/standard/routes.yaml", text);
  const auto catalogue = [&](const std::string& crds) {
    directory_.write("catalogue.json",
                     R"({"bundles": [{"version": "v1.2.0", "channels": {"standard": {"sha256": ")" +
                         hex(std::string("routes.yaml") + '\0' + hex(text) + "\n") +
                         R"(", "crds": )" + crds + "}}}]}");
  };
  const std::string digest =
      BundleSources({directory_.path()}).load({"v1.2.0", "standard"})->crds.front().summary.digest;
  const std::string name = R"({"routes.gateway.networking.k8s.io": )";
  catalogue(name + R"({"digest": ")" + digest + R"(", "versions": ["v1"]}})");
  EXPECT_EQ(states(), "Unpinned v1.1.1/standard\nOk v1.2.0/standard\n");

  const auto last_problem = [&] { return check_pins(directory_.path()).value().back().problem; };
  catalogue(name + R"({"digest": "sha256:00", "versions": ["v1"]}})");
  EXPECT_NE(last_problem().find("has spec digest " + digest), std::string::npos) << last_problem();
  catalogue(name + R"({"digest": ")" + digest + R"(", "versions": ["v1", "v2"]}})");
  EXPECT_NE(last_problem().find("has other versions"), std::string::npos) << last_problem();
  catalogue(R"({"areas.gateway.networking.k8s.io": {"digest": "sha256:00", "versions": []}})");
  EXPECT_NE(last_problem().find("says nothing of it"), std::string::npos) << last_problem();
}

TEST_F(PinsTest, AMissingFileOrAnotherNameDiffers) {
  write_catalogue();
  std::filesystem::rename(directory_.path() / "v1.1.1/standard/a.yaml",
                          directory_.path() / "v1.1.1/standard/c.yaml");
  EXPECT_EQ(states(), "Differs v1.1.1/standard\n");
  std::filesystem::remove(directory_.path() / "v1.1.1/standard/c.yaml");
  EXPECT_EQ(states(), "Differs v1.1.1/standard\n");
  std::filesystem::remove(directory_.path() / "v1.1.1/standard/b.yaml");
  EXPECT_EQ(problem(), "there is no file in it");
  std::filesystem::remove(directory_.path() / "v1.1.1/standard");
  EXPECT_EQ(problem(), "there is no such directory");
}

TEST_F(PinsTest, TellsWhatNobodyPinsAndWhatIsNotHere) {
  write_catalogue("v1.2.0");
  EXPECT_EQ(states(), "Unpinned v1.1.1/standard\nAbsent v1.2.0/standard\n");
  std::filesystem::remove(directory_.path() / "catalogue.json");
  EXPECT_EQ(states(), "Unpinned v1.1.1/standard\n");
}

TEST_F(PinsTest, ACatalogueThatCannotBeReadPinsNothingAndSaysSo) {
  directory_.write("catalogue.json", "{\"bundles\": [");
  EXPECT_NE(states().find("catalogue.json"), std::string::npos) << states();
}

TEST_F(PinsTest, ReadsADirectoryInABundleAsAProblem) {
  write_catalogue();
  directory_.write("v1.1.1/standard/more/c.yaml", "third");
  EXPECT_EQ(states(), "Differs v1.1.1/standard\n");
  EXPECT_NE(problem().find("more"), std::string::npos) << problem();
}

}  // namespace
}  // namespace gatelift
