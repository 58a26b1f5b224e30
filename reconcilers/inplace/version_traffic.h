// SPDX-License-Identifier: Apache-2.0
// What an API server's own metrics say of the requests at one version of a resource. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "client/object.h"

namespace gatelift {

struct VersionTraffic {
  std::string server_started;  // when that API server did, as it writes it: another one counts anew
  std::int64_t watches = 0;    // that are open
  /// Answered since it started. Watches are not among them: each is begun anew every few minutes.
  std::int64_t requests = 0;
};

/// Reads the text of `/metrics` (Prometheus exposition format 0.0.4): apiserver_request_total and
/// apiserver_longrunning_requests, which are stable (KEP-1209), and process_start_time_seconds.
/// nullopt where an API server does not show the first and the last.
std::optional<VersionTraffic> traffic_at(const Resource& resource, std::string_view metrics);

}  // namespace gatelift
