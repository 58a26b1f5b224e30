// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/plan/installed_state.h"

#include <gtest/gtest.h>

#include "test/support/builders.h"

namespace gatelift {
namespace {

const std::string kGroup = "gateway.networking.k8s.io";

/// A CRD whose content is `content`, and which says that it is of `says`.
Json crd_of(const std::string& plural, const std::string& content, const std::string& says = "",
            const std::string& channel = "experimental") {
  CrdBuilder builder = crd(plural, "Kind")
                           .group(kGroup)
                           .storing("v1", schema_with_spec({
                                              {content, {{"type", "string"}}}
  }));
  if (!says.empty()) {
    builder.annotation("gateway.networking.k8s.io/bundle-version", says)
        .annotation("gateway.networking.k8s.io/channel", channel);
  }
  return builder.build();
}

Bundle bundle(const std::string& version, const std::vector<Json>& crds,
              const std::string& channel = "experimental") {
  return bundle_from_documents({version, channel}, crds, "test").value();
}

class InstalledStateTest : public ::testing::Test {
 protected:
  InstalledStateTest() {
    // As upstream's releases: c goes, d comes, b stays as it is, and v1.2.1 is v1.2.0 again.
    sources_.add(bundle("v1.1.0", {crd_of("a", "a11"), crd_of("b", "b"), crd_of("c", "c")}));
    sources_.add(bundle("v1.2.0", {crd_of("a", "a12"), crd_of("b", "b"), crd_of("c", "c")}));
    sources_.add(bundle("v1.2.1", {crd_of("a", "a12"), crd_of("b", "b"), crd_of("c", "c")}));
    sources_.add(bundle("v1.3.0", {crd_of("a", "a13"), crd_of("b", "b"), crd_of("d", "d")}));
    sources_.add(bundle("v1.3.0", {crd_of("a", "standard"), crd_of("b", "b")}, "standard"));
  }

  void install(const std::vector<Json>& crds) {
    for (const Json& each : crds) {
      CrdSummary summary = summarize_crd(each).value();
      installed_.crds.insert_or_assign(summary.name, std::move(summary));
    }
  }

  InstalledState state(const std::optional<BundleRef>& target = std::nullopt) {
    Recogniser recogniser(sources_);
    if (!target) return recognise(installed_, nullptr, recogniser);
    const Bundle bundle = sources_.load(*target).value();
    return recognise(installed_, &bundle, recogniser);
  }

  std::string from(const std::optional<BundleRef>& target = std::nullopt) {
    return state(target).from.display();
  }

  /// "a Exact v1.2.0 v1.2.1", one line per CRD.
  static std::string lines(const InstalledState& state) {
    std::string text;
    for (const InstalledCrd& crd : state.crds) {
      text += crd.crd.substr(0, 1) + " " + std::string(to_string(crd.identity));
      for (const BundleRef& ref : crd.bundles) text += " " + ref.version;
      text += crd.orphaned ? " orphaned\n" : "\n";
    }
    return text;
  }

  BundleSources sources_{{}};
  Installed installed_;
};

TEST_F(InstalledStateTest, IsTheBundleThatHasEveryCrdExactlyWhateverTheySay) {
  install({crd_of("a", "a13", "v1.1.0"), crd_of("b", "b"), crd_of("d", "d", "v9.9.9")});
  EXPECT_EQ(from(), "v1.3.0/experimental");
  EXPECT_EQ(lines(state()),
            "a Exact v1.3.0\n"
            "b Exact v1.1.0 v1.2.0 v1.2.1 v1.3.0 v1.3.0\n"
            "d Exact v1.3.0\n");
}

TEST_F(InstalledStateTest, OfEqualBundlesTakesTheOneThatTheCrdsNameElseTheLast) {
  install({crd_of("a", "a12"), crd_of("b", "b"), crd_of("c", "c")});
  EXPECT_EQ(from(), "v1.2.1/experimental");
  install({crd_of("a", "a12", "v1.2.0"), crd_of("b", "b", "v1.1.0")});
  EXPECT_EQ(from(), "v1.2.0/experimental");
  install({crd_of("a", "a12", "v1.3.0"), crd_of("b", "b", "v1.3.0")});
  EXPECT_EQ(from(), "v1.2.1/experimental");
}

TEST_F(InstalledStateTest, AbsentCrdsProveNothing) {
  install({crd_of("a", "a13", "v1.3.0")});
  EXPECT_EQ(from(), "v1.3.0/experimental");
  installed_.crds.clear();
  install({crd_of("b", "b", "v1.1.0")});
  EXPECT_EQ(from(), "v1.1.0/experimental");
}

TEST_F(InstalledStateTest, WhatAnUpgradeLeftBehindIsOrphaned) {
  install({crd_of("a", "a13", "v1.3.0"), crd_of("b", "b", "v1.3.0"), crd_of("c", "c", "v1.2.0")});
  EXPECT_EQ(from(BundleRef{"v1.3.0", "standard"}), "v1.3.0/experimental");
  EXPECT_EQ(lines(state(BundleRef{"v1.3.0", "standard"})),
            "a Exact v1.3.0\n"
            "b Exact v1.1.0 v1.2.0 v1.2.1 v1.3.0 v1.3.0\n"
            "c Exact v1.1.0 v1.2.0 v1.2.1 orphaned\n");
  EXPECT_EQ(from(), "v1.3.0/experimental");
}

TEST_F(InstalledStateTest, WhatTheTargetHasAndTheInstalledBundleLacksMakesAMix) {
  install({crd_of("a", "standard", "v1.3.0", "standard"), crd_of("b", "b", "v1.3.0", "standard"),
           crd_of("d", "d", "v1.3.0")});
  EXPECT_EQ(from(BundleRef{"v1.3.0", "experimental"}), "mixed");
  EXPECT_EQ(from(BundleRef{"v1.3.0", "standard"}), "v1.3.0/standard");
}

TEST_F(InstalledStateTest, IsMixedWhereAnUpgradeStoppedHalfWay) {
  install({crd_of("a", "a12", "v1.2.1"), crd_of("b", "b", "v1.3.0"), crd_of("c", "c", "v1.2.1"),
           crd_of("d", "d", "v1.3.0")});
  EXPECT_EQ(from(BundleRef{"v1.3.0", "experimental"}), "mixed/experimental");
  Findings findings;
  check_mixed(state(BundleRef{"v1.3.0", "experimental"}), findings);
  Plan plan;
  std::move(findings).move_to(plan, {});
  ASSERT_EQ(plan.checks.size(), 1U);
  EXPECT_EQ(plan.checks.front().code, "MixedBundles");
  EXPECT_NE(
      plan.checks.front().message.find("of v1.2.1/experimental a, b, c; of v1.3.0/experimental d"),
      std::string::npos)
      << plan.checks.front().message;
}

TEST_F(InstalledStateTest, InAMixACrdIsOrphanedThatNoneOfTheBundlesHas) {
  // That b might be of v1.2.1 too does not make that one installed.
  install({crd_of("a", "a13", "v1.3.0"), crd_of("b", "b", "v1.3.0"), crd_of("c", "c", "v1.2.1"),
           crd_of("d", "changed", "v1.3.0")});
  const InstalledState mixed = state(BundleRef{"v1.3.0", "experimental"});
  EXPECT_EQ(mixed.from.display(), "mixed/experimental");
  EXPECT_EQ(lines(mixed),
            "a Exact v1.3.0\n"
            "b Exact v1.1.0 v1.2.0 v1.2.1 v1.3.0 v1.3.0\n"
            "c Exact v1.1.0 v1.2.0 v1.2.1 orphaned\n"
            "d Modified\n");
  EXPECT_FALSE(state().crds.at(2).orphaned);
}

TEST_F(InstalledStateTest, AChangedCrdIsModifiedOrUnknown) {
  install({crd_of("a", "changed", "v1.3.0"), crd_of("b", "changed", "v9.9.9"),
           crd_of("c", "changed", "v1.3.0"), crd_of("d", "changed")});
  EXPECT_EQ(from(), "unknown");
  EXPECT_EQ(lines(state()), "a Modified\nb Unknown\nc Unknown\nd Unknown\n");
  installed_.crds.clear();
  EXPECT_EQ(from(), "none");
}

TEST_F(InstalledStateTest, TwoRestsOfDifferentBundlesAreAMix) {
  install({crd_of("c", "c", "v1.2.1"), crd_of("d", "d", "v1.3.0")});
  EXPECT_EQ(from(), "mixed/experimental");
}

TEST_F(InstalledStateTest, TheNewestIsByContentAndByNameWhereContentSaysNothing) {
  install({crd_of("a", "a12", "v1.9.0"), crd_of("b", "b", "v1.3.0")});
  EXPECT_EQ(newest_of(state().crds)->bundle.display(), "v1.2.0/experimental");
  install({crd_of("d", "changed", "v1.8.0")});
  EXPECT_EQ(newest_of(state().crds)->bundle.display(), "v1.8.0/experimental");
  installed_.crds.clear();
  install({crd_of("a", "changed", "monthly-2026.01"), crd_of("b", "changed")});
  EXPECT_FALSE(newest_of(state().crds).has_value());
}

class ForeignVersionTest : public InstalledStateTest {
 protected:
  /// The check, where there is one.
  std::optional<Check> check(const CrdBuilder& live, const std::vector<std::string>& stored) {
    CrdSummary summary = summarize_crd(live.build()).value();
    summary.stored_versions = stored;
    Recogniser recogniser(sources_);
    Findings findings;
    const Bundle target = sources_.load({"v1.3.0", "experimental"}).value();
    check_foreign_versions(summary, target.crds.front().summary, recogniser, findings);
    Plan plan;
    std::move(findings).move_to(plan, {});
    if (plan.checks.empty()) return std::nullopt;
    return plan.checks.front();
  }
};

TEST_F(ForeignVersionTest, IsNamedWithWhatBecomesOfItsObjects) {
  const auto live = crd("a", "Kind").group(kGroup).storing("v1").serving("v1alpha9");
  const auto unused = check(live, {"v1"});
  ASSERT_TRUE(unused.has_value());
  EXPECT_EQ(unused->code, "ForeignVersion");
  EXPECT_EQ(unused->field, "spec.versions[1].name");
  EXPECT_NE(unused->message.find("no object is stored at it"), std::string::npos);
  EXPECT_NE(check(live, {"v1alpha9", "v1"})->message.find("written again at v1,"),
            std::string::npos);
}

TEST_F(ForeignVersionTest, ObjectsOfAStorageVersionThatGoesAreWrittenAtTheTargets) {
  const auto live = crd("a", "Kind").group(kGroup).storing("v1alpha9");
  EXPECT_NE(check(live, {"v1alpha9"})->message.find("written again at v1,"), std::string::npos);
}

TEST_F(ForeignVersionTest, WhatABundleHasIsNotForeign) {
  EXPECT_FALSE(check(crd("a", "Kind").group(kGroup).storing("v1"), {"v1"}).has_value());
  EXPECT_FALSE(check(crd("x", "Kind").group(kGroup).storing("v7"), {"v7"}).has_value());
}

}  // namespace
}  // namespace gatelift
