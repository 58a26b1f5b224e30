// SPDX-License-Identifier: Apache-2.0
// The released bundles, as scripts/fetch-bundles leaves them.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

#include "reconcilers/bundle/bundle.h"

namespace gatelift {

inline std::filesystem::path released_bundles() {
  if (const char* cache = std::getenv("GATELIFT_CACHE"))
    return std::filesystem::path(cache) / "bundles";
  const char* xdg = std::getenv("XDG_CACHE_HOME");
  const std::filesystem::path home = std::getenv("HOME") == nullptr ? "/" : std::getenv("HOME");
  return (xdg == nullptr ? home / ".cache" : std::filesystem::path(xdg)) / "gatelift/bundles";
}

/// "s1.0.0" is v1.0.0/standard, "e1.0.0" v1.0.0/experimental.
inline BundleRef released_ref(const std::string& name) {
  return {"v" + name.substr(1), name.front() == 's' ? "standard" : "experimental"};
}

}  // namespace gatelift
