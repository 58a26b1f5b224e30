// SPDX-License-Identifier: Apache-2.0
// Which failed calls may be sent again, and when. Pure: time and chance are arguments.
//
// Reads repeat. A write repeats after an unknown outcome only when the repetition cannot do harm:
// Apply and Delete, and what a resourceVersion or uid guards. A named create repeats too; the
// second one meets AlreadyExists if the first had succeeded, and that answer stands: callers get
// the object and compare. What was refused before it was looked at (429, no connection) repeats
// whatever it is.
#pragma once

#include <chrono>
#include <optional>

#include "client/error.h"
#include "client/request.h"

namespace gatelift {

/// True when sending this call twice has the effect of sending it once, or fails the second time.
bool is_repeatable(const Request& request);

/// How long to wait before the next attempt, or nullopt to give up. `attempt` counts those made,
/// from 1; `jitter` is from [0, 1). The server's Retry-After is a lower bound. The caller bounds
/// the total by its deadline.
std::optional<std::chrono::milliseconds> retry_delay(const Request& request, const Error& error,
                                                     int attempt, double jitter);

}  // namespace gatelift
