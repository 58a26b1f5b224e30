// SPDX-License-Identifier: Apache-2.0
#include "client/error.h"

#include <algorithm>

namespace gatelift {

std::string_view to_string(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::Unavailable:
      return "Unavailable";
    case ErrorKind::Conflict:
      return "Conflict";
    case ErrorKind::AlreadyExists:
      return "AlreadyExists";
    case ErrorKind::NotFound:
      return "NotFound";
    case ErrorKind::Expired:
      return "Expired";
    case ErrorKind::Invalid:
      return "Invalid";
    case ErrorKind::Forbidden:
      return "Forbidden";
    case ErrorKind::Unauthorized:
      return "Unauthorized";
    case ErrorKind::Cancelled:
      return "Cancelled";
    case ErrorKind::Internal:
      return "Internal";
  }
  return "Internal";
}

bool Error::has_cause(std::string_view cause_reason) const {
  return std::any_of(causes.begin(), causes.end(),
                     [&](const Cause& cause) { return cause.reason == cause_reason; });
}

Error wrap(Error error, std::string_view context) {
  error.message = std::string(context) + ": " + error.message;
  return error;
}

}  // namespace gatelift
