// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/report/strategy_table.h"

#include <gtest/gtest.h>

#include "reconcilers/report/layout.h"
#include "reconcilers/report/wording.h"

namespace gatelift {
namespace {

Plan compared_plan() {
  Plan plan;
  StrategyEstimate recreate{.strategy = Strategy::Recreate, .chosen = true};
  recreate.unavailable = std::chrono::milliseconds(318);
  recreate.writes = 50;
  recreate.writes_per_object = 4;
  recreate.objects_recreated = 12;
  recreate.policies_interrupted = 1;
  recreate.risks = {"plaintext to the backends of 1 policy that is in effect", "another uid"};
  StrategyEstimate in_place{.strategy = Strategy::InPlace};
  in_place.writes = 41;
  in_place.writes_per_object = 3;
  in_place.risks = {"who still reads v1alpha2 alone finds no object any more"};
  plan.strategies = {recreate, in_place};
  return plan;
}

std::string table_of(const Plan& plan, int columns) {
  return strategy_table(strategy_titles(plan), strategy_rows(plan), columns);
}

TEST(StrategyTable, SetsTheStrategiesSideBySide) {
  EXPECT_EQ(table_of(compared_plan(), 80),
            R"(                        Recreate (chosen)            InPlace
  objects absent        for about 318ms              never
  policies interrupted  1 that is in effect          none
  new uid and age       12 objects                   none
  writes                about 50, at most 4 of one   about 41, at most 3 of one
                        object                       object
  risks                 - plaintext to the backends  who still reads v1alpha2
                          of 1 policy that is in     alone finds no object any
                          effect                     more
                        - another uid
)");
}

TEST(StrategyTable, KeepsToItsColumns) {
  for (const int columns : {80, 100, 140}) {
    const std::string text = table_of(compared_plan(), columns);
    for (const std::string_view line : lines_of(text)) {
      EXPECT_LE(display_width(line), columns) << line;
    }
  }
}

TEST(StrategyTable, BeginsWithWhatStandsInTheWay) {
  Plan plan = compared_plan();
  plan.strategies[1].obstacles = {"spec.tls: map before, string after"};
  EXPECT_EQ(strategy_rows(plan).front().name, "cannot be, since");
}

TEST(StrategyTable, IsEmptyWithoutStrategies) { EXPECT_EQ(table_of(Plan{}, 100), ""); }

}  // namespace
}  // namespace gatelift
