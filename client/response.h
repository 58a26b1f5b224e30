// SPDX-License-Identifier: Apache-2.0
// From an HTTP answer of an API server to the object in it, or to the Error that says what to do
// next. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "client/error.h"
#include "client/http.h"
#include "client/json.h"
#include "client/result.h"

namespace gatelift {

/// The object of a 2xx answer (the Status of a deletion is one), or the failure that the answer
/// describes. `call` is describe(request) and begins the message. The kind follows the Status
/// object's reason, and the HTTP code where there is no Status (plain-text answers such as "404
/// page not found" come from the API server itself) or no reason in it.
Result<Json> read_response(const HttpResponse& response, std::string_view call);

/// The text of a 2xx answer that is no object, as a JSON string; else like read_response.
Result<Json> read_text(const HttpResponse& response, std::string_view call);

/// The Error of a Status object, as answers and watches carry it. `http_status` counts where the
/// Status has no code.
Error error_of_status(const Json& status, int http_status, std::string_view call);

/// The texts of the Warning headers of an answer: `299 - "text"` (RFC 7234 §5.5) gives `text`.
std::vector<std::string> warnings_of(const HttpResponse& response);

}  // namespace gatelift
