// SPDX-License-Identifier: Apache-2.0
#include "controller/observed_cluster.h"

#include <vector>

namespace gatelift {
namespace {

constexpr int kOk = 200;

/// Reviews are creates by name only, and a dry run changes nothing.
bool changes_something(const Request& request) {
  return is_write(request.verb) && !request.dry_run &&
         request.resource.group != "authorization.k8s.io";
}

tl::unexpected<Error> not_leading(const Request& request) {
  return fail(ErrorKind::Cancelled, describe(request) + ": not sent, as the lease was lost");
}

}  // namespace

Result<Json> ObservedCluster::send(const Request& request) {
  if (!may_send(request)) return not_leading(request);
  auto answer = inner_.send(request);
  tell(request.verb, answer);
  return answer;
}

void ObservedCluster::send_each(const Batch& batch, int in_flight) {
  if (batch.size == 0) return;
  // The verbs of a batch are known only as its calls are asked for, and answers come in any order.
  std::vector<Verb> verbs(batch.size, Verb::Get);
  Batch observed = batch;
  std::optional<Request> first = batch.request(0);
  if (!may_send(*first)) {
    batch.done(0, not_leading(*first));
    for (std::size_t i = 1; i < batch.size; ++i) batch.done(i, not_leading(batch.request(i)));
    return;
  }
  observed.request = [&](std::size_t i) {
    Request request = i == 0 ? *std::move(first) : batch.request(i);
    verbs[i] = request.verb;
    return request;
  };
  observed.done = [&](std::size_t i, Result<Json> answer) {
    tell(verbs[i], answer);
    batch.done(i, std::move(answer));
  };
  inner_.send_each(observed, in_flight);
}

Result<std::unique_ptr<Watch>> ObservedCluster::watch(const WatchRequest& request) {
  return inner_.watch(request);
}

bool ObservedCluster::may_send(const Request& request) const {
  return !changes_something(request) || !hooks_.may_write || hooks_.may_write();
}

void ObservedCluster::tell(Verb verb, const Result<Json>& answer) const {
  if (!hooks_.call_ended) return;
  hooks_.call_ended(to_string(verb), answer ? kOk : answer.error().http_status);
}

}  // namespace gatelift
