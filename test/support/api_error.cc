// SPDX-License-Identifier: Apache-2.0
#include "test/support/api_error.h"

#include "client/http.h"
#include "client/response.h"

namespace gatelift::fake {
namespace {

constexpr std::string_view kNotServed = "404 page not found";

std::string quoted(const std::string& text) { return "\"" + text + "\""; }

}  // namespace

Error api_error(int code, std::string reason, std::string message, std::vector<Cause> causes) {
  Error error;
  error.message = std::move(message);
  error.http_status = code;
  error.reason = std::move(reason);
  error.causes = std::move(causes);
  return error;
}

Error answered(const Error& error, const std::string& call) {
  HttpResponse response;
  response.status = error.http_status;
  if (error.retry_after) {
    response.headers.emplace_back("Retry-After", std::to_string(error.retry_after->count()));
  }
  if (error.message == kNotServed) {
    response.body = error.message;
    return read_response(response, call).error();
  }
  Json status = {
      {"apiVersion", "v1"             },
      {"kind",       "Status"         },
      {"status",     "Failure"        },
      {"message",    error.message    },
      {"code",       error.http_status}
  };
  if (!error.reason.empty()) status["reason"] = error.reason;
  for (const Cause& cause : error.causes) {
    status["details"]["causes"].push_back({
        {"reason",  cause.reason },
        {"field",   cause.field  },
        {"message", cause.message}
    });
  }
  response.body = print_json(status);
  return read_response(response, call).error();
}

std::string qualified(std::string_view group, std::string_view plural) {
  std::string out(plural);
  if (!group.empty()) out.append(".").append(group);
  return out;
}

Error not_served() { return api_error(404, "", std::string(kNotServed)); }

Error not_found(const std::string& qualified_resource, const std::string& name) {
  return api_error(404, "NotFound", qualified_resource + " " + quoted(name) + " not found");
}

Error already_exists(const std::string& qualified_resource, const std::string& name) {
  return api_error(409, "AlreadyExists",
                   qualified_resource + " " + quoted(name) + " already exists");
}

Error conflict(const std::string& qualified_resource, const std::string& name,
               const std::string& why) {
  return api_error(
      409, "Conflict",
      "Operation cannot be fulfilled on " + qualified_resource + " " + quoted(name) + ": " + why);
}

Error object_modified(const std::string& qualified_resource, const std::string& name) {
  return conflict(qualified_resource, name,
                  "the object has been modified; please apply your changes to the latest version "
                  "and try again");
}

Error forbidden(const std::string& qualified_resource, const std::string& name,
                const std::string& why, std::vector<Cause> causes) {
  std::string what = name.empty() ? qualified_resource : qualified_resource + " " + quoted(name);
  return api_error(403, "Forbidden", what + " is forbidden: " + why, std::move(causes));
}

Error bad_request(const std::string& message) { return api_error(400, "BadRequest", message); }

Error invalid(const std::string& qualified_kind, const std::string& name,
              std::vector<Cause> causes) {
  std::string findings;
  for (const Cause& cause : causes) {
    findings += (findings.empty() ? "" : ", ") + cause.field + ": " + cause.message;
  }
  if (causes.size() > 1) findings = "[" + findings + "]";
  return api_error(422, "Invalid", qualified_kind + " " + quoted(name) + " is invalid: " + findings,
                   std::move(causes));
}

Error expired(const std::string& message) { return api_error(410, "Expired", message); }

Error internal(const std::string& message) { return api_error(500, "", message); }

}  // namespace gatelift::fake
