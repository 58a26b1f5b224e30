// SPDX-License-Identifier: Apache-2.0
// Keeps the process's Lease on a thread of its own, so that a renewal never waits behind a
// reconcile.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

#include "client/cluster.h"
#include "controller/lease.h"

namespace gatelift {

/// Competes for the lease from start() on. All functions may be called from any thread.
class LeaseRunner {
 public:
  /// What others may want to know while nobody leads here.
  struct View {
    bool leading = false;
    bool lost = false;
    std::string other_holder;
    bool other_is_alive = false;
    std::string problem;  // why the last attempt failed; "" when it did not
  };

  /// `changed` is called on the lease thread each time the view changes. `cluster` must still
  /// answer after the process was asked to stop, since the lease is kept until the work is over.
  LeaseRunner(Cluster& cluster, LeaseSettings settings, std::function<void(const View&)> changed);
  ~LeaseRunner();

  void start();

  View view() const;

  /// True when a write may be sent now. Looks at the clock, so that a process that was suspended
  /// notices on waking up.
  bool may_write() const;

  /// Waits until this process leads (true), or until `stop` or the loss of the lease (false).
  bool wait_until_leading(std::stop_token stop);

  /// Ends the thread and gives the lease back. Call it after all work has stopped.
  void release();

 private:
  void run(std::stop_token stop);
  void attempt();
  void perform(const LeaseAction& action);
  void write(Request request, LeaseMachine::Instant sent);
  View view_locked() const;

  Cluster& cluster_;
  LeaseSettings settings_;
  std::function<void(const View&)> changed_;
  mutable std::mutex mutex_;  // guards all below
  std::condition_variable_any wake_;
  LeaseMachine machine_;
  std::string problem_;
  std::jthread thread_;
};

/// "HOST_UUID", as client-go names its candidates.
std::string lease_identity();

}  // namespace gatelift
