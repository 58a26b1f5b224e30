// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/bundle/catalogue.h"

#include "client/json.h"
#include "reconcilers/bundle/manifest_files.h"

namespace gatelift {
namespace {

std::vector<std::string> strings_of(const Json& list) {
  std::vector<std::string> strings;
  for (const Json& item : list) {
    if (item.is_string()) strings.push_back(item.get<std::string>());
  }
  return strings;
}

KnownCrds crds_of(const Json& channel) {
  KnownCrds crds;
  const Json* found = find(channel, "crds");
  if (found == nullptr || !found->is_object()) return crds;
  for (const auto& [name, crd] : found->items()) {
    crds[name] = {string_at(crd, "digest"), strings_of(array_at(crd, "versions"))};
  }
  return crds;
}

CataloguedBundle read_channel(const std::filesystem::path& directory, const BundleRef& ref,
                              const Json& channel) {
  CataloguedBundle bundle;
  bundle.ref = ref;
  bundle.place = (directory / ref.version / ref.channel).string();
  bundle.sha256 = string_at(channel, "sha256");
  bundle.crds = crds_of(channel);
  if (find(channel, "notKustomized") != nullptr) {
    bundle.not_kustomized = strings_of(array_at(channel, "notKustomized"));
  }
  return bundle;
}

}  // namespace

Result<std::vector<CataloguedBundle>> read_catalogue(const std::filesystem::path& directory) {
  std::vector<CataloguedBundle> bundles;
  const std::filesystem::path file = directory / "catalogue.json";
  const auto text = read_file(file);
  if (!text && text.error().is(ErrorKind::NotFound)) return bundles;
  if (!text) return fail(text.error());
  auto catalogue = parse_json(*text);
  if (!catalogue) return fail(wrap(std::move(catalogue).error(), file.string()));
  static const Json no_channels{
      {"", Json::object()}
  };
  for (const Json& entry : array_at(*catalogue, "bundles")) {
    const Json* channels = find(entry, "channels");
    if (channels == nullptr || !channels->is_object()) channels = &no_channels;
    for (const auto& [name, channel] : channels->items()) {
      bundles.push_back(read_channel(directory, {string_at(entry, "version"), name}, channel));
      bundles.back().bad = string_at(entry, "bad");
    }
  }
  return bundles;
}

}  // namespace gatelift
