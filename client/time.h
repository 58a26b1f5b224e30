// SPDX-License-Identifier: Apache-2.0
// Time as the API writes it, and the clock that everything below the process is given.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "client/result.h"

namespace gatelift {

using Time = std::chrono::sys_time<std::chrono::milliseconds>;

/// metav1.Time: RFC 3339 in UTC with whole seconds, "2006-01-02T15:04:05Z".
std::string format_time(Time time);
/// metav1.MicroTime: six decimals, as leases and events want it.
std::string format_micro_time(Time time);
/// Reads both forms, and offsets other than Z.
Result<Time> parse_time(std::string_view text);

/// The only source of time and of waiting. The process has one over the system clock; tests turn one by hand.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Time now() const = 0;
  /// Waits; returns early, with Cancelled, when the process is asked to stop.
  virtual Result<void> sleep(std::chrono::milliseconds duration) = 0;
};

}  // namespace gatelift
