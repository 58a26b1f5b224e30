// SPDX-License-Identifier: Apache-2.0
// Parts of plan_actions that are needed where the objects have been looked at.
#pragma once

#include <vector>

#include "reconcilers/convert/references.h"
#include "reconcilers/migration.h"

namespace gatelift {

/// A Reencode of a CRD whose content is right; its reason is the caller's to give.
PlannedAction reencoding(const CrdSummary& live, const CrdSummary& target);

/// What becomes of references to kinds that `actions` rename or remove.
std::vector<ReferenceMove> reference_moves(const std::vector<PlannedAction>& actions,
                                           const Bundle& target);

/// False for what is done with an admission policy, or with the webhook of old bundles: then
/// neither the cluster nor the target has a CRD of the action's name.
bool is_about_crd(const PlannedAction& action);

/// Puts actions into the order in which they run.
void sort_actions(std::vector<PlannedAction>& actions);

/// Whether objects change their shape, by whichever strategy.
bool is_conversion(ActionKind kind);

}  // namespace gatelift
