// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "client/base64.h"
#include "client/result.h"

namespace gatelift {

std::string gzip(std::string_view bytes);

/// Error kind Invalid where the bytes are no whole gzip stream or inflate to more than `max_bytes`.
Result<std::string> gunzip(std::string_view bytes, std::size_t max_bytes);

}  // namespace gatelift
