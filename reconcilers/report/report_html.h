// SPDX-License-Identifier: Apache-2.0
// A Report as one HTML page that needs nothing else: no script, no other file, no network. Pure.
#pragma once

#include "reconcilers/report/report.h"

namespace gatelift {

/// How much of each list a page has; what is left out is counted, with the command that shows it.
struct PageBounds {
  std::size_t objects_per_kind = 1000;
  std::size_t checks_per_code = 200;
  std::size_t diffs = 200;
  std::size_t diff_bytes = 1'000'000;  // of all diffs together
  std::size_t failures = 500;
};

/// Everything that comes from the cluster is escaped. Error kind Internal where the page's own
/// template is broken.
Result<std::string> report_html(const Report& report, const PageBounds& bounds = {});

/// What the page's template is filled with (page.html). For report_html and its tests.
Json page_values(const Report& report, const PageBounds& bounds);

}  // namespace gatelift
