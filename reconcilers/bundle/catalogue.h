// SPDX-License-Identifier: Apache-2.0
// What is known about releases apart from their manifests: a file catalogue.json beside the version
// directories, which scripts/fetch-bundles writes.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "reconcilers/bundle/bundle.h"

namespace gatelift {

/// A CRD as far as it takes to recognise it.
struct KnownCrd {
  std::string digest;  // spec_digest (crd.h) of it
  std::vector<std::string> versions;
};
using KnownCrds = std::map<std::string, KnownCrd>;  // by the CRD's name

/// What a catalogue says of one bundle; each part may be missing.
struct CataloguedBundle {
  BundleRef ref;
  std::string place;   // DIR/<version>/<channel>, whether there is such a directory or not
  std::string sha256;  // hexadecimal; over its files (pins.h)
  KnownCrds crds;
  std::string bad;  // why nobody should install this release
  /// Files that its own kustomization leaves out; nullopt where it has none.
  std::optional<std::vector<std::string>> not_kustomized;
};

/// Reads DIR/catalogue.json, {"bundles": [{"version": "v1.4.0", "bad": "reason", "channels":
/// {"standard": {"sha256": …, "crds": {"<name>": {"digest": …, "versions": […]}}, "notKustomized":
/// […]}}}]}; other fields are for whoever fetches bundles. A release without channels has one entry
/// with an empty one. Empty where there is no such file; error kind Invalid where it cannot be
/// read.
Result<std::vector<CataloguedBundle>> read_catalogue(const std::filesystem::path& directory);

}  // namespace gatelift
