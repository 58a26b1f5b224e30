// SPDX-License-Identifier: Apache-2.0
// Durations as people write them in Kubernetes resources: Go's time.ParseDuration.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "client/result.h"

namespace gatelift {

/// "720h", "1h30m", "1.8s", "350ms", "0s": the shortest text that Go's time.ParseDuration reads as
/// this duration.
std::string format_duration(std::chrono::milliseconds duration);

/// Reads everything that Go's time.ParseDuration reads, to the millisecond. Error kind Invalid.
Result<std::chrono::milliseconds> parse_duration(std::string_view text);

}  // namespace gatelift
