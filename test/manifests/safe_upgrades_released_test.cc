// SPDX-License-Identifier: Apache-2.0
// The admission policies of the released bundles are recognised for what they are.
#include <gtest/gtest.h>

#include <set>

#include "reconcilers/admission/safe_upgrades.h"
#include "test/manifests/released_bundles.h"

namespace gatelift {
namespace {

std::string variant_of(const Bundle& bundle) {
  const std::vector<PolicyManifests> policies = policies_of(bundle.policy_manifests);
  if (policies.empty()) return "none";
  std::vector<const Json*> bindings;
  for (const Json& binding : policies.front().bindings) bindings.push_back(&binding);
  const SafeUpgradesVariant* variant = variant_in_force(policies.front().policy, bindings);
  if (policies.size() > 1 || policies.front().name() != kSafeUpgrades) return "another policy";
  return variant == nullptr ? "not recognised" : std::string(variant->name);
}

std::string expected_for(const BundleRef& ref) {
  if (ref.version.starts_with("v1.5.")) return "v1.5";
  if (ref.version.starts_with("v1.6.")) return "v1.6/" + ref.channel;
  return "none";
}

TEST(ReleasedSafeUpgrades, AreRecognisedInEveryBundle) {
  const BundleSources sources({released_bundles()});
  std::set<std::string> seen;
  for (const BundleSources::Entry& entry : sources.list()) {
    SCOPED_TRACE(entry.ref.display());
    const auto bundle = sources.load(entry.ref);
    ASSERT_TRUE(bundle) << bundle.error().message;
    const std::string variant = variant_of(*bundle);
    EXPECT_EQ(variant, expected_for(entry.ref));
    seen.insert(variant);
  }
  EXPECT_EQ(seen, (std::set<std::string>{"none", "v1.5", "v1.6/experimental", "v1.6/standard"}));
}

}  // namespace
}  // namespace gatelift
