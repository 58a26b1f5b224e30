// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/inplace/version_traffic.h"

#include <cstdlib>

namespace gatelift {
namespace {

/// The value of a sample, `name{labels} value [timestamp]`. Counts of requests stay far below 2^53.
double value_of(std::string_view line) {
  const std::size_t labels_end = line.rfind('}');
  const std::size_t name_end = labels_end == std::string_view::npos ? line.find(' ') : labels_end;
  return std::strtod(std::string(line.substr(name_end + 1)).c_str(), nullptr);
}

/// None of the values that are looked for has a character that would be escaped.
bool has_label(std::string_view line, std::string_view name, std::string_view value) {
  const std::string label = std::string(name) + "=\"" + std::string(value) + "\"";
  const std::size_t at = line.find(label);
  return at != std::string_view::npos && at > 0 && (line[at - 1] == '{' || line[at - 1] == ',');
}

bool is_of(std::string_view line, const Resource& resource) {
  return has_label(line, "group", resource.group) && has_label(line, "version", resource.version) &&
         has_label(line, "resource", resource.plural);
}

}  // namespace

std::optional<VersionTraffic> traffic_at(const Resource& resource, std::string_view metrics) {
  VersionTraffic traffic;
  bool counts_requests = false;
  while (!metrics.empty()) {
    const std::size_t end = metrics.find('\n');
    const std::string_view line = metrics.substr(0, end);
    metrics.remove_prefix(end == std::string_view::npos ? metrics.size() : end + 1);
    if (line.starts_with("apiserver_request_total{")) {
      counts_requests = true;
      const bool is_counted = is_of(line, resource) && !has_label(line, "verb", "WATCH");
      if (is_counted) traffic.requests += static_cast<std::int64_t>(value_of(line));
    } else if (line.starts_with("apiserver_longrunning_requests{")) {
      const bool is_watch = has_label(line, "verb", "WATCH") && is_of(line, resource);
      if (is_watch) traffic.watches += static_cast<std::int64_t>(value_of(line));
    } else if (line.starts_with("process_start_time_seconds ")) {
      traffic.server_started = line.substr(line.find(' ') + 1);
    }
  }
  if (!counts_requests || traffic.server_started.empty()) return std::nullopt;
  return traffic;
}

}  // namespace gatelift
