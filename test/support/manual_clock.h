// SPDX-License-Identifier: Apache-2.0
// A clock that stands still until a test turns it. Sleeping turns it too, so that code which polls
// makes progress without waiting. May be read and turned from several threads.
#pragma once

#include <mutex>

#include "client/time.h"

namespace gatelift {

class ManualClock : public Clock {
 public:
  /// Starts at 2024-01-01T00:00:00Z unless told otherwise.
  explicit ManualClock(Time start = Time(std::chrono::seconds(1704067200))) : now_(start) {}

  Time now() const override {
    std::lock_guard lock(mutex_);
    return now_;
  }

  /// Advances by `duration` at once; Cancelled after stop().
  Result<void> sleep(std::chrono::milliseconds duration) override {
    std::lock_guard lock(mutex_);
    if (stopped_) return fail(ErrorKind::Cancelled, "asked to stop");
    now_ += duration;
    return {};
  }

  void advance(std::chrono::milliseconds duration) {
    std::lock_guard lock(mutex_);
    now_ += duration;
  }

  /// From now on every sleep answers Cancelled, as when the process is asked to stop.
  void stop() {
    std::lock_guard lock(mutex_);
    stopped_ = true;
  }

 private:
  mutable std::mutex mutex_;
  Time now_;
  bool stopped_ = false;
};

}  // namespace gatelift
