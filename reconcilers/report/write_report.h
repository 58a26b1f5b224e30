// SPDX-License-Identifier: Apache-2.0
// The report of a run, written where there is news.
#pragma once

#include "reconcilers/conditions.h"
#include "reconcilers/report/report.h"
#include "reconcilers/run.h"

namespace gatelift {

/// What a plan of this pass tells, of which the record keeps a part.
struct PlannedInPass {
  Plan plan;
  PlanDetails details;
};

/// Writes the ConfigMap where plan or outcome are others than when this process last did; nothing
/// where there is no plan. What this pass does not know (checks that status has no room for, CRDs
/// as they were, diffs) is taken over from the ConfigMap, where that is about the same plan. A
/// failure is logged and does not hold the migration up.
void write_report(Run& run, const Verdict& verdict);

/// Puts the rehearsal's text, of at most 100 KB, beside the report. A failure is logged and does
/// not hold the migration up.
void write_rehearsal(Run& run, const std::string& text);

/// Fills what `report` lacks from one that was written before; nothing where that is about another
/// migration or plan.
void take_over(const Report& earlier, Report& report);

}  // namespace gatelift
