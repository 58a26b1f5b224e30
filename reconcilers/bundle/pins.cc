// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/bundle/pins.h"

#include <algorithm>
#include <map>

#include "reconcilers/bundle/catalogue.h"
#include "reconcilers/bundle/digest.h"
#include "reconcilers/bundle/manifest_files.h"

namespace gatelift {
namespace {

namespace fs = std::filesystem;

using Pins = std::map<BundleRef, CataloguedBundle>;

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

/// Of the bundles that a catalogue pins.
Result<Pins> read_pins(const fs::path& directory) {
  Pins pins;
  ASSIGN_OR_RETURN(std::vector<CataloguedBundle> bundles, read_catalogue(directory));
  for (CataloguedBundle& bundle : bundles) {
    if (!bundle.sha256.empty()) pins.insert_or_assign(bundle.ref, std::move(bundle));
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

std::string digest_problem(const std::string& crd, const std::string& what,
                           const std::string& pinned) {
  return "its files are as pinned, but " + crd + " " + what + " and the catalogue says " + pinned +
         "; pin the release again";
}

/// What the catalogue says of CRDs is what a cluster is recognised by, so it is computed anew.
std::string crd_problem(const Bundle& bundle, const CataloguedBundle& pinned) {
  for (const BundleCrd& crd : bundle.crds) {
    const std::string& name = crd.summary.name;
    const auto known = pinned.crds.find(name);
    if (known == pinned.crds.end()) return digest_problem(name, "is in them", "nothing of it");
    if (known->second.digest != crd.summary.digest) {
      return digest_problem(name, "has spec digest " + crd.summary.digest, known->second.digest);
    }
    std::vector<std::string> versions;
    for (const CrdVersion& version : crd.summary.versions) versions.push_back(version.name);
    if (known->second.versions != versions) {
      return digest_problem(name, "has other versions", "what versions it has");
    }
  }
  for (const auto& [name, known] : pinned.crds) {
    if (bundle.crd(name) == nullptr) return digest_problem(name, "is not in them", known.digest);
  }
  return "";
}

PinCheck check_pin(const BundleSources& sources, const CataloguedBundle& pinned) {
  const fs::path place = pinned.place;
  PinCheck check{pinned.ref, pinned.place, PinState::Differs, ""};
  std::error_code failed;
  if (!fs::is_directory(place.parent_path(), failed)) {
    check.state = PinState::Absent;
  } else if (!fs::is_directory(place, failed)) {
    check.problem = "there is no such directory";
  } else if (const auto files = read_files(place); !files) {
    check.problem = files.error().message;
  } else if (digest_of_files(*files) != pinned.sha256) {
    check.problem = difference(*files, pinned.sha256);
  } else if (pinned.crds.empty()) {
    check.state = PinState::Ok;
  } else if (const auto bundle = sources.load(pinned.ref); !bundle) {
    check.problem = bundle.error().message;
  } else {
    check.problem = crd_problem(*bundle, pinned);
    check.state = check.problem.empty() ? PinState::Ok : PinState::Differs;
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
  ASSIGN_OR_RETURN(const Pins pins, read_pins(directory));
  const BundleSources sources({directory});
  std::vector<PinCheck> checks;
  for (const auto& [ref, pinned] : pins) checks.push_back(check_pin(sources, pinned));
  for (const BundleSources::Entry& entry : sources.list()) {
    if (!pins.contains(entry.ref)) {
      checks.push_back({entry.ref, entry.source, PinState::Unpinned, ""});
    }
  }
  std::ranges::sort(checks, is_before, &PinCheck::ref);
  return checks;
}

}  // namespace gatelift
