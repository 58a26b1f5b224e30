// SPDX-License-Identifier: Apache-2.0
// Label and field selectors of lists and watches, as far as the in-memory API server knows them.
#pragma once

#include <string>

#include "client/json.h"
#include "client/result.h"

namespace gatelift::fake {

/// Whether the object matches `labels` (a=b, a==b, a!=b, a, !a, joined by commas) and `fields`
/// (metadata.name=x and metadata.namespace=x). A 400 for anything else, so that an unknown selector
/// never matches by accident.
Result<bool> selects(const std::string& labels, const std::string& fields, const Json& object);

}  // namespace gatelift::fake
