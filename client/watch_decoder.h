// SPDX-License-Identifier: Apache-2.0
// One line of a watch → one event. Pure.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "client/cluster.h"

namespace gatelift {

/// Reads {"type": …, "object": …}. An ERROR event is the error of the Status in it: Expired for
/// 410, whatever the watch's own status was. `call` begins the message.
Result<WatchEvent> decode_watch_line(std::string_view line, std::string_view call);

/// Path and query of a watch. Bookmarks are asked for, so that a quiet watch has something to say
/// each minute.
std::string target_of(const WatchRequest& request, std::chrono::seconds server_timeout);

}  // namespace gatelift
