// SPDX-License-Identifier: Apache-2.0
// A cluster at a chosen write of which something dies: the process, by SIGKILL, as when a node
// fails or memory runs out; or whatever the caller kills, such as the API server.
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "client/cluster.h"

namespace gatelift {

/// Where something dies.
struct Death {
  enum class When { Before, After };
  int at_write = 0;  // the first write is 1
  When when = When::After;
  std::function<void()> kill = nullptr;  // of this process, where it is empty
};

/// Sends one call at a time, so that the same run makes the same writes in the same order. Counted
/// are writes that change the cluster: no dry runs, no SelfSubjectAccessReviews, and Events only if
/// asked for. `tell` is given each counted write before it is sent. Thread-safe.
class DyingCluster : public Cluster {
 public:
  struct Settings {
    std::optional<Death> death;
    bool count_events = false;
    std::function<void(int number, const std::string& write)> tell;
  };

  DyingCluster(Cluster& cluster, Settings settings)
      : cluster_(cluster), settings_(std::move(settings)) {}

  Result<Json> send(const Request& request) override;
  Result<std::unique_ptr<Watch>> watch(const WatchRequest& request) override;

 private:
  bool counts(const Request& request) const;
  void kill_if(int number, Death::When when) const;

  Cluster& cluster_;
  const Settings settings_;
  std::mutex mutex_;
  int num_writes_ = 0;
};

}  // namespace gatelift
