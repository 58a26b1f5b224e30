// SPDX-License-Identifier: Apache-2.0
// SHA-256 over bytes and over JSON trees: how bundles, CRDs, plans and backups are told apart.
#pragma once

#include <string>
#include <string_view>

#include "client/json.h"

namespace gatelift {

/// "sha256:" and 64 hexadecimal digits.
std::string sha256(std::string_view bytes);

/// sha256 over the compact print with sorted keys.
std::string digest_of(const Json& json);

}  // namespace gatelift
