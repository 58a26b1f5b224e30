// SPDX-License-Identifier: Apache-2.0
// A bundle: one release of Gateway API in one channel, as the CRDs it consists of.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "client/cluster.h"
#include "reconcilers/bundle/crd.h"

namespace gatelift {

/// Names a bundle. Two numbers ("v1.1") as version mean the last good patch of that minor.
struct BundleRef {
  std::string version;
  std::string channel;
  std::string display() const { return channel.empty() ? version : version + "/" + channel; }
  auto operator<=>(const BundleRef&) const = default;
};

/// By version, as numbers, and channel.
bool is_before(const BundleRef& a, const BundleRef& b);

/// One CRD of a bundle. The manifest is kept as compact JSON text, since trees take seven times the
/// memory.
struct BundleCrd {
  CrdSummary summary;
  std::string manifest;

  Json json() const { return Json::parse(manifest); }
};

struct Bundle {
  BundleRef ref;
  std::string digest;                         // over the CRDs' digests, names and policies
  std::string source;                         // where it was read from, for people
  std::vector<BundleCrd> crds;                // by name
  std::vector<std::string> policy_manifests;  // ValidatingAdmissionPolicy and Binding, as JSON text

  const BundleCrd* crd(std::string_view name) const;
};

/// Makes a bundle of manifest documents: CRDs of the Gateway API groups and the admission policy.
/// Documents of other kinds are refused (Invalid, naming the document). A ref left empty is taken
/// from the annotations.
Result<Bundle> bundle_from_documents(BundleRef ref, const std::vector<Json>& documents,
                                     std::string source);

/// A release's own install file, for instance experimental-install.yaml.
Result<Bundle> bundle_from_file(const std::filesystem::path& file);

struct CataloguedBundle;

/// Where bundles come from, in order of precedence: ConfigMaps of our namespace, then directories
/// in the order given. A directory holds DIR/<version>/<channel>/*.yaml; it is listed at once and
/// read when a bundle is asked for.
class BundleSources {
 public:
  struct Entry {
    BundleRef ref;
    std::string source;
    std::string known_bad;      // why this patch release should not be installed; "" for good ones
    bool in_directory = false;  // load() of it reads files, which takes a tenth of a second
  };

  explicit BundleSources(std::vector<std::filesystem::path> directories);

  /// Adds bundles that ConfigMaps labelled gatelift.dev/bundle-version and
  /// gatelift.dev/bundle-channel hold, in data or gzip-compressed (keys ending in .gz) in
  /// binaryData; one bundle may be spread over several. Called again, it takes the place of what it
  /// read before. A bundle that cannot be read is listed as bad, and load() of it says why: one
  /// broken ConfigMap does not stop the use of other bundles.
  Result<void> read_config_maps(Cluster& cluster, const std::string& ns);

  /// Uses `bundle` for its own ref, before everything else (the command line's --file).
  void add(Bundle bundle);

  /// Every bundle once, from the source that load() would read; by version, as numbers, and
  /// channel. Why a version is bad is said by the catalogue of a directory.
  std::vector<Entry> list() const;

  /// What the catalogues of the directories (catalogue.h) say, also of bundles that are not there.
  /// A catalogue that cannot be read is left out: here it only ever advises.
  std::vector<CataloguedBundle> catalogued() const;

  /// Error kind NotFound where nobody has the bundle; the message names what there is of the same
  /// minor, and where it was looked for.
  Result<Bundle> load(const BundleRef& ref) const;

 private:
  Result<BundleRef> resolve(const BundleRef& ref) const;
  tl::unexpected<Error> not_found(const BundleRef& ref) const;

  std::vector<std::filesystem::path> directories_;
  std::map<BundleRef, Bundle> added_;
  std::map<BundleRef, Result<Bundle>> config_maps_;
  std::string config_maps_place_;  // "" until they were read
};

}  // namespace gatelift
