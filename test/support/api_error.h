// SPDX-License-Identifier: Apache-2.0
// The failures of an API server. Texts follow the server's; match on reason, code and causes.
// Inside the fake an Error carries the server's words only; `answered` turns it into what a caller
// of Cluster gets.
#pragma once

#include <string>
#include <string_view>

#include "client/object.h"
#include "client/result.h"

namespace gatelift::fake {

/// An answer of `code` with this Status reason, message and causes.
Error api_error(int code, std::string reason, std::string message, std::vector<Cause> causes = {});

/// The failure as client/ reads it from the wire; `call` is describe(request).
Error answered(const Error& error, const std::string& call);

/// "widgets.example.com" or, for the core group, "secrets".
std::string qualified(std::string_view group, std::string_view plural);

/// The plain-text answer for a path that nothing serves.
Error not_served();
Error not_found(const std::string& qualified_resource, const std::string& name);
Error already_exists(const std::string& qualified_resource, const std::string& name);
Error conflict(const std::string& qualified_resource, const std::string& name,
               const std::string& why);
Error object_modified(const std::string& qualified_resource, const std::string& name);
Error forbidden(const std::string& qualified_resource, const std::string& name,
                const std::string& why, std::vector<Cause> causes = {});
Error bad_request(const std::string& message);
/// 422 with one cause per finding.
Error invalid(const std::string& qualified_kind, const std::string& name,
              std::vector<Cause> causes);
Error expired(const std::string& message);
/// The 500 without a reason that unexpected failures in the server end as.
Error internal(const std::string& message);

}  // namespace gatelift::fake
