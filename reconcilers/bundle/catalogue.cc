// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/bundle/catalogue.h"

#include "client/json.h"
#include "reconcilers/bundle/manifest_files.h"

namespace gatelift {

KnownBad known_bad_of(const std::filesystem::path& directory) {
  KnownBad known;
  const auto text = read_file(directory / "catalogue.json");
  if (!text) return known;
  const auto catalogue = parse_json(*text);
  if (!catalogue) return known;
  for (const Json& entry : array_at(*catalogue, "bundles")) {
    const std::string version = string_at(entry, "version");
    const std::string reason = string_at(entry, "bad");
    if (!version.empty() && !reason.empty()) known[version] = reason;
  }
  return known;
}

}  // namespace gatelift
