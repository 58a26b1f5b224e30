// SPDX-License-Identifier: Apache-2.0
// What a CRD needs is read off two summaries: of the live CRD, with the versions that objects are
// stored at, and of the target's. The bundles' version numbers play no part.
#include <algorithm>
#include <array>

#include "reconcilers/admission/admission.h"
#include "reconcilers/convert/convert.h"
#include "reconcilers/convert/renaming.h"
#include "reconcilers/plan/actions.h"
#include "reconcilers/plan/findings.h"
#include "reconcilers/plan/plan.h"

namespace gatelift {
namespace {

bool has_another_shape(const CrdSummary& live, const std::string& version,
                       const CrdSummary& target) {
  return shape_changes(live.group, live.kind, version, target.storage_version());
}

std::vector<std::string> stored_in_another_shape(const CrdSummary& live, const CrdSummary& target) {
  std::vector<std::string> versions;
  for (const std::string& version : live.stored_versions) {
    if (has_another_shape(live, version, target)) versions.push_back(version);
  }
  return versions;
}

/// A bridge of a run that went no further: its objects may hold the other shape besides.
bool is_bridge_to_another_shape(const CrdSummary& live, const CrdSummary& target) {
  return std::ranges::any_of(live.versions, [&](const CrdVersion& version) {
    return has_another_shape(live, version.name, target);
  });
}

std::string annotation_change(const CrdSummary& live, const CrdSummary& target) {
  return "only its annotations differ: " + live.bundle_version + "/" + live.channel + " becomes " +
         target.bundle_version + "/" + target.channel;
}

std::string update_reason(const CrdSummary& live, const CrdSummary& target) {
  if (live.digest == target.digest) return annotation_change(live, target);
  if (live.storage_version() != target.storage_version()) {
    return "its content is not the target's, and the storage version moves from " +
           live.storage_version() + " to " + target.storage_version();
  }
  return "its content is not the target's";
}

PlannedAction action_between(ActionKind kind, const CrdSummary& live, const CrdSummary& target) {
  PlannedAction action;
  action.kind = kind;
  action.crd = target.name;
  action.object_kind = target.kind;
  action.from_digest = live.digest;
  action.to_digest = target.digest;
  action.from_storage = live.storage_version();
  action.to_storage = target.storage_version();
  action.stored_versions = live.stored_versions;
  return action;
}

PlannedAction creation(const CrdSummary& target) {
  PlannedAction action = action_between(ActionKind::Create, CrdSummary{}, target);
  action.reason = "the cluster does not have it";
  return action;
}

PlannedAction keeping(const CrdSummary& live) {
  PlannedAction action;
  action.kind = ActionKind::Keep;
  action.crd = live.name;
  action.object_kind = live.kind;
  action.reason = "the target does not have it; it stays as it is";
  action.from_digest = live.digest;
  action.from_storage = live.storage_version();
  action.stored_versions = live.stored_versions;
  return action;
}

std::optional<PlannedAction> action_for(const CrdSummary& live, const CrdSummary& target,
                                        Strategy strategy) {
  const std::vector<std::string> misshapen = stored_in_another_shape(live, target);
  if (!misshapen.empty()) {
    const ActionKind kind =
        strategy == Strategy::InPlace ? ActionKind::ConvertInPlace : ActionKind::Convert;
    PlannedAction action = action_between(kind, live, target);
    action.reason = "objects stored as " + joined(misshapen) + " have another shape than " +
                    target.storage_version();
    action.rewrites_objects = true;
    return action;
  }
  if (strategy == Strategy::InPlace && is_bridge_to_another_shape(live, target)) {
    PlannedAction action = action_between(ActionKind::ConvertInPlace, live, target);
    action.reason = "it has a version of another shape than " + target.storage_version();
    action.rewrites_objects = true;
    return action;
  }
  const bool same = same_content(live, target);
  const bool minimal = live.stored_versions == std::vector{target.storage_version()};
  if (!same) {
    PlannedAction action = action_between(ActionKind::Update, live, target);
    action.reason = update_reason(live, target);
    action.rewrites_objects = !minimal;
    return action;
  }
  if (minimal) return std::nullopt;
  PlannedAction action = reencoding(live, target);
  action.reason = "status.storedVersions is " + joined(live.stored_versions) + " instead of " +
                  target.storage_version() + " alone";
  return action;
}

int rank(const PlannedAction& action) {
  // An admission webhook that goes would judge what is written before.
  if (action.kind == ActionKind::Remove && !is_about_crd(action)) return 0;
  // Convert last, since it is what cannot be undone by another write.
  constexpr std::array kOrder{
      ActionKind::SuspendPolicy,  ActionKind::Create, ActionKind::Update,       ActionKind::Carry,
      ActionKind::Reencode,       ActionKind::Keep,   ActionKind::Convert,      ActionKind::Rename,
      ActionKind::ConvertInPlace, ActionKind::Remove, ActionKind::InstallPolicy};
  return static_cast<int>(std::ranges::find(kOrder, action.kind) - kOrder.begin());
}

}  // namespace

PlannedAction reencoding(const CrdSummary& live, const CrdSummary& target) {
  PlannedAction action = action_between(ActionKind::Reencode, live, target);
  action.rewrites_objects = true;
  return action;
}

std::vector<ReferenceMove> reference_moves(const std::vector<PlannedAction>& actions,
                                           const Bundle& target) {
  std::vector<ReferenceMove> moves;
  for (const PlannedAction& action : actions) {
    const bool removes = action.kind == ActionKind::Remove;
    if (action.kind != ActionKind::Rename && !removes) continue;
    const Renaming* renaming =
        renaming_of(action.crd, [&](std::string_view crd) { return target.crd(crd) != nullptr; });
    if (renaming == nullptr) continue;
    const CrdSummary& to = target.crd(renaming->to_crd)->summary;
    moves.push_back({removes ? ReferenceMove::Part::Drop : ReferenceMove::Part::Add,
                     action.crd.substr(action.crd.find('.') + 1), action.object_kind, to.group,
                     to.kind});
  }
  return moves;
}

bool is_conversion(ActionKind kind) {
  return kind == ActionKind::Convert || kind == ActionKind::ConvertInPlace;
}

bool is_about_crd(const PlannedAction& action) {
  return action.object_kind != kPolicyKind && action.object_kind != kValidatingWebhookKind;
}

void sort_actions(std::vector<PlannedAction>& actions) {
  std::ranges::sort(actions, [](const PlannedAction& a, const PlannedAction& b) {
    return std::pair(rank(a), std::string_view(a.crd)) <
           std::pair(rank(b), std::string_view(b.crd));
  });
}

std::vector<PlannedAction> plan_actions(const Installed& installed, const Bundle& target,
                                        Strategy strategy) {
  std::vector<PlannedAction> actions;
  for (const BundleCrd& crd : target.crds) {
    const CrdSummary* live = installed.crd(crd.summary.name);
    if (live == nullptr) {
      actions.push_back(creation(crd.summary));
    } else if (auto action = action_for(*live, crd.summary, strategy)) {
      actions.push_back(*std::move(action));
    }
  }
  for (const auto& [name, live] : installed.crds) {
    if (target.crd(name) == nullptr) actions.push_back(keeping(live));
  }
  sort_actions(actions);
  return actions;
}

}  // namespace gatelift
