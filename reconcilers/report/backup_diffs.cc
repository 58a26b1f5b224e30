// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/report/backup_diffs.h"

#include <optional>
#include <set>

#include "reconcilers/plan/actions.h"

namespace gatelift {
namespace {

class CrdDiffs {
 public:
  CrdDiffs(const VerifiedBackup& backup, const Plan& plan, const Bundle* target, std::string crd)
      : backup_(backup), crd_(std::move(crd)), intended_crd_(crd_) {
    const PlannedAction* action = plan.action(crd_);
    if (action != nullptr && !action->to_crd.empty()) intended_crd_ = action->to_crd;
    const BundleCrd* wanted = target == nullptr ? nullptr : target->crd(crd_);
    if (wanted != nullptr) intentions_.emplace(*wanted, reference_moves(plan.actions, *target));
  }

  Result<void> add_to(DiffCollector& diffs) const {
    return backup_.for_each(
        BackupRole::Original, crd_, [&](const BackupEntry& entry, Json&& object) -> Result<void> {
          Intention intention = intentions_ ? intentions_->of(object) : Intention{};
          const BackupEntry* kept = backup_.entry(BackupRole::Intended, intended_crd_, entry.key);
          if (kept != nullptr) {
            ASSIGN_OR_RETURN(intention.object, backup_.document(*kept));
          } else if (!intention.ok()) {
            return {};  // left in the backup
          }
          if (intention.object.is_object()) {
            diffs.add(object, intention.object, std::move(intention.changes));
          }
          return {};
        });
  }

 private:
  const VerifiedBackup& backup_;
  std::string crd_;
  std::string intended_crd_;  // of Rename that of the new kind
  std::optional<Intentions> intentions_;
};

}  // namespace

Result<void> add_backup_diffs(const VerifiedBackup& backup, const Plan& plan, const Bundle* target,
                              DiffCollector& diffs) {
  std::set<std::string> crds;
  for (const BackupEntry& entry : backup.entries()) {
    if (entry.role == BackupRole::Original) crds.insert(entry.crd);
  }
  for (const std::string& crd : crds) {
    RETURN_IF_ERROR(CrdDiffs(backup, plan, target, crd).add_to(diffs));
  }
  return {};
}

}  // namespace gatelift
