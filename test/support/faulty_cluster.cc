// SPDX-License-Identifier: Apache-2.0
#include "test/support/faulty_cluster.h"

namespace gatelift {
namespace {

bool counts(const Request& request) { return is_write(request.verb) && !request.dry_run; }

tl::unexpected<Error> no_answer(const Request& request, bool not_sent) {
  Error error;
  error.kind = ErrorKind::Unavailable;
  error.not_sent = not_sent;
  error.message = describe(request) + (not_sent ? ": connection refused (injected)"
                                                : ": connection reset (injected)");
  return fail(std::move(error));
}

}  // namespace

void FaultyCluster::plan(Fault fault, int nth) { faults_[num_writes_ + nth] = fault; }

void FaultyCluster::fail_all_from(int nth) { fail_all_from_ = num_writes_ + nth; }

void FaultyCluster::clear() {
  faults_.clear();
  fail_all_from_ = 0;
}

Result<Json> FaultyCluster::send(const Request& request) {
  if (!counts(request)) return inner_.send(request);
  ++num_writes_;
  auto fault = faults_.find(num_writes_);
  if (fault != faults_.end()) return send_with(fault->second, request);
  if (fail_all_from_ > 0 && num_writes_ >= fail_all_from_) return no_answer(request, true);
  return inner_.send(request);
}

Result<Json> FaultyCluster::send_with(Fault fault, const Request& request) {
  switch (fault) {
    case Fault::FailBefore:
      return no_answer(request, true);
    case Fault::FailAfter: {
      auto lost = inner_.send(request);
      static_cast<void>(lost);
      return no_answer(request, false);
    }
    case Fault::CrashBefore:
      throw CrashNow{num_writes_};
    case Fault::CrashAfter: {
      auto lost = inner_.send(request);
      static_cast<void>(lost);
      throw CrashNow{num_writes_};
    }
  }
  return inner_.send(request);
}

Result<std::unique_ptr<Watch>> FaultyCluster::watch(const WatchRequest& request) {
  return inner_.watch(request);
}

int CountingCluster::count(Verb verb) const {
  int total = 0;
  for (const auto& [call, calls] : calls_) total += call.first == verb ? calls : 0;
  return total;
}

int CountingCluster::count(Verb verb, const Resource& resource) const {
  auto it = calls_.find({verb, resource});
  return it == calls_.end() ? 0 : it->second;
}

Result<Json> CountingCluster::send(const Request& request) {
  ++calls_[{request.verb, request.resource}];
  if (is_write(request.verb) && !request.dry_run) ++num_writes_;
  return inner_.send(request);
}

Result<std::unique_ptr<Watch>> CountingCluster::watch(const WatchRequest& request) {
  ++num_watches_;
  return inner_.watch(request);
}

}  // namespace gatelift
