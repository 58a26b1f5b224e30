// SPDX-License-Identifier: Apache-2.0
// What is known about releases apart from their manifests: a file catalogue.json beside the version
// directories.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "client/result.h"

namespace gatelift {

/// Why a version should not be installed, by version ("v1.4.0"). Only bad ones are in it.
using KnownBad = std::map<std::string, std::string>;

/// Reads DIR/catalogue.json, {"bundles": [{"version": "v1.4.0", "bad": "reason"}, …]}; other fields
/// are for whoever fetches bundles. Empty where there is no such file, or none that can be read: it
/// only ever advises.
KnownBad known_bad_of(const std::filesystem::path& directory);

}  // namespace gatelift
