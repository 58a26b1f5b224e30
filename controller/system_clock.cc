// SPDX-License-Identifier: Apache-2.0
#include "controller/system_clock.h"

#include <condition_variable>
#include <mutex>

namespace gatelift {

Time SystemClock::now() const {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

Result<void> SystemClock::sleep(std::chrono::milliseconds duration) {
  std::mutex mutex;
  std::condition_variable_any stopped;
  std::unique_lock lock(mutex);
  stopped.wait_for(lock, stop_, duration, [] { return false; });
  if (stop_.stop_requested()) return fail(ErrorKind::Cancelled, "interrupted");
  return {};
}

}  // namespace gatelift
