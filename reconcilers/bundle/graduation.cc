// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/bundle/graduation.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "reconcilers/bundle/bundle_diff.h"
#include "reconcilers/bundle/schema_diff.h"

namespace gatelift {
namespace {

/// Few names say it; the rest of a new API is counted.
constexpr std::size_t kNamed = 3;

bool is_within(const std::string& path, const std::string& parent) {
  if (parent.empty() || path == parent) return true;
  return path.starts_with(parent) &&
         std::string_view(".[{").find(path[parent.size()]) != std::string_view::npos;
}

std::vector<std::string> missing_fields(const Json& now, const Json& before,
                                        const std::string& parent) {
  const auto known = schema_paths(before);
  const std::set<std::string> there(known.begin(), known.end());
  std::vector<std::string> missing;
  for (const std::string& path : schema_paths(now)) {
    if (!is_within(path, parent) || there.contains(path)) continue;
    // Fields below one that is missing follow it.
    if (missing.empty() || !is_within(path, missing.back())) missing.push_back(path);
  }
  return missing;
}

std::vector<std::string> missing_in_version(const Json& now, const Json& before,
                                            const std::string& version, const std::string& parent) {
  const Json* entry = version_entry(now, version);
  const Json* old_entry = version_entry(before, version);
  if (entry == nullptr) return {};
  if (old_entry == nullptr) return {version};
  return missing_fields(schema_of_version(*entry), schema_of_version(*old_entry), parent);
}

std::string names_text(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), kNamed); ++i) {
    text += (i == 0 ? "" : ", ") + names[i];
  }
  if (names.size() > kNamed) text += " and " + std::to_string(names.size() - kNamed) + " more";
  return text;
}

}  // namespace

std::string not_experimental_before(const Change& change, const Json& now, const Json& before) {
  if (before.is_null()) return "the CRD";
  if (change.kind != ChangeKind::CrdAdded) {
    return names_text(missing_in_version(now, before, change.version, change.path));
  }
  std::vector<std::string> all;
  for (const Json& entry : array_at(now, "spec", "versions")) {
    const auto missing = missing_in_version(now, before, string_at(entry, "name"), "");
    all.insert(all.end(), missing.begin(), missing.end());
  }
  return names_text(all);
}

}  // namespace gatelift
