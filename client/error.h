// SPDX-License-Identifier: Apache-2.0
// What can go wrong when speaking to an API server, named by what the caller does next.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gatelift {

enum class ErrorKind {
  Unavailable,    // network, overload or a server starting: back off and repeat
  Conflict,       // the object changed since it was read: observe again now
  AlreadyExists,  // a create met an object of that name: get it and compare
  NotFound,       // often fine; a deletion that meets it has succeeded
  Expired,        // 410: the list or watch must start again from nothing
  Invalid,        // this request can never succeed as it is
  Forbidden,      // a permission, a quota or an admission policy says no
  Unauthorized,   // the credentials are not accepted, also after reading them again
  Cancelled,      // we were asked to stop: unwind quietly
  Internal,       // our own defect, or an answer that is not Kubernetes'
};

/// Returns the enumerator's name, for logs and conditions.
std::string_view to_string(ErrorKind kind);

/// One entry of a Status object's details.causes.
struct Cause {
  std::string reason;
  std::string field;
  std::string message;
};

/// An expected failure. `message` is lower case, without a full stop, and names the object and the verb; the server's
/// own words are in it as such. `reason` and `causes` are the API server's (metav1.Status): match these and never texts.
struct Error {
  ErrorKind kind = ErrorKind::Internal;
  std::string message;
  int http_status = 0;  // 0 when no answer came
  std::string reason;   // metav1.StatusReason, may be empty (or kTlsFailure of client/transport.h)
  std::vector<Cause> causes;
  std::optional<std::chrono::seconds> retry_after;
  bool not_sent = false;  // the call surely did not reach the API server: repeating it repeats nothing

  bool is(ErrorKind k) const { return kind == k; }
  /// True when any cause has this reason, for instance "NamespaceTerminating".
  bool has_cause(std::string_view cause_reason) const;
};

/// Returns `error` with "context: " put before its message.
Error wrap(Error error, std::string_view context);

}  // namespace gatelift
