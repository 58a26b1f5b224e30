// SPDX-License-Identifier: Apache-2.0
// The daemon's loop: watch -> key -> work queue -> reconcile -> requeue. Two threads: one watches,
// the caller's works; one reconcile at a time.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <stop_token>
#include <string>

#include "client/cluster.h"
#include "controller/log.h"
#include "controller/metrics.h"
#include "controller/work_queue.h"
#include "reconcilers/migration_reconciler.h"

namespace gatelift {

class Controller {
 public:
  struct Parts {
    Cluster& cluster;
    Log& log;
    Metrics& metrics;
    std::function<Result<ReconcileResult>(const std::string&)> reconcile;
    /// Waits until this process leads; false when it shall stop instead. Empty: leads at once.
    std::function<bool(std::stop_token)> wait_until_leading;
    /// Called on the working thread while leading, before the first pass and then at this interval.
    /// May be empty.
    std::function<void()> housekeeping;
    std::chrono::milliseconds housekeeping_interval{30000};
    std::chrono::milliseconds relist_delay{5000};  // after a failed list or watch
    WorkQueue::BackOff back_off{};
  };

  explicit Controller(Parts parts) : parts_(std::move(parts)), queue_(parts_.back_off) {}

  /// Works until `stop`; the pass under way is finished first.
  void run(std::stop_token stop);

  /// True from the first complete list on. From any thread.
  bool is_synced() const { return synced_; }

 private:
  using Instant = WorkQueue::Instant;

  /// What a person or another program may change; our own status writes change none of it.
  struct Seen {
    std::string uid;
    std::int64_t generation = 0;
    std::string rollback;
    bool deleting = false;
    bool operator==(const Seen&) const = default;
  };

  void watch(std::stop_token stop);
  Result<std::string> list();
  Result<void> follow(const std::string& resource_version, std::stop_token stop);
  void saw(const Json& object);
  void saw_deletion(const std::string& name);
  void pause(std::stop_token stop, std::chrono::milliseconds duration);

  void work(std::stop_token stop);
  void handle(const std::string& key);
  void conclude(const std::string& key, const Result<ReconcileResult>& result);
  bool is_news(const std::string& key, const ReconcileResult& result);

  Parts parts_;
  std::atomic<bool> synced_{false};
  std::mutex mutex_;  // guards queue_ and seen_
  std::condition_variable_any wake_;
  WorkQueue queue_;
  std::map<std::string, Seen> seen_;
  std::map<std::string, std::string> told_;  // working thread: the last state told of each key
};

}  // namespace gatelift
