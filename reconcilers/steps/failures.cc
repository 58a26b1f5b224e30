// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/steps/failures.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace gatelift {
namespace {

constexpr std::size_t kKept = 20;

bool interrupts(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::Unavailable:
    case ErrorKind::Cancelled:
    case ErrorKind::Conflict:
    case ErrorKind::Expired:
    case ErrorKind::Unauthorized: return true;
    case ErrorKind::AlreadyExists:
    case ErrorKind::NotFound:
    case ErrorKind::Invalid:
    case ErrorKind::Forbidden:
    case ErrorKind::Internal: return false;
  }
  return false;
}

}  // namespace

bool is_transient(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::Unavailable:
    case ErrorKind::Conflict:
    case ErrorKind::Expired:
    case ErrorKind::NotFound:
    case ErrorKind::AlreadyExists:
    case ErrorKind::Cancelled:
      return true;
    case ErrorKind::Invalid:
    case ErrorKind::Forbidden:
    case ErrorKind::Unauthorized:
    case ErrorKind::Internal:
      return false;
  }
  return false;
}

void ObjectFailures::note(std::string object, const Error& error) {
  if (interrupts(error.kind)) {
    bool cancelled = interruption_ && interruption_->is(ErrorKind::Cancelled);
    if (!cancelled) interruption_ = wrap(error, object);
    return;
  }
  std::string reason = error.reason.empty() ? std::string(to_string(error.kind)) : error.reason;
  refusals_.push_back({std::move(object), std::move(reason), error.message});
}

void ObjectFailures::add(ObjectFailures others) {
  std::move(others.refusals_.begin(), others.refusals_.end(), std::back_inserter(refusals_));
  const bool cancelled = interruption_ && interruption_->is(ErrorKind::Cancelled);
  if (others.interruption_ && !cancelled) interruption_ = std::move(others.interruption_);
}

Result<StepOutcome> ObjectFailures::outcome(Run& run, std::string reason,
                                            std::string_view verb) const {
  if (interruption_) return fail(*interruption_);
  if (refusals_.empty()) {
    run.record().failures.clear();
    return StepOutcome::progressed();
  }
  std::string message = std::string(verb) + " " + std::to_string(refusals_.size()) +
                        (refusals_.size() == 1 ? " object" : " objects") + " failed, first " +
                        refusals_.front().object + ": " + refusals_.front().message +
                        "; it is tried again until it succeeds, and what failed is in the backup";
  auto end = refusals_.begin() +
             static_cast<std::ptrdiff_t>(std::min(refusals_.size(), kKept));
  run.record().failures.assign(refusals_.begin(), end);
  run.failures = refusals_;
  return StepOutcome::stalled(std::move(reason), std::move(message));
}

}  // namespace gatelift
