// SPDX-License-Identifier: Apache-2.0
#include "controller/work_queue.h"

#include <algorithm>

namespace gatelift {

void WorkQueue::add(const std::string& key, Instant now, Delay delay) {
  const Instant due = now + delay;
  const auto [it, inserted] = due_.try_emplace(key, due);
  if (!inserted) it->second = std::min(it->second, due);
}

void WorkQueue::add_after_failure(const std::string& key, Instant now) {
  int& failures = failures_[key];
  Delay delay = back_off_.first;
  for (int i = 0; i < failures && delay < back_off_.longest; ++i) delay *= 2;
  ++failures;
  add(key, now, std::min(delay, back_off_.longest));
}

void WorkQueue::forget(const std::string& key) { failures_.erase(key); }

std::optional<std::string> WorkQueue::take(Instant now) {
  auto next = due_.end();
  for (auto it = due_.begin(); it != due_.end(); ++it) {
    if (it->second > now || working_.contains(it->first)) continue;
    if (next == due_.end() || it->second < next->second) next = it;
  }
  if (next == due_.end()) return std::nullopt;
  std::string key = next->first;
  due_.erase(next);
  working_.insert(key);
  return key;
}

void WorkQueue::done(const std::string& key) { working_.erase(key); }

std::optional<WorkQueue::Instant> WorkQueue::next_due() const {
  std::optional<Instant> earliest;
  for (const auto& [key, due] : due_) {
    if (working_.contains(key)) continue;
    if (!earliest || due < *earliest) earliest = due;
  }
  return earliest;
}

}  // namespace gatelift
