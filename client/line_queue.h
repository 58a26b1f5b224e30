// SPDX-License-Identifier: Apache-2.0
// Bytes of a streamed answer in, whole lines out, between the network thread that must never block
// and the thread that reads. Bounded: a reader that falls behind makes the network wait, never the
// memory grow.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "client/result.h"

namespace gatelift {

class LineQueue {
 public:
  struct Limits {
    std::size_t max_line_bytes = 16U << 20U;
    std::size_t max_queued_bytes = 1U << 20U;  // may be exceeded by one push
  };
  enum class Room { Yes, No };

  explicit LineQueue(Limits limits) : limits_(limits) {}

  /// Network side. No means: push nothing more until a pop answered that there is room again. Empty
  /// lines are dropped.
  Result<Room> push(std::string_view bytes);
  /// Network side: nothing more comes. What is queued can still be read, a line without its end
  /// cannot.
  void close(Error why);

  /// Reader's side: the next line; nullopt after `timeout`; the error of close() when all lines
  /// were read.
  Result<std::optional<std::string>> pop(std::chrono::milliseconds timeout);
  /// True once after a pop made room for a network side that was told No.
  bool take_resumption();

 private:
  const Limits limits_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> lines_;
  std::string partial_;
  std::size_t queued_bytes_ = 0;
  bool is_paused_ = false;
  std::optional<Error> end_;
};

}  // namespace gatelift
