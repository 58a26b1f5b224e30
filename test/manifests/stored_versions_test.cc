// SPDX-License-Identifier: Apache-2.0
// Which CRDs of a bundle the API server refuses for their stored versions, for every pair of nine
// releases in both channels. The tables were made by other means than this program, of the same
// releases.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "reconcilers/bundle/bundle.h"
#include "reconcilers/plan/plan.h"
#include "test/manifests/released_bundles.h"

namespace gatelift {
namespace {

/// How the tables abbreviate what stands in the way: a CRD's stored version.
const std::map<std::pair<std::string, std::string>, char> kLetters = {
    {{"referencegrants", "v1alpha2"},    'R'},
    {{"grpcroutes", "v1alpha2"},         'G'},
    {{"backendtlspolicies", "v1alpha2"}, 'B'},
    {{"gatewayclasses", "v1"},           'C'},
    {{"gateways", "v1"},                 'C'},
    {{"httproutes", "v1"},               'C'},
    {{"grpcroutes", "v1"},               'g'},
    {{"backendtlspolicies", "v1alpha3"}, 'b'},
    {{"backendtlspolicies", "v1"},       'p'},
    {{"tlsroutes", "v1alpha3"},          'l'},
    {{"tlsroutes", "v1"},                't'},
    {{"tcproutes", "v1"},                'c'},
    {{"udproutes", "v1"},                'u'},
};

struct Table {
  std::vector<std::string> columns;
  std::vector<std::pair<std::string, std::vector<std::string>>> rows;
};

Table read_table(const std::string& name) {
  std::ifstream file(std::string(GATELIFT_TESTDATA) + "/stored_versions/" + name);
  Table table;
  std::string line;
  std::string cell;
  std::getline(file, line);
  std::istringstream header(line);
  header >> cell;
  while (header >> cell) table.columns.push_back(cell);
  while (std::getline(file, line)) {
    std::istringstream words(line);
    words >> cell;
    table.rows.push_back({cell, {}});
    while (words >> cell) table.rows.back().second.push_back(cell);
  }
  return table;
}

class StoredVersions : public ::testing::Test {
 protected:
  const Bundle& bundle(const std::string& name) {
    auto known = bundles_.find(name);
    if (known == bundles_.end()) {
      auto loaded = sources_.load(released_ref(name));
      if (!loaded) throw std::runtime_error(loaded.error().message);
      for (BundleCrd& crd : loaded->crds) crd.manifest.clear();
      known = bundles_.emplace(name, *std::move(loaded)).first;
    }
    return known->second;
  }

  /// What a cluster holds where only this bundle was ever installed.
  Installed installed(const std::string& name) { return after(name, Installed()); }

  /// What applying a bundle makes of a cluster. Stored versions that it would be refused for are
  /// pruned first.
  Installed after(const std::string& name, Installed before) {
    for (const BundleCrd& crd : bundle(name).crds) {
      CrdSummary live = crd.summary;
      if (const CrdSummary* old = before.crd(crd.summary.name))
        live.stored_versions = old->stored_versions;
      std::erase_if(live.stored_versions,
                    [&](const std::string& version) { return live.version(version) == nullptr; });
      const std::string storage = live.storage_version();
      if (std::ranges::find(live.stored_versions, storage) == live.stored_versions.end()) {
        live.stored_versions.push_back(storage);
      }
      live.established = true;
      before.crds[live.name] = std::move(live);
    }
    return before;
  }

  /// Every release of the channel up to this one, from the oldest of the table on.
  Installed since_the_first(const std::string& name, const Table& table) {
    Installed cluster;
    for (const auto& [release, cells] : table.rows) {
      if (release.front() != name.front()) continue;
      cluster = after(release, std::move(cluster));
      if (release == name) break;
    }
    return cluster;
  }

  /// The plan's verdict, in the letters of the tables.
  std::string verdict(const Installed& cluster, const std::string& to) {
    std::set<char> letters;
    for (const PlannedAction& action : plan_actions(cluster, bundle(to), Strategy::Recreate)) {
      const BundleCrd* target = bundle(to).crd(action.crd);
      if (target == nullptr) continue;
      for (const std::string& version : target->summary.lacking(action.stored_versions)) {
        letters.insert(kLetters.at({target->summary.plural, version}));
      }
    }
    return letters.empty() ? "." : std::string(letters.begin(), letters.end());
  }

  static std::string sorted(std::string letters) {
    std::ranges::sort(letters);
    return letters;
  }

 private:
  BundleSources sources_{{released_bundles()}};
  std::map<std::string, Bundle> bundles_;
};

TEST_F(StoredVersions, StandInTheWayAsTheTableOfSingleReleasesSays) {
  const Table table = read_table("direct.txt");
  ASSERT_EQ(table.rows.size(), 18U);
  int failing = 0;
  for (const auto& [from, cells] : table.rows) {
    ASSERT_EQ(cells.size(), table.columns.size());
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (cells[i] == "=") continue;
      SCOPED_TRACE(from + " to " + table.columns[i]);
      const std::string found = verdict(installed(from), table.columns[i]);
      EXPECT_EQ(found, sorted(cells[i]));
      failing += found == "." ? 0 : 1;
    }
  }
  EXPECT_EQ(failing, 125) << "of 306 pairs";
}

TEST_F(StoredVersions, StandInTheWayAsTheTableOfLongHistoriesSays) {
  const Table table = read_table("since_v0_6.txt");
  int failing = 0;
  for (const auto& [from, cells] : table.rows) {
    const Installed cluster = since_the_first(from, table);
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (cells[i] == "=") continue;
      SCOPED_TRACE(from + " to " + table.columns[i]);
      const std::string found = verdict(cluster, table.columns[i]);
      EXPECT_EQ(found, sorted(cells[i]));
      failing += found == "." ? 0 : 1;
    }
  }
  EXPECT_EQ(failing, 165) << "of 306 pairs";
}

}  // namespace
}  // namespace gatelift
