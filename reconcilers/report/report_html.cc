// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/report/report_html.h"

#include "reconcilers/report/html_template.h"

namespace gatelift {

std::string_view page_template();  // page.html, see CMakeLists.txt

Result<std::string> report_html(const Report& report, const PageBounds& bounds) {
  return fill_html(page_template(), page_values(report, bounds));
}

}  // namespace gatelift
