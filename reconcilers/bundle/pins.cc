// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/bundle/pins.h"

#include <algorithm>
#include <map>

#include "reconcilers/bundle/digest.h"
#include "reconcilers/bundle/manifest_files.h"
#include "reconcilers/bundle/version.h"

namespace gatelift {
namespace {

namespace fs = std::filesystem;

using Pins = std::map<BundleRef, std::string>;  // hexadecimal

std::string hex_of(std::string_view bytes) {
  return sha256(bytes).substr(std::string_view("sha256:").size());
}

/// Name and digest of each file.
using Files = std::map<std::string, std::string>;

/// Sorted by the whole line, which is by name: no name holds the NUL that ends it.
std::string digest_of_files(const Files& files, std::string_view left_out = "") {
  std::string lines;
  for (const auto& [name, digest] : files) {
    if (name != left_out) lines += name + '\0' + digest + '\n';
  }
  return hex_of(lines);
}

Result<Pins> read_pins(const fs::path& file) {
  Pins pins;
  const auto text = read_file(file);
  if (!text && text.error().is(ErrorKind::NotFound)) return pins;
  if (!text) return fail(text.error());
  auto catalogue = parse_json(*text);
  if (!catalogue) return fail(wrap(std::move(catalogue).error(), file.string()));
  for (const Json& entry : array_at(*catalogue, "bundles")) {
    const Json* channels = find(entry, "channels");
    if (channels == nullptr || !channels->is_object()) continue;
    for (const auto& [channel, pin] : channels->items()) {
      const std::string digest = string_at(pin, "sha256");
      if (!digest.empty()) pins[{string_at(entry, "version"), channel}] = digest;
    }
  }
  return pins;
}

Result<Files> read_files(const fs::path& directory) {
  Files files;
  std::error_code failed;
  fs::directory_iterator entries(directory, failed);
  while (!failed && entries != fs::directory_iterator()) {
    const fs::path path = entries->path();
    ASSIGN_OR_RETURN(const std::string bytes, read_file(path));
    files[path.filename().string()] = hex_of(bytes);
    entries.increment(failed);
  }
  if (failed)
    return fail(ErrorKind::Invalid, "reading " + directory.string() + ": " + failed.message());
  return files;
}

/// A digest says nothing of single files, but one too many can be found by leaving each out.
std::string difference(const Files& files, const std::string& pinned) {
  if (files.empty()) return "there is no file in it";
  for (const auto& [name, digest] : files) {
    if (digest_of_files(files, name) == pinned) return name + " does not belong to it";
  }
  std::string names;
  for (const auto& [name, digest] : files) names += (names.empty() ? "" : ", ") + name;
  return "a file was changed, is missing or was added; sha256 is " + digest_of_files(files) +
         ", pinned is " + pinned + ", over " + names;
}

PinCheck check_pin(const fs::path& directory, const BundleRef& ref, const std::string& pinned) {
  const fs::path place = directory / ref.version / ref.channel;
  PinCheck check{ref, place.string(), PinState::Differs, ""};
  std::error_code failed;
  if (!fs::is_directory(directory / ref.version, failed)) {
    check.state = PinState::Absent;
  } else if (!fs::is_directory(place, failed)) {
    check.problem = "there is no such directory";
  } else if (const auto files = read_files(place); !files) {
    check.problem = files.error().message;
  } else if (digest_of_files(*files) != pinned) {
    check.problem = difference(*files, pinned);
  } else {
    check.state = PinState::Ok;
  }
  return check;
}

}  // namespace

std::string_view to_string(PinState state) {
  switch (state) {
    case PinState::Ok:
      return "Ok";
    case PinState::Differs:
      return "Differs";
    case PinState::Unpinned:
      return "Unpinned";
    case PinState::Absent:
      return "Absent";
  }
  return "";
}

Result<std::vector<PinCheck>> check_pins(const fs::path& directory) {
  ASSIGN_OR_RETURN(const Pins pins, read_pins(directory / "catalogue.json"));
  std::vector<PinCheck> checks;
  for (const auto& [ref, digest] : pins) checks.push_back(check_pin(directory, ref, digest));
  for (const BundleSources::Entry& entry : BundleSources({directory}).list()) {
    if (!pins.contains(entry.ref)) {
      checks.push_back({entry.ref, entry.source, PinState::Unpinned, ""});
    }
  }
  std::ranges::sort(checks, [](const PinCheck& a, const PinCheck& b) {
    const auto order = compare_bundle_versions(a.ref.version, b.ref.version);
    return order != 0 ? order < 0 : a.ref.channel < b.ref.channel;
  });
  return checks;
}

}  // namespace gatelift
