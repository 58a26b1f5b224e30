// SPDX-License-Identifier: Apache-2.0
#include "client/line_queue.h"

#include <utility>

namespace gatelift {

Result<LineQueue::Room> LineQueue::push(std::string_view bytes) {
  const std::lock_guard lock(mutex_);
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    partial_ += bytes.substr(0, end);
    if (partial_.size() > limits_.max_line_bytes) {
      return fail(ErrorKind::Internal, "a line of the answer is longer than " +
                                           std::to_string(limits_.max_line_bytes) + " bytes");
    }
    if (end == std::string_view::npos) break;
    bytes.remove_prefix(end + 1);
    if (partial_.empty()) continue;
    queued_bytes_ += partial_.size();
    lines_.push_back(std::exchange(partial_, {}));
  }
  changed_.notify_one();
  is_paused_ = queued_bytes_ >= limits_.max_queued_bytes;
  return is_paused_ ? Room::No : Room::Yes;
}

void LineQueue::close(Error why) {
  const std::lock_guard lock(mutex_);
  if (!end_) end_ = std::move(why);
  changed_.notify_one();
}

Result<std::optional<std::string>> LineQueue::pop(std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, timeout, [&] { return !lines_.empty() || end_; });
  if (!lines_.empty()) {
    std::optional<std::string> line(std::move(lines_.front()));
    lines_.pop_front();
    queued_bytes_ -= line->size();
    return line;
  }
  if (end_) return fail(*end_);
  return std::optional<std::string>();
}

bool LineQueue::take_resumption() {
  const std::lock_guard lock(mutex_);
  if (!is_paused_ || queued_bytes_ > limits_.max_queued_bytes / 2) return false;
  is_paused_ = false;
  return true;
}

}  // namespace gatelift
