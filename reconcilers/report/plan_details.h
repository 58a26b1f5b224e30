// SPDX-License-Identifier: Apache-2.0
// What is said of a plan besides the plan: each CRD before and after, and what becomes of objects.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "reconcilers/plan/plan.h"
#include "reconcilers/report/report.h"

namespace gatelift {

/// Each CRD that is there or will be: as it is, and as `plan` leaves it. Pure.
std::vector<ReportedCrd> crds_before_and_after(const Installed& installed, const Bundle& target,
                                               const Plan& plan);

/// Puts what is installed in the place of what was planned. Pure.
void take_found_crds(const Installed& installed, const Bundle& target,
                     std::vector<ReportedCrd>& crds);

/// Makes the diffs of objects while a plan looks at them, and counts those beyond `most`.
class DiffCollector {
 public:
  explicit DiffCollector(std::size_t most) : most_(most) {}

  /// What PlanInputs takes. Lives no longer than this.
  IntentionSink sink();

  void add(const Json& before, const Json& after, std::vector<FieldChange> changes);
  void move_to(PlanDetails& details) &&;

 private:
  std::size_t most_;
  std::set<std::string> seen_;  // a list that expired half-way is read again
  std::vector<ObjectDiff> diffs_;
  int omitted_ = 0;
};

}  // namespace gatelift
