// SPDX-License-Identifier: Apache-2.0
// What an API server says about the resources it serves: /api, /apis and one list per group and
// version.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "client/result.h"
#include "test/support/fake_kinds.h"

namespace gatelift::fake {

/// The document at a discovery path; not_served for any other.
Result<Json> discovery(const std::vector<std::shared_ptr<const Kind>>& kinds,
                       const std::string& path);

}  // namespace gatelift::fake
