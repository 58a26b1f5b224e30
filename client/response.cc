// SPDX-License-Identifier: Apache-2.0
#include "client/response.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <optional>
#include <utility>

namespace gatelift {
namespace {

constexpr std::size_t kMaxQuotedBytes = 300;

// metav1.StatusReason. 409 is two things: AlreadyExists (also while the object of that name is
// being deleted) and Conflict. InternalError is mostly a webhook that did not answer, so that
// repeating it is right.
constexpr std::array<std::pair<std::string_view, ErrorKind>, 19> kReasons{
    {
     {"Unauthorized", ErrorKind::Unauthorized},
     {"Forbidden", ErrorKind::Forbidden},
     {"NotFound", ErrorKind::NotFound},
     {"AlreadyExists", ErrorKind::AlreadyExists},
     {"Conflict", ErrorKind::Conflict},
     {"Gone", ErrorKind::Expired},
     {"Expired", ErrorKind::Expired},
     {"Invalid", ErrorKind::Invalid},
     {"BadRequest", ErrorKind::Invalid},
     {"MethodNotAllowed", ErrorKind::Invalid},
     {"NotAcceptable", ErrorKind::Invalid},
     {"UnsupportedMediaType", ErrorKind::Invalid},
     {"RequestEntityTooLarge", ErrorKind::Invalid},
     {"ServerTimeout", ErrorKind::Unavailable},
     {"Timeout", ErrorKind::Unavailable},
     {"TooManyRequests", ErrorKind::Unavailable},
     {"InternalError", ErrorKind::Unavailable},
     {"ServiceUnavailable", ErrorKind::Unavailable},
     {"StorageReadError", ErrorKind::Unavailable},
     }
};

ErrorKind kind_of_code(int code) {
  switch (code) {
    case 401:
      return ErrorKind::Unauthorized;
    case 403:
      return ErrorKind::Forbidden;
    case 404:
      return ErrorKind::NotFound;
    case 408:
    case 429:
      return ErrorKind::Unavailable;
    case 409:
      return ErrorKind::Conflict;
    case 410:
      return ErrorKind::Expired;
    default:
      break;
  }
  if (code >= 500) return ErrorKind::Unavailable;
  return code >= 400 ? ErrorKind::Invalid : ErrorKind::Internal;
}

ErrorKind kind_of_status(std::string_view reason, int code) {
  const auto* row = std::find_if(kReasons.begin(), kReasons.end(),
                                 [&](const auto& entry) { return entry.first == reason; });
  return row != kReasons.end() ? row->second : kind_of_code(code);
}

std::optional<std::chrono::seconds> seconds_of(std::string_view text) {
  int seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || end != text.data() + text.size() || seconds < 0) return std::nullopt;
  return std::chrono::seconds(seconds);
}

/// The beginning of a text that is not a Status object, on one line.
std::string excerpt(std::string_view text) {
  std::string line(text.substr(0, kMaxQuotedBytes));
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  }
  const std::size_t end = line.find_last_not_of(' ');
  line.resize(end == std::string::npos ? 0 : end + 1);
  if (text.size() > kMaxQuotedBytes) line += "…";
  return line;
}

std::string headline(std::string_view call, int code, std::string_view reason) {
  std::string text = std::string(call) + ": " + std::to_string(code);
  if (!reason.empty()) text += " " + std::string(reason);
  return text;
}

Error error_of_plain_answer(const HttpResponse& response, std::string_view call) {
  Error error;
  error.kind = kind_of_code(response.status);
  error.http_status = response.status;
  error.message = headline(call, response.status, {});
  if (response.status >= 300 && response.status < 400) {
    error.message +=
        ": redirects are not followed (to " + excerpt(response.header("Location")) + ")";
  } else if (const std::string text = excerpt(response.body); !text.empty()) {
    error.message += ": " + text;
  }
  return error;
}

bool is_failure_status(const Json& json) {
  return string_at(json, "kind") == "Status" && string_at(json, "status") == "Failure";
}

Error error_of_answer(const HttpResponse& response, const Json* json, std::string_view call) {
  Error error = json != nullptr && string_at(*json, "kind") == "Status"
                    ? error_of_status(*json, response.status, call)
                    : error_of_plain_answer(response, call);
  if (const auto seconds = seconds_of(response.header("Retry-After"))) error.retry_after = seconds;
  return error;
}

}  // namespace

Error error_of_status(const Json& status, int http_status, std::string_view call) {
  Error error;
  error.http_status = static_cast<int>(int_at(status, http_status, "code"));
  error.reason = string_at(status, "reason");
  error.kind = kind_of_status(error.reason, error.http_status);
  error.message = headline(call, error.http_status, error.reason);
  if (const std::string text = string_at(status, "message"); !text.empty()) {
    error.message += ": " + text;
  }
  for (const Json& cause : array_at(status, "details", "causes")) {
    error.causes.push_back(
        {string_at(cause, "reason"), string_at(cause, "field"), string_at(cause, "message")});
  }
  if (const auto seconds = int_at(status, 0, "details", "retryAfterSeconds"); seconds > 0) {
    error.retry_after = std::chrono::seconds(seconds);
  }
  return error;
}

Result<Json> read_response(const HttpResponse& response, std::string_view call) {
  const bool is_success = response.status >= 200 && response.status < 300;
  auto json = parse_json(response.body);
  if (!is_success) return fail(error_of_answer(response, json ? &*json : nullptr, call));
  if (!json || !json->is_object()) {
    Error error;
    error.http_status = response.status;
    error.message = headline(call, response.status, {}) +
                    ": the answer is not a Kubernetes object: " +
                    (json ? excerpt(response.body) : json.error().message);
    return fail(std::move(error));
  }
  if (is_failure_status(*json)) return fail(error_of_status(*json, response.status, call));
  return json;
}

Result<Json> read_text(const HttpResponse& response, std::string_view call) {
  if (response.status >= 200 && response.status < 300) return Json(response.body);
  const auto json = parse_json(response.body);
  return fail(error_of_answer(response, json ? &*json : nullptr, call));
}

std::vector<std::string> warnings_of(const HttpResponse& response) {
  std::vector<std::string> warnings;
  for (const auto& [name, value] : response.headers) {
    if (HttpResponse{0, {{name, value}}, {}}.header("Warning").empty()) continue;
    const std::size_t open = value.find('"');
    if (value.compare(0, 4, "299 ") != 0 || open == std::string::npos) continue;
    std::string text;
    for (std::size_t i = open + 1; i < value.size() && value[i] != '"'; ++i) {
      if (value[i] == '\\' && i + 1 < value.size()) ++i;
      text += value[i];
    }
    warnings.push_back(std::move(text));
  }
  return warnings;
}

}  // namespace gatelift
