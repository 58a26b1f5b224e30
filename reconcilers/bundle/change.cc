// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/bundle/change.h"

#include <algorithm>
#include <array>

namespace gatelift {
namespace {

using std::string_view_literals::operator""sv;

// In the order of the enumerations, whose last values the assertions name.
constexpr std::array kKinds{
    "CrdAdded"sv,           "CrdRemoved"sv,     "CrdChanged"sv,   "PolicyChanged"sv,
    "VersionAdded"sv,       "VersionRemoved"sv, "Served"sv,       "Unserved"sv,
    "StorageMoved"sv,       "Deprecated"sv,     "Undeprecated"sv, "SubresourceAdded"sv,
    "SubresourceRemoved"sv, "ColumnsChanged"sv, "FieldAdded"sv,   "FieldRemoved"sv,
    "FieldRetyped"sv,       "DefaultChanged"sv, "Tightened"sv,    "Loosened"sv,
    "Revalidated"sv,        "MergeChanged"sv};
static_assert(kKinds.size() == static_cast<std::size_t>(ChangeKind::MergeChanged) + 1);

constexpr std::array kRules{"P1"sv, "P2"sv, "P3"sv, "P4"sv, "M1"sv, "M2"sv, "M3"sv, "M4"sv, "M5"sv,
                            "M6"sv, "M7"sv, "M8"sv, "MJ"sv, "X1"sv, "X2"sv, "X3"sv, "A1"sv, "A2"sv};
static_assert(kRules.size() == static_cast<std::size_t>(Rule::A2) + 1);

}  // namespace

std::string_view to_string(ChangeKind kind) { return kKinds.at(static_cast<std::size_t>(kind)); }

std::string_view to_string(Rule rule) { return kRules.at(static_cast<std::size_t>(rule)); }

std::string_view to_string(Ruling ruling) {
  switch (ruling) {
    case Ruling::Allowed:
      return "Allowed";
    case Ruling::Violates:
      return "Violates";
    case Ruling::NotDecidable:
      return "NotDecidable";
  }
  return "";
}

std::optional<Ruling> gravest(const std::vector<PolicyVerdict>& verdicts) {
  const auto has = [&](Ruling ruling) {
    return std::ranges::any_of(verdicts,
                               [&](const PolicyVerdict& v) { return v.ruling == ruling; });
  };
  if (has(Ruling::Violates)) return Ruling::Violates;
  if (has(Ruling::NotDecidable)) return Ruling::NotDecidable;
  if (verdicts.empty()) return std::nullopt;
  return Ruling::Allowed;
}

}  // namespace gatelift
