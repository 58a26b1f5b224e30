// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/carrying.h"

#include <vector>

namespace gatelift {
namespace {

bool carries(const Plan& plan, const std::string& crd) {
  const PlannedAction* action = plan.action(crd);
  return action != nullptr && action->kind == ActionKind::Carry;
}

}  // namespace

bool is_carrying(const CrdProgress& crd) {
  return crd.action == ActionKind::Carry &&
         (crd.step == "Replace" || crd.step == "Bridge" || crd.step == "Carry");
}

void forget_progress(Record& record) {
  std::erase_if(record.crds, [&](const CrdProgress& crd) {
    return !is_carrying(crd) || (record.plan && !carries(*record.plan, crd.name));
  });
  for (CrdProgress& crd : record.crds) crd.objects = {};
}

}  // namespace gatelift
