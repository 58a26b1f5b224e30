// SPDX-License-Identifier: Apache-2.0
// Versions of bundles as people write them and as releases are ordered.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

namespace gatelift {

/// "v1.4.0", or with a pre-release ("v1.5.0-rc.1"), or a minor alone ("v1.4"), with or without the
/// "v".
struct BundleVersion {
  int major = 0;
  int minor = 0;
  std::optional<int> patch;  // none in "v1.4", which stands for all of its patches
  std::string pre_release;

  bool same_minor(const BundleVersion& other) const {
    return major == other.major && minor == other.minor;
  }
  std::string minor_text() const {
    return "v" + std::to_string(major) + "." + std::to_string(minor);
  }
};

/// nullopt for names that are no such version, for instance "monthly-2026.01".
std::optional<BundleVersion> parse_bundle_version(std::string_view text);

/// Numerically, a pre-release before its release; names that are no versions come before all
/// versions.
std::strong_ordering compare_bundle_versions(std::string_view a, std::string_view b);

}  // namespace gatelift
