// SPDX-License-Identifier: Apache-2.0
// HTTP messages as plain values, between the Kubernetes side (request.h, response.h) and the
// transports.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gatelift {

struct HttpRequest {
  std::string method;
  std::string target;  // path and query, percent-encoded
  std::string accept;
  std::string content_type;  // "" when there is no body
  std::string body;
};

struct HttpResponse {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // as received, duplicates kept
  std::string body;

  /// The first header of this name, compared without case; "" when there is none.
  std::string_view header(std::string_view name) const;
};

}  // namespace gatelift
