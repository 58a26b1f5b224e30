// SPDX-License-Identifier: Apache-2.0
// The commands that only show: status, backup, bundles.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "client/yaml.h"
#include "reconcilers/backup/gzip.h"
#include "test/unit/controller/commands_fixture.h"

namespace gatelift {
namespace {

namespace fs = std::filesystem;

class ShowTest : public CommandsTest {
 protected:
  ~ShowTest() override {
    std::error_code ignored;
    if (!directory_.empty()) fs::remove_all(directory_, ignored);
  }

  /// A path that does not exist yet.
  fs::path new_path() {
    std::string pattern = (fs::temp_directory_path() / "gatelift-XXXXXX").string();
    EXPECT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    return directory_ / "export";
  }

  std::string backup_ref() { return string_at(world_.migration(kName), "status", "backup", "ref"); }

  /// Flips one byte in a chunk of the backup, and returns the name of its Secret.
  std::string damage_backup() {
    for (const ObjectKey& key : world_.cluster.stored_keys(resources::kSecrets)) {
      Json secret = get(world_.cluster, resources::kSecrets, key).value();
      if (!secret.contains("data") || !secret["data"].contains("documents.yaml.gz")) continue;
      std::string bytes = base64_decode(string_at(secret, "data", "documents.yaml.gz")).value();
      bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
      secret["data"]["documents.yaml.gz"] = base64_encode(bytes);
      world_.cluster.seed(resources::kSecrets, secret);
      return key.name;
    }
    ADD_FAILURE() << "no chunk found";
    return "";
  }

  fs::path directory_;
};

TEST_F(ShowTest, StatusListsWhatKubectlLists) {
  EXPECT_EQ(run({"status"}), 0);
  EXPECT_EQ(out(), "");
  EXPECT_TRUE(err_has("No migrations found."));
  world_.populate(5);
  ASSERT_EQ(migrate(), 0) << err();
  EXPECT_EQ(run({"status"}), 0);
  std::istringstream lines(out());
  std::string header;
  std::string row;
  std::getline(lines, header);
  std::getline(lines, row);
  std::vector<std::string> titles;
  for (std::istringstream words(header); words >> titles.emplace_back();) {
  }
  titles.pop_back();
  EXPECT_EQ(titles, (std::vector<std::string>{"NAME", "PHASE", "FROM", "TO", "STRATEGY", "PROGRESS",
                                              "READY", "AGE"}));
  for (const char* cell :
       {"to-v1-1-1-experimental", "Done", "v1.0.0", "v1.1.1", "Recreate", "True"}) {
    EXPECT_NE(row.find(cell), std::string::npos) << row;
  }
}

TEST_F(ShowTest, StatusOfOneTellsAllThatIsBehindTheCounts) {
  world_.populate(5);
  ASSERT_EQ(migrate(), 0) << err();
  EXPECT_EQ(run({"status", kName}), 0) << err();
  for (const std::string& wanted :
       {std::string("Phase:     Done"), std::string("Ready"),
        std::string("backendtlspolicies.gateway.networking.k8s.io"),
        std::string("Backup:    ") + backup_ref(), std::string("Absent:"),
        std::string("BackendTLSPolicy/a/policy-0"),
        std::string("ConfigMap gatelift-system/to-v1-1-1-experimental-report")}) {
    EXPECT_TRUE(out_has(wanted)) << wanted << "\n" << out();
  }
  EXPECT_EQ(run({"status", "absent"}), 1);
  EXPECT_TRUE(err_has("absent")) << err();
}

TEST_F(ShowTest, StatusIsReadByPrograms) {
  world_.populate(2);
  ASSERT_EQ(migrate(), 0) << err();
  EXPECT_EQ(run({"status", "-o", "json"}), 0);
  EXPECT_EQ(array_at(output_json(), "items").size(), 1U) << out();
  EXPECT_EQ(run({"status", kName, "-o", "yaml"}), 0);
  const Json object = parse_yaml(out(), "out").value().front();
  EXPECT_EQ(string_at(object, "status", "phase"), "Done");
  EXPECT_FALSE(object["metadata"].contains("managedFields"));
}

TEST_F(ShowTest, StatusWatchesUntilItIsInterrupted) {
  world_.populate(2);
  ASSERT_EQ(migrate(), 0) << err();
  stop_.request_stop();
  EXPECT_EQ(run({"status", "--watch"}), 130);
  const std::string text = out();
  EXPECT_TRUE(text.starts_with("NAME ")) << text;
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2) << text;
}

TEST_F(ShowTest, BackupsAreListedShownAndVerified) {
  EXPECT_EQ(run({"backup", "list"}), 0);
  EXPECT_TRUE(err_has("No backups found"));
  world_.populate(5);
  ASSERT_EQ(migrate(), 0) << err();
  EXPECT_EQ(run({"backup", "list"}), 0);
  EXPECT_TRUE(out_has(backup_ref())) << out();
  EXPECT_EQ(run({"backup", "show"}), 0) << err();
  EXPECT_TRUE(out_has("BackendTLSPolicy/a/policy-0")) << out();
  EXPECT_EQ(run({"backup", "verify"}), 0);
  EXPECT_TRUE(out_has("ok   " + backup_ref())) << out();
  EXPECT_EQ(run({"backup", "show", "absent"}), 1);
  EXPECT_TRUE(err_has("absent")) << err();
}

TEST_F(ShowTest, VerifyNamesTheSecretThatIsBadAndExitsWithOne) {
  world_.populate(5);
  ASSERT_EQ(migrate(), 0) << err();
  const std::string secret = damage_backup();
  EXPECT_EQ(run({"backup", "verify"}), 1);
  EXPECT_TRUE(out_has("BAD  ")) << out();
  EXPECT_TRUE(out_has(secret)) << out();
}

TEST_F(ShowTest, ExportWritesEachDocumentOnceAndNeverOverAnother) {
  world_.populate(5);
  ASSERT_EQ(migrate(), 0) << err();
  const fs::path target = new_path();
  EXPECT_EQ(run({"backup", "export", target.string()}), 0) << err();
  const fs::path original = target / "original" / "BackendTLSPolicy.a.policy-0.yaml";
  const fs::path intended = target / "intended" / "BackendTLSPolicy.a.policy-0.yaml";
  std::ifstream file(original);
  std::stringstream text;
  text << file.rdbuf();
  const auto documents = parse_yaml(text.str(), original.string());
  ASSERT_TRUE(documents) << out();
  EXPECT_EQ(string_at(documents->front(), "apiVersion"), "gateway.networking.k8s.io/v1alpha2");
  EXPECT_FALSE(uid_of(documents->front()).empty()) << "whole, as it was";
  EXPECT_TRUE(fs::exists(intended));
  EXPECT_TRUE(fs::exists(target / "crd" / "backendtlspolicies.gateway.networking.k8s.io.yaml"));
  EXPECT_EQ(run({"backup", "export", target.string()}), 1);
  EXPECT_TRUE(err_has("is not empty")) << err();
}

TEST_F(ShowTest, BundlesShowVersionsAndDigest) {
  EXPECT_EQ(run({"bundles", "list"}), 0);
  EXPECT_TRUE(out_has("v1.1.1/experimental")) << out();
  EXPECT_EQ(run({"bundles", "show", "v1.1.1/experimental"}), 0) << err();
  EXPECT_TRUE(out_has("v1 (storage), v1beta1")) << out();
  EXPECT_TRUE(out_has("sha256:"));
  EXPECT_EQ(run({"bundles", "show", "v1.1.1/experimental", "-o", "json"}), 0);
  EXPECT_EQ(array_at(output_json(), "crds").size(), 4U);
  EXPECT_EQ(run({"bundles", "show", "v7.0.0/experimental"}), 1);
  EXPECT_EQ(run({"bundles", "show"}), 1);
}

TEST(Age, IsWrittenAsKubectlDoes) {
  const Time now{std::chrono::seconds(1'700'000'000)};
  const auto age = [now](std::chrono::seconds old) {
    return age_text(format_time(now - old), now);
  };
  EXPECT_EQ(age(std::chrono::seconds(5)), "5s");
  EXPECT_EQ(age(std::chrono::minutes(3)), "3m");
  EXPECT_EQ(age(std::chrono::hours(7)), "7h");
  EXPECT_EQ(age(std::chrono::hours(24 * 9)), "9d");
  EXPECT_EQ(age(std::chrono::seconds(-3)), "0s") << "clocks differ";
  EXPECT_EQ(age_text("", now), "<unknown>");
}

}  // namespace
}  // namespace gatelift
