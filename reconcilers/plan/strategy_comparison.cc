// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/plan/strategy_comparison.h"

#include <algorithm>
#include <utility>

#include "reconcilers/plan/actions.h"

namespace gatelift {
namespace {

std::string counted(int num, const std::string& one, const std::string& many) {
  return std::to_string(num) + " " + (num == 1 ? one : many);
}

class Comparison {
 public:
  Comparison(const Plan& plan, const MigrationSpec& spec, const ConversionFacts& facts)
      : plan_(plan), spec_(spec), facts_(facts), leaving_(joined(facts.leaving)) {}

  StrategyEstimate recreate() const {
    StrategyEstimate estimate = estimate_by(Strategy::Recreate, ActionKind::Convert);
    estimate.objects_recreated = facts_.objects;
    estimate.policies_interrupted = facts_.counts.in_effect;
    estimate.obstacles = obstacles_to_recreate();
    estimate.risks = risks_of_recreate();
    estimate.needs = needs_of_recreate();
    return estimate;
  }

  StrategyEstimate in_place() const {
    StrategyEstimate estimate = estimate_by(Strategy::InPlace, ActionKind::ConvertInPlace);
    estimate.obstacles = obstacles_to_in_place();
    estimate.risks = risks_of_in_place();
    estimate.needs = needs_of_in_place();
    return estimate;
  }

 private:
  using Sentences = std::vector<std::string>;

  StrategyEstimate estimate_by(Strategy strategy, ActionKind conversion) const {
    std::vector<PlannedAction> actions = plan_.actions;
    for (PlannedAction& action : actions) {
      if (is_conversion(action.kind)) action.kind = conversion;
    }
    const ConversionCost cost = cost_of(facts_, spec_, plan_.operation);
    const Estimate estimate = estimate_of(actions, cost);
    StrategyEstimate by;
    by.strategy = strategy;
    by.chosen = spec_.strategy == strategy;
    by.unavailable = estimate.unavailable;
    by.writes = estimate.writes;
    by.writes_per_object = facts_.objects == 0 ? 0 : writes_per_object(conversion, cost);
    return by;
  }

  std::string objects(int num) const {
    return counted(num, facts_.kind + " object", facts_.kind + " objects");
  }

  const PlannedAction* suspension() const {
    const auto found =
        std::ranges::find(plan_.actions, ActionKind::SuspendPolicy, &PlannedAction::kind);
    return found == plan_.actions.end() ? nullptr : &*found;
  }

  bool is_held() const { return spec_.hold != Hold::None; }

  Sentences obstacles_to_recreate() const {
    Sentences obstacles;
    if (facts_.counts.undeletable > 0) {
      obstacles.push_back(objects(facts_.counts.undeletable) +
                          " with a finalizer, being deleted, or in a namespace that is: a deletion "
                          "would wait for them, or be for good");
    }
    if (facts_.is_mixed) {
      obstacles.push_back(
          "objects may be stored in both shapes, which an unfinished conversion left behind");
    }
    return obstacles;
  }

  Sentences risks_of_recreate() const {
    Sentences risks;
    const int in_effect = facts_.counts.in_effect;
    if (in_effect > 0) {
      risks.push_back("plaintext to the backends of " +
                      counted(in_effect, "policy that is", "policies that are") +
                      " in effect, from the first deletion until a controller that reads " +
                      facts_.to_version + " serves");
    }
    if (facts_.objects == 0) {
      risks.push_back("no version is served while the CRD is made anew");
    } else {
      risks.push_back("watches see every object deleted and added, with another uid and age");
    }
    if (facts_.counts.contested > 0) {
      risks.push_back(objects(facts_.counts.contested) +
                      " compete for a target, and the older wins: creationTimestamps are new, in "
                      "the old order");
    }
    if (facts_.dependents > 0) {
      risks.push_back(counted(facts_.dependents, "object names", "objects name") +
                      " one of them as owner, and must be given its new uid");
    } else if (spec_.strategy != Strategy::Recreate && facts_.objects > 0) {
      risks.push_back(
          "objects that name one of them as owner must be given its new uid (they are "
          "looked for when Recreate is chosen)");
    }
    return risks;
  }

  Sentences needs_of_recreate() const {
    Sentences needs;
    if (facts_.counts.in_effect > 0) {
      needs.push_back(
          "a time at which these backends may be spoken to in plaintext, or not at all");
    }
    needs.push_back("a controller that reads " + facts_.to_version + ", as soon as it is served");
    if (facts_.counts.to_choose > 0) {
      needs.push_back("a resolution in spec.accept for " + objects(facts_.counts.to_choose));
    }
    needs.push_back("the right to delete the CRD and its objects");
    return needs;
  }

  Sentences obstacles_to_in_place() const {
    Sentences obstacles;
    if (!facts_.no_bridge.empty()) obstacles.push_back(facts_.no_bridge);
    if (facts_.counts.to_choose > 0) {
      obstacles.push_back(objects(facts_.counts.to_choose) + " with something that " +
                          facts_.to_version +
                          " has no field for; only Recreate can leave or move them");
    }
    if (const PlannedAction* policy = suspension(); policy != nullptr && is_held()) {
      obstacles.push_back(policy->crd + " has to be away for the run, and the run is to be held");
    }
    return obstacles;
  }

  Sentences risks_of_in_place() const {
    Sentences risks;
    std::string lost = "who still reads " + leaving_ + " alone when " +
                       (is_held() ? "the hold ends" : "it stops being served") +
                       " finds no object any more";
    if (facts_.counts.in_effect > 0) {
      lost += ", and " +
              counted(facts_.counts.in_effect, "policy is in effect", "policies are in effect");
    }
    risks.push_back(std::move(lost));
    risks.push_back("an object that is edited at both versions, and differs, stops the run");
    return risks;
  }

  Sentences needs_of_in_place() const {
    Sentences needs;
    if (facts_.no_bridge.empty()) {
      needs.push_back("a CRD with " + leaving_ + " and " + facts_.to_version +
                      " at once, which their schemas allow");
    }
    needs.push_back(is_held()
                        ? "controllers that read " + facts_.to_version +
                              " before the hold ends (spec.inPlace.hold is " +
                              std::string(to_string(spec_.hold)) + ")"
                        : "controllers that read " + facts_.to_version + " before " + leaving_ +
                              " stops being served: spec.inPlace.hold Approval waits for "
                              "them");
    if (const PlannedAction* policy = suspension(); policy != nullptr && !is_held()) {
      needs.push_back(policy->crd + " away for the whole run, so that it cannot be held");
    }
    needs.push_back("the right to update the CRD and to patch its objects");
    return needs;
  }

  const Plan& plan_;
  const MigrationSpec& spec_;
  const ConversionFacts& facts_;
  const std::string leaving_;
};

}  // namespace

ConversionCost cost_of(const ConversionFacts& facts, const MigrationSpec& spec,
                       Operation operation) {
  return {facts.counts.with_status, spec.hold != Hold::None && operation == Operation::Upgrade};
}

std::vector<StrategyEstimate> compare_strategies(const Plan& plan, const MigrationSpec& spec,
                                                 const ConversionFacts& facts) {
  const Comparison comparison(plan, spec, facts);
  return {comparison.recreate(), comparison.in_place()};
}

}  // namespace gatelift
