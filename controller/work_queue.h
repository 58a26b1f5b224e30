// SPDX-License-Identifier: Apache-2.0
// Which migration is looked at next. A key is held once however often it is added, is never handed
// out twice at once, and comes back later each time it fails. Pure: time is an argument, and the
// caller locks.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>

namespace gatelift {

class WorkQueue {
 public:
  using Instant = std::chrono::steady_clock::time_point;
  using Delay = std::chrono::milliseconds;

  struct BackOff {
    Delay first{1000};
    Delay longest{300000};
  };

  WorkQueue() = default;
  explicit WorkQueue(BackOff back_off) : back_off_(back_off) {}

  /// Makes `key` due after `delay`, or leaves it due earlier if it already is. A key that is being
  /// worked on becomes due when it is done and not before.
  void add(const std::string& key, Instant now, Delay delay = Delay{0});

  /// Makes a failed key due after its own back-off: twice as long each time until forget().
  void add_after_failure(const std::string& key, Instant now);

  /// The next failure of `key` counts as its first.
  void forget(const std::string& key);

  /// The key that has been due longest, which is then being worked on until done(); nullopt when
  /// none is due.
  std::optional<std::string> take(Instant now);
  void done(const std::string& key);

  /// When the next key can be taken; nullopt when there is none to wait for.
  std::optional<Instant> next_due() const;

  /// Keys waiting, without those being worked on.
  std::size_t size() const { return due_.size(); }

 private:
  BackOff back_off_;
  std::map<std::string, Instant> due_;
  std::set<std::string> working_;
  std::map<std::string, int> failures_;
};

}  // namespace gatelift
