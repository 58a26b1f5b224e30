// SPDX-License-Identifier: Apache-2.0
// Whether bundles in a directory are the bytes that its catalogue pins.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "reconcilers/bundle/bundle.h"

namespace gatelift {

enum class PinState {
  Ok,
  Differs,
  Unpinned,  // no catalogue says what it should be
  Absent,    // pinned, and its version has no directory
};

struct PinCheck {
  BundleRef ref;
  std::string place;
  PinState state = PinState::Ok;
  std::string problem;  // of Differs: what is known of the files
};

std::string_view to_string(PinState);

/// Checks every bundle of DIR/<version>/<channel> against DIR/catalogue.json (catalogue.h): its
/// `sha256` is over the sorted lines "<file name>\0<sha256 of the file>\n", in hexadecimal, of
/// every file of the bundle's directory; its `crds`, where it has them, are what the files' CRDs
/// come to. By version and channel. Error kind Invalid where the catalogue cannot be read; where
/// there is none, no bundle is pinned.
Result<std::vector<PinCheck>> check_pins(const std::filesystem::path& directory);

}  // namespace gatelift
