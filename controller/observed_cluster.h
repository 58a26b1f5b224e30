// SPDX-License-Identifier: Apache-2.0
// A Cluster that asks before each write whether it may be sent, and tells of each call how it
// ended.
#pragma once

#include <functional>
#include <memory>

#include "client/cluster.h"

namespace gatelift {

/// Refuses writes with Cancelled while `may_write` says no: a process that was suspended may have
/// lost its lease without having noticed. A batch is asked for at its beginning and ends with the
/// stop request that the loss of the lease makes.
class ObservedCluster : public Cluster {
 public:
  struct Hooks {
    std::function<bool()> may_write;  // empty: always
    std::function<void(std::string_view verb, int code)>
        call_ended;  // code 0: no answer; may be empty
  };

  ObservedCluster(Cluster& inner, Hooks hooks) : inner_(inner), hooks_(std::move(hooks)) {}

  Result<Json> send(const Request& request) override;
  void send_each(const Batch& batch, int in_flight) override;
  Result<std::unique_ptr<Watch>> watch(const WatchRequest& request) override;

 private:
  bool may_send(const Request& request) const;
  void tell(Verb verb, const Result<Json>& answer) const;

  Cluster& inner_;
  Hooks hooks_;
};

}  // namespace gatelift
