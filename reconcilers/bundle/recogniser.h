// SPDX-License-Identifier: Apache-2.0
// Which bundles a CRD is of, by its content.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "reconcilers/bundle/bundle.h"
#include "reconcilers/bundle/catalogue.h"

namespace gatelift {

/// An index over what the sources have when it is made. Bundles that a catalogue describes are not
/// read at all; directories of others are read, once, when a question is asked that no catalogue,
/// ConfigMap or file answers. A bundle that cannot be read is one that nobody has. One thread.
class Recogniser {
 public:
  /// `sources` must outlive it, and must not change.
  explicit Recogniser(const BundleSources& sources);

  /// The bundles that hold a CRD of this name with this spec_digest; by version and channel.
  std::vector<BundleRef> holders_of(const std::string& crd, const std::string& digest);

  /// The CRDs of a bundle; nullptr where nobody has it. Valid as long as the index.
  const KnownCrds* crds_of(const BundleRef& ref);

  /// Whether some bundle has a CRD of this name, and whether one has this version of it.
  bool knows(const std::string& crd);
  bool knows_version(const std::string& crd, const std::string& version);

 private:
  void learn(const BundleRef& ref, KnownCrds crds);
  void read(const BundleRef& ref);
  void read_all();

  const BundleSources& sources_;
  std::set<BundleRef> unread_;
  std::map<BundleRef, KnownCrds> bundles_;
  std::map<std::pair<std::string, std::string>, std::vector<BundleRef>>
      holders_;                                            // by name, digest
  std::map<std::string, std::set<std::string>> versions_;  // by CRD name
};

}  // namespace gatelift
