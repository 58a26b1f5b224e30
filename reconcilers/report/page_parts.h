// SPDX-License-Identifier: Apache-2.0
// Parts of the values of page.html, for page_values.cc. Each is null where a page has no such part.
#pragma once

#include <string>
#include <vector>

#include "reconcilers/report/report_html.h"

namespace gatelift::page {

inline constexpr const char* kHasAll = "-o json instead of -o html has all";

std::string number(std::size_t count);
/// "1 object", "2 objects".
std::string num(std::size_t count, const char* one);
/// "and 3 more objects: COMMAND shows them"; "" for 0.
std::string more_text(std::size_t count, const char* one, const std::string& where);

/// "httproutes" and ".gateway.networking.k8s.io" of a CRD's name, for a line break between the two.
std::string plural_of(const std::string& crd);
std::string group_of(const std::string& crd);

Json crds_of(const Report& report);
/// The strategies side by side.
Json strategies_of(const Plan& plan);
/// Counts by CRD, and objects by kind.
Json objects_of(const Report& report, const PageBounds& bounds);
Json failures_of(const Report& report, const PageBounds& bounds);
/// Objects before and after.
Json changes_of(const Report& report, const PageBounds& bounds);
Json timeline_of(const Record& record);

}  // namespace gatelift::page
