// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "reconcilers/backup/gzip.h"
#include "reconcilers/bundle/bundle.h"
#include "reconcilers/bundle/catalogue.h"
#include "reconcilers/bundle/manifest_files.h"
#include "reconcilers/bundle/version.h"

namespace gatelift {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kVersionLabel = "gatelift.dev/bundle-version";
constexpr std::string_view kChannelLabel = "gatelift.dev/bundle-channel";
constexpr std::size_t kMaxManifestBytes = std::size_t{16} << 20;

std::vector<fs::path> directories_in(const fs::path& directory) {
  std::vector<fs::path> found;
  std::error_code failed;
  fs::directory_iterator entries(directory, failed);
  while (!failed && entries != fs::directory_iterator()) {
    if (entries->is_directory(failed)) found.push_back(entries->path());
    entries.increment(failed);
  }
  std::sort(found.begin(), found.end());
  return found;
}

/// A name of one path element that can be a version or channel. References come from whoever may
/// write the resource, so none may lead out of the directory; and a mounted ConfigMap has "..data"
/// and the like beside its files.
bool is_plain_name(const std::string& name) {
  return !name.empty() && name.front() != '.' && name.find('/') == std::string::npos;
}

std::vector<BundleRef> refs_in(const fs::path& directory) {
  std::vector<BundleRef> refs;
  for (const fs::path& version : directories_in(directory)) {
    for (const fs::path& channel : directories_in(version)) {
      const BundleRef ref{version.filename().string(), channel.filename().string()};
      if (is_plain_name(ref.version) && is_plain_name(ref.channel)) refs.push_back(ref);
    }
  }
  return refs;
}

Result<Bundle> load_directory(const fs::path& directory, const BundleRef& ref) {
  BundleBuilder builder(ref, directory.string());
  ASSIGN_OR_RETURN(const std::vector<fs::path> files, manifest_files(directory));
  for (const fs::path& file : files) {
    RETURN_IF_ERROR(add_manifest_file(builder, file));
  }
  return std::move(builder).finish();
}

/// One bundle's ConfigMaps, while they are read.
struct PendingBundle {
  explicit PendingBundle(const BundleRef& ref, const std::string& source) : builder(ref, source) {}
  BundleBuilder builder;
  Result<void> state;
};

Result<std::string> inflate_value(const std::string& key, const Json& value,
                                  const std::string& place) {
  if (!key.ends_with(".gz")) {
    return fail(ErrorKind::Invalid,
                place + ": binaryData holds gzip-compressed manifests under names ending in .gz");
  }
  auto bytes = base64_decode(value.is_string() ? value.get<std::string>() : std::string());
  if (!bytes) return fail(wrap(std::move(bytes).error(), place));
  auto text = gunzip(*bytes, kMaxManifestBytes);
  if (!text) return fail(wrap(std::move(text).error(), place));
  return text;
}

Result<void> add_config_map(BundleBuilder& builder, const Json& config_map) {
  const std::string name = display_name("ConfigMap", key_of(config_map));
  if (const Json* data = find(config_map, "data"); data != nullptr && data->is_object()) {
    for (const auto& [key, value] : data->items()) {
      const std::string* text = value.get_ptr<const std::string*>();
      if (text == nullptr) continue;
      RETURN_IF_ERROR(add_manifest_text(builder, *text, name + ", data." + key));
    }
  }
  if (const Json* data = find(config_map, "binaryData"); data != nullptr && data->is_object()) {
    for (const auto& [key, value] : data->items()) {
      const std::string place = name + ", binaryData." + key;
      ASSIGN_OR_RETURN(const std::string text, inflate_value(key, value, place));
      RETURN_IF_ERROR(add_manifest_text(builder, text, place));
    }
  }
  return {};
}

std::string with_v(const std::string& version) {
  return parse_bundle_version(version) && !version.starts_with('v') ? "v" + version : version;
}

}  // namespace

BundleSources::BundleSources(std::vector<fs::path> directories)
    : directories_(std::move(directories)) {}

Result<void> BundleSources::read_config_maps(Cluster& cluster, const std::string& ns) {
  std::map<BundleRef, PendingBundle> pending;
  Request list;
  list.verb = Verb::List;
  list.resource = resources::kConfigMaps;
  list.key.ns = ns;
  list.label_selector = std::string(kVersionLabel) + "," + std::string(kChannelLabel);
  list.limit = 10;  // they are up to a megabyte each
  auto read = for_each_object(cluster, list, [&](Json&& config_map) -> Result<void> {
    const BundleRef ref{label_of(config_map, kVersionLabel), label_of(config_map, kChannelLabel)};
    const std::string source = "ConfigMaps of namespace " + ns;
    PendingBundle& bundle = pending.try_emplace(ref, ref, source).first->second;
    if (bundle.state) bundle.state = add_config_map(bundle.builder, config_map);
    return {};
  });
  if (!read) return fail(wrap(std::move(read).error(), "reading bundles from ConfigMaps"));
  config_maps_.clear();
  for (auto& [ref, bundle] : pending) {
    config_maps_.emplace(ref, bundle.state ? std::move(bundle.builder).finish()
                                           : Result<Bundle>(fail(bundle.state.error())));
  }
  config_maps_place_ = "the ConfigMaps of namespace " + ns + " labelled " +
                       std::string(kVersionLabel) + " and " + std::string(kChannelLabel);
  return {};
}

void BundleSources::add(Bundle bundle) {
  BundleRef ref = bundle.ref;
  added_.insert_or_assign(std::move(ref), std::move(bundle));
}

std::vector<BundleSources::Entry> BundleSources::list() const {
  std::map<std::string, std::string> known_bad;  // by version
  for (const CataloguedBundle& bundle : catalogued()) {
    if (!bundle.bad.empty()) known_bad.emplace(bundle.ref.version, bundle.bad);
  }
  std::vector<Entry> entries;
  std::set<BundleRef> seen;
  const auto add_entry = [&](const BundleRef& ref, std::string source, std::string bad,
                             bool in_directory = false) {
    if (!seen.insert(ref).second) return;
    const auto known = known_bad.find(ref.version);
    if (bad.empty() && known != known_bad.end()) bad = known->second;
    entries.push_back(Entry{ref, std::move(source), std::move(bad), in_directory});
  };
  for (const auto& [ref, bundle] : added_) add_entry(ref, bundle.source, "");
  for (const auto& [ref, bundle] : config_maps_) {
    add_entry(ref, config_maps_place_,
              bundle ? std::string() : "cannot be read: " + bundle.error().message);
  }
  for (const fs::path& directory : directories_) {
    for (const BundleRef& ref : refs_in(directory)) {
      add_entry(ref, (directory / ref.version / ref.channel).string(), "", true);
    }
  }
  std::ranges::sort(entries, is_before, &Entry::ref);
  return entries;
}

std::vector<CataloguedBundle> BundleSources::catalogued() const {
  std::vector<CataloguedBundle> all;
  for (const fs::path& directory : directories_) {
    auto bundles = read_catalogue(directory);
    if (!bundles) continue;
    std::ranges::move(*bundles, std::back_inserter(all));
  }
  return all;
}

Result<Bundle> BundleSources::load(const BundleRef& wanted) const {
  ASSIGN_OR_RETURN(const BundleRef ref, resolve(wanted));
  if (const auto it = added_.find(ref); it != added_.end()) return it->second;
  if (const auto it = config_maps_.find(ref); it != config_maps_.end()) return it->second;
  const bool can_be_path = is_plain_name(ref.version) && is_plain_name(ref.channel);
  for (const fs::path& directory : directories_) {
    if (!can_be_path) break;
    const fs::path place = directory / ref.version / ref.channel;
    std::error_code failed;
    if (fs::is_directory(place, failed)) return load_directory(place, ref);
  }
  return not_found(ref);
}

/// A whole version stands for itself, whatever is known against it; of a minor the last good
/// release is taken.
Result<BundleRef> BundleSources::resolve(const BundleRef& ref) const {
  const BundleRef wanted{with_v(ref.version), ref.channel};
  const auto version = parse_bundle_version(wanted.version);
  if (!version || version->patch) return wanted;
  const std::vector<Entry> entries = list();
  std::string bad;
  for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) {
    const auto other = parse_bundle_version(entry->ref.version);
    if (!other || !other->same_minor(*version) || !other->pre_release.empty()) continue;
    if (entry->ref.channel != wanted.channel) continue;
    if (entry->known_bad.empty()) return entry->ref;
    bad += (bad.empty() ? "" : ", ") + entry->ref.display() + " (" + entry->known_bad + ")";
  }
  if (bad.empty()) return not_found(wanted);
  return fail(ErrorKind::NotFound, "no good release of bundle " + wanted.display() + ": there is " +
                                       bad + "; name the whole version to use it all the same");
}

tl::unexpected<Error> BundleSources::not_found(const BundleRef& ref) const {
  const auto wanted = parse_bundle_version(ref.version);
  std::string same_minor;
  std::string others;
  for (const Entry& entry : list()) {
    const auto version = parse_bundle_version(entry.ref.version);
    std::string& text = wanted && version && version->same_minor(*wanted) ? same_minor : others;
    text += (text.empty() ? "" : ", ") + entry.ref.display();
  }
  std::string message = "no bundle " + ref.display() + ": ";
  if (!same_minor.empty()) {
    message += "of " + wanted->minor_text() + " there is " + same_minor;
  } else {
    message += others.empty() ? "there is none at all" : "there is " + others;
  }
  std::string places;
  if (!config_maps_place_.empty()) places = config_maps_place_;
  for (const fs::path& directory : directories_) {
    places += (places.empty() ? "" : ", ") + directory.string();
  }
  message += places.empty() ? "; no directory was named to look in" : "; looked in " + places;
  return fail(ErrorKind::NotFound, std::move(message));
}

}  // namespace gatelift
