// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/strategy_json.h"

#include <utility>

#include "reconcilers/duration.h"

namespace gatelift {
Json strategies_json(const std::vector<StrategyEstimate>& strategies) {
  Json list = Json::array();
  for (const StrategyEstimate& each : strategies) {
    Json json = {
        {"strategy",             to_string(each.strategy)         },
        {"chosen",               each.chosen                      },
        {"estimatedUnavailable", format_duration(each.unavailable)},
        {"estimatedWrites",      each.writes                      },
        {"writesPerObject",      each.writes_per_object           },
        {"objectsRecreated",     each.objects_recreated           },
        {"policiesInterrupted",  each.policies_interrupted        }
    };
    if (!each.obstacles.empty()) json["obstacles"] = each.obstacles;
    if (!each.risks.empty()) json["risks"] = each.risks;
    if (!each.needs.empty()) json["needs"] = each.needs;
    list.push_back(std::move(json));
  }
  return list;
}

StrategyEstimate read_strategy(const JsonReader& in) {
  StrategyEstimate estimate;
  in.read("strategy", estimate.strategy, kStrategies);
  in.read("chosen", estimate.chosen);
  std::optional<std::chrono::milliseconds> unavailable;
  in.read("estimatedUnavailable", unavailable);
  if (unavailable) estimate.unavailable = *unavailable;
  in.read("estimatedWrites", estimate.writes);
  in.read("writesPerObject", estimate.writes_per_object);
  in.read("objectsRecreated", estimate.objects_recreated);
  in.read("policiesInterrupted", estimate.policies_interrupted);
  in.read("obstacles", estimate.obstacles);
  in.read("risks", estimate.risks);
  in.read("needs", estimate.needs);
  return estimate;
}

}  // namespace gatelift
