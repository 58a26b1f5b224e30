// SPDX-License-Identifier: Apache-2.0
// What a person does next, by where a migration stands. Pure.
#pragma once

#include <string>
#include <vector>

#include "reconcilers/report/report.h"

namespace gatelift {

struct NextStep {
  std::string text;
  std::string command;  // may be empty
};

std::vector<NextStep> next_steps(const Report& report);

}  // namespace gatelift
