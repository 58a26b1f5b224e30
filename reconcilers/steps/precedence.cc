// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/steps/precedence.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <tuple>

namespace gatelift {
namespace {

std::string target_name(const Json& object, const Json& ref) {
  return string_at(object, "metadata", "namespace") + "|" + string_at(ref, "group") + "|" +
         string_at(ref, "kind") + "|" + string_at(ref, "name") + "|" + string_at(ref, "sectionName");
}

}  // namespace

std::vector<std::string> contested_targets(const Json& object) {
  std::vector<std::string> targets;
  if (const Json* ref = find(object, "spec", "targetRef")) {
    targets.push_back(target_name(object, *ref));
  }
  for (const Json& ref : array_at(object, "spec", "targetRefs")) {
    targets.push_back(target_name(object, ref));
  }
  return targets;
}

std::vector<Place> creation_places(const std::vector<Contender>& contenders) {
  std::vector<std::size_t> by_age(contenders.size());
  std::iota(by_age.begin(), by_age.end(), std::size_t{0});
  auto age = [&](std::size_t i) {
    return std::tie(contenders[i].creation_timestamp, contenders[i].key);
  };
  std::sort(by_age.begin(), by_age.end(),
            [&](std::size_t a, std::size_t b) { return age(a) < age(b); });

  std::vector<Place> places(contenders.size());
  std::map<std::string, std::size_t> youngest;  // of those placed so far, by target
  for (std::size_t i : by_age) {
    for (const std::string& target : contenders[i].targets) {
      auto rival = youngest.find(target);
      if (rival != youngest.end()) {
        const Contender& older = contenders[rival->second];
        places[i].wave = std::max(places[i].wave, places[rival->second].wave + 1);
        // Within one second the name decides; that must not turn the order round.
        if (older.creation_timestamp < contenders[i].creation_timestamp &&
            contenders[i].key < older.key) {
          places[i].after_a_second = true;
        }
      }
      youngest[target] = i;
    }
  }
  return places;
}

}  // namespace gatelift
