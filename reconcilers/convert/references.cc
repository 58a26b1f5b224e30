// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/convert/references.h"

#include <algorithm>

namespace gatelift {
namespace {

constexpr const char* kLists[] = {"parentRefs", "targetRefs", "from"};

bool names(const Json& reference, const std::string& group, const std::string& kind) {
  return string_at(reference, "group") == group && string_at(reference, "kind") == kind;
}

Json twin_of(const Json& reference, const ReferenceMove& move) {
  Json twin = reference;
  twin["group"] = move.to_group;
  twin["kind"] = move.to_kind;
  return twin;
}

bool contains(const Json& list, const Json& reference) {
  return std::ranges::find(list, reference) != list.end();
}

/// The list as it shall be.
Json moved(const Json& list, const ReferenceMove& move) {
  Json result = Json::array();
  for (const Json& each : list) {
    const bool is_old = names(each, move.from_group, move.from_kind);
    const bool has_twin = is_old && contains(list, twin_of(each, move));
    if (move.part == ReferenceMove::Part::Drop && has_twin) continue;
    result.push_back(each);
    if (move.part == ReferenceMove::Part::Add && is_old && !has_twin) {
      result.push_back(twin_of(each, move));
    }
  }
  return result;
}

}  // namespace

void move_references(const std::vector<ReferenceMove>& moves, Intention& intention) {
  for (const ReferenceMove& move : moves) {
    for (const char* list : kLists) {
      const Json before = array_at(intention.object, "spec", list);
      Json after = moved(before, move);
      if (after == before) continue;
      const bool adds = move.part == ReferenceMove::Part::Add;
      const std::string path = std::string("spec.") + list;
      intention.changes.push_back({FieldChange::Kind::Repaired, path, "", shortened(before),
                                   adds ? "what names a " + move.from_kind + " names the " +
                                              move.to_kind + " that is made in its place as well"
                                        : "the " + move.from_kind + " goes, and the " +
                                              move.to_kind + " in its place is named already",
                                   false});
      intention.object["spec"][list] = std::move(after);
    }
  }
}

}  // namespace gatelift
