// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/steps/intended_items.h"

#include <algorithm>
#include <utility>

#include "reconcilers/convert/pruning.h"
#include "reconcilers/plan/actions.h"
#include "reconcilers/plan/findings.h"
#include "reconcilers/plan/object_checks.h"
#include "reconcilers/steps/carry.h"

namespace gatelift {

IntendedItems::IntendedItems(const Run& run, const PlannedAction& action)
    : run_(run),
      action_(action),
      target_(run.target->crd(action.to_crd.empty() ? action.crd : action.to_crd)) {
  if (target_ != nullptr) {
    intentions_.emplace(*target_, reference_moves(run.plan().actions, *run.target));
  }
  if (action.kind == ActionKind::Rename) {
    renaming_ = renaming_of(action.crd, [&](std::string_view to) { return to == action.to_crd; });
  }
}

Result<void> IntendedItems::prepare() {
  if (run_.source != nullptr && action_.kind == ActionKind::Carry) {
    ASSIGN_OR_RETURN(const Json live, get(run_.cluster, resources::kCrds, {"", action_.crd}));
    live_schema_ = schema_of(live, run_.installed.crd(action_.crd)->storage_version());
  }
  const CrdSummary* made = renaming_ == nullptr ? nullptr : run_.installed.crd(action_.to_crd);
  if (made == nullptr) return {};
  Request list;
  list.verb = Verb::List;
  list.resource = made->resource();
  list.metadata_only = true;
  RETURN_IF_ERROR(for_each_object(run_.cluster, list, [&](Json&& object) -> Result<void> {
    made_.insert(key_of(object));
    return {};
  }));
  return {};
}

Result<std::vector<ConversionProblem>> IntendedItems::of(const Json& object,
                                                         std::optional<BackupItem>& item) {
  const ObjectKey key = key_of(object);
  if (run_.source != nullptr) {
    const BackupEntry* source = run_.source->entry(BackupRole::Original, action_.crd, key);
    if (source != nullptr) {
      RETURN_IF_ERROR(of_source(object, *source, item));
      return std::vector<ConversionProblem>{};
    }
    if (was_made_by_the_upgrade(object)) return std::vector<ConversionProblem>{};
  }
  if (target_ == nullptr || made_.contains(key)) return std::vector<ConversionProblem>{};
  Intention intention = renaming_ == nullptr ? intentions_->of(object)
                                             : renamed(*renaming_, object, *target_, *intentions_);
  if (!intention.ok()) return resolve(object, std::move(intention.problems), item);
  std::vector<ConversionProblem> losses = unaccepted_losses(object, intention);
  if (!losses.empty()) return losses;
  const bool makes = is_conversion(action_.kind) || action_.kind == ActionKind::Rename;
  if (makes || intention.needs_write() || is_superseding(key)) {
    item = BackupItem{BackupRole::Intended, target_->summary.name, std::move(intention.object)};
  }
  return std::vector<ConversionProblem>{};
}

/// What spec.accept has chosen where there is more than one way to go on.
std::vector<ConversionProblem> IntendedItems::resolve(const Json& object,
                                                      std::vector<ConversionProblem> problems,
                                                      std::optional<BackupItem>& item) const {
  const std::string name = display_name(action_.object_kind, key_of(object));
  const auto& accept = run_.spec().accept;
  const auto consent = std::ranges::find_if(
      accept, [&](const Consent& each) { return covers(each, check_of(problems.front(), name)); });
  const bool offers_choice = action_.kind != ActionKind::ConvertInPlace && problems.size() == 1 &&
                             !problems.front().resolutions.empty();
  if (!offers_choice || consent == accept.end()) {
    return problems;
  }
  if (consent->resolution == kLeaveInBackup) return {};
  Intention moved = intentions_->of(moved_to_target(object));
  if (moved.ok()) item = BackupItem{BackupRole::Intended, action_.crd, std::move(moved.object)};
  return std::move(moved.problems);
}

/// Fields of an object that came, or changed, after the plan was made.
std::vector<ConversionProblem> IntendedItems::unaccepted_losses(const Json& object,
                                                                const Intention& intention) const {
  std::vector<ConversionProblem> losses;
  const std::string name = display_name(action_.object_kind, key_of(object));
  for (const FieldChange& change : intention.changes) {
    if (change.kind != FieldChange::Kind::Dropped || change.is_in_status()) continue;
    const Check check = loss_check(change, name, target_->summary);
    const bool accepted = std::ranges::any_of(
        run_.spec().accept, [&](const Consent& consent) { return covers(consent, check); });
    if (!accepted) losses.push_back({check.code, check.field, check.message, check.next});
  }
  return losses;
}

/// In a rollback: an object that the upgrade made in another namespace.
bool IntendedItems::was_made_by_the_upgrade(const Json& object) const {
  const ObjectKey key = key_of(object);
  return run_.source->entry(BackupRole::Intended, action_.crd, key) != nullptr &&
         run_.source->entry(BackupRole::Original, action_.crd, key) == nullptr;
}

/// True where the backup has an intention already, which a later state of the object outdates.
bool IntendedItems::is_superseding(const ObjectKey& key) const {
  return run_.backup != nullptr &&
         run_.backup->entry(BackupRole::Intended, target_->summary.name, key) != nullptr;
}

Result<void> IntendedItems::of_source(const Json& object, const BackupEntry& source,
                                      std::optional<BackupItem>& item) {
  // What a conversion makes anew is added from the source, once for all.
  if (action_.kind != ActionKind::Carry || target_ == nullptr) return {};
  ASSIGN_OR_RETURN(const Json original, run_.source->document(source));
  const BackupEntry* written =
      run_.source->entry(BackupRole::Intended, action_.crd, key_of(object));
  ASSIGN_OR_RETURN(Json left, run_.source->document(written == nullptr ? source : *written));
  prune(live_schema_, left);
  Json taken = merge_patch_between(left, original);
  taken.erase("status");
  if (taken.empty() || !is_untouched(taken, left, object)) return {};
  Json restored = object;
  restored.merge_patch(taken);
  item = BackupItem{BackupRole::Intended, action_.crd, std::move(restored)};
  return {};
}

}  // namespace gatelift
