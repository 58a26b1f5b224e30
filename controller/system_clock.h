// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stop_token>

#include "client/time.h"

namespace gatelift {

/// The system's time; sleeps end, with Cancelled, when `stop` is requested. May be used by several
/// threads.
class SystemClock : public Clock {
 public:
  explicit SystemClock(std::stop_token stop) : stop_(std::move(stop)) {}

  Time now() const override;
  Result<void> sleep(std::chrono::milliseconds duration) override;

 private:
  std::stop_token stop_;
};

}  // namespace gatelift
