// SPDX-License-Identifier: Apache-2.0
// A Report as JSON, both ways. `status` is what the resource has, with nothing cut; docs/report.md
// says what the rest is.
#pragma once

#include "reconcilers/report/report.h"

namespace gatelift {

Json report_json(const Report& report);

/// Error kind Invalid, naming the field.
Result<Report> parse_report(const Json& json);

}  // namespace gatelift
