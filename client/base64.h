// SPDX-License-Identifier: Apache-2.0
// RFC 4648 §4, as Secrets and kubeconfigs have it. Pure.
#pragma once

#include <string>
#include <string_view>

#include "client/result.h"

namespace gatelift {

std::string base64_encode(std::string_view bytes);

/// Error kind Invalid where the text is not base64. Line breaks at its end are allowed.
Result<std::string> base64_decode(std::string_view text);

}  // namespace gatelift
