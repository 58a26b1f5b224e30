// SPDX-License-Identifier: Apache-2.0
// What rules say, as people and programs read it. Pure.
#pragma once

#include <string>
#include <vector>

#include "client/json.h"
#include "reconcilers/bundle/change.h"

namespace gatelift {

/// The gravest of the verdicts, since what another rule allows does not mend them; violations in
/// upper case, and `allowed` where all is well. "no rule" where there is none.
std::string verdicts_text(const std::vector<PolicyVerdict>& verdicts, const char* allowed, bool colored);

Json verdict_json(const PolicyVerdict& verdict);

}  // namespace gatelift
