// SPDX-License-Identifier: Apache-2.0
#include "client/retry.h"

#include <algorithm>

namespace gatelift {
namespace {

using std::chrono::milliseconds;

constexpr int kMaxAttempts = 5;
constexpr int kMaxAttemptsWhenAsked = 10;  // with Retry-After, as client-go
constexpr milliseconds kFirstDelay{100};
constexpr milliseconds kMaxDelay{5000};
constexpr double kJitterAfterAsked =
    250;  // ms: keeps a batch that was told "1 s" from coming back as one

bool is_guarded_merge_patch(const Json& patch) {
  return !resource_version_of(patch).empty() || !uid_of(patch).empty();
}

/// A test of resourceVersion makes the second application fail; one of uid does not keep an "add"
/// from adding twice.
bool is_guarded_json_patch(const Json& patch) {
  return std::any_of(patch.begin(), patch.end(), [](const Json& operation) {
    return string_at(operation, "op") == "test" &&
           string_at(operation, "path") == "/metadata/resourceVersion";
  });
}

milliseconds backoff(int attempt, double jitter) {
  const int doublings = std::min(attempt - 1, 10);
  const milliseconds full = std::min(kFirstDelay * (1 << doublings), kMaxDelay);
  const double factor = 0.5 + jitter / 2;
  return milliseconds(static_cast<milliseconds::rep>(static_cast<double>(full.count()) * factor));
}

}  // namespace

bool is_repeatable(const Request& request) {
  if (request.dry_run) return true;
  switch (request.verb) {
    case Verb::Get:
    case Verb::List:
    case Verb::Apply:
    case Verb::Delete:
      return true;
    case Verb::Create:
      // generateName, and subresources such as eviction or token, make something new each time.
      return request.subresource.empty() && !string_at(request.body, "metadata", "name").empty();
    case Verb::Replace:
      return !resource_version_of(request.body).empty();
    case Verb::MergePatch:
      return is_guarded_merge_patch(request.body);
    case Verb::JsonPatch:
      return is_guarded_json_patch(request.body);
  }
  return false;
}

std::optional<milliseconds> retry_delay(const Request& request, const Error& error, int attempt,
                                        double jitter) {
  if (!error.is(ErrorKind::Unavailable)) return std::nullopt;
  const bool was_refused_unread = error.not_sent || error.http_status == 429;
  if (!was_refused_unread && !is_repeatable(request)) return std::nullopt;
  if (attempt >= (error.retry_after ? kMaxAttemptsWhenAsked : kMaxAttempts)) return std::nullopt;
  if (!error.retry_after) return backoff(attempt, jitter);
  const auto extra = static_cast<milliseconds::rep>(jitter * kJitterAfterAsked);
  return milliseconds(*error.retry_after) + milliseconds(extra);
}

}  // namespace gatelift
