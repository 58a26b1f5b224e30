// SPDX-License-Identifier: Apache-2.0
#include "test/crash/dying_cluster.h"

#include <csignal>

namespace gatelift {

bool DyingCluster::counts(const Request& request) const {
  if (!is_write(request.verb) || request.dry_run) return false;
  if (request.resource == resources::kSelfSubjectAccessReviews) return false;
  return request.resource != resources::kEvents || settings_.count_events;
}

void DyingCluster::kill_if(int number, Death::When when) const {
  if (!settings_.death || settings_.death->at_write != number || settings_.death->when != when) {
    return;
  }
  if (settings_.death->kill) {
    settings_.death->kill();
  } else {
    std::raise(SIGKILL);
  }
}

Result<Json> DyingCluster::send(const Request& request) {
  const std::lock_guard lock(mutex_);
  if (!counts(request)) return cluster_.send(request);
  const int number = ++num_writes_;
  if (settings_.tell) settings_.tell(number, describe(request));
  kill_if(number, Death::When::Before);
  auto answer = cluster_.send(request);
  kill_if(number, Death::When::After);
  return answer;
}

Result<std::unique_ptr<Watch>> DyingCluster::watch(const WatchRequest& request) {
  return cluster_.watch(request);
}

}  // namespace gatelift
