// SPDX-License-Identifier: Apache-2.0
// The BackUp phase: every object and CRD that the plan touches, as it is and as it shall be, in a verified backup.
#pragma once

#include "reconcilers/run.h"

namespace gatelift {

/// The backup's name: the migration's, and eight digits that its uid and its plan make, so that an interrupted run finds
/// its own again and two runs never share one.
std::string backup_ref(const Migration& migration);

/// Writes the backup and sets run.backup and the record's entry. Where an object turns out not to be convertible any
/// more, the plan is dropped, so that planning says so.
Result<StepOutcome> back_up(Run& run);

/// Sets the record's entry to the run's backup. Requires: run.backup.
void record_backup(Run& run);

/// Reads objects whole and adds them to the backup. Those that have gone meanwhile are left out. A
/// problem is what one of them needs a person for.
Result<std::optional<StepOutcome>> back_up_again(Run& run, const PlannedAction& action,
                                                 const CrdSummary& crd,
                                                 const std::vector<ObjectKey>& keys);

/// Adds what is none of the plan's objects to the run's backup, and verifies the whole again.
Result<void> add_to_backup(Run& run, std::vector<BackupItem> items);

/// Adds objects to the run's backup, each as it is and as it shall be, and verifies the whole again. For objects that
/// changed, or came, after the backup was made. nullopt where one cannot be converted: `problem` says which and why.
struct Supplement {
  std::optional<StepOutcome> problem;
};
Result<Supplement> supplement_backup(Run& run, const PlannedAction& action, std::vector<Json> objects);

}  // namespace gatelift
