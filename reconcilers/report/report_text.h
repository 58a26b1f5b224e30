// SPDX-License-Identifier: Apache-2.0
// A Report as people read it without a browser. Pure.
#pragma once

#include "reconcilers/report/report.h"

namespace gatelift {

/// A paragraph for each part, a line for each CRD, object, check and moment. Values from the
/// cluster are as they are: whoever prints it on a terminal shows control characters as something
/// else.
std::string report_text(const Report& report);

}  // namespace gatelift
