// SPDX-License-Identifier: Apache-2.0
// THE table. The current phase of a migration is the first row whose proof fails; its step is taken; then everything is
// observed again. Resuming after a crash is therefore nothing special. An upgrade and a rollback run the same rows: they
// differ in where the target comes from (a bundle, or a backup) and in what objects are intended to be.
#pragma once

#include <array>

#include "reconcilers/run.h"

namespace gatelift {

struct PhaseRow {
  Phase phase;
  /// True when the phase's effect is visible: in the cluster, or, for what cannot be seen there, in the record.
  Result<bool> (*is_proven)(Run&);
  /// One idempotent move towards the proof.
  Result<StepOutcome> (*step)(Run&);
  bool irreversible;
};

namespace phases {
Result<bool> is_planned(Run& run);
Result<bool> is_approved(Run& run);
Result<bool> is_rehearsed(Run& run);
Result<bool> is_backed_up(Run& run);
Result<bool> is_migrated(Run& run);
Result<bool> is_verified(Run& run);
Result<bool> never(Run& run);

Result<StepOutcome> plan(Run& run);
Result<StepOutcome> wait_for_approval(Run& run);
Result<StepOutcome> rehearse(Run& run);
Result<StepOutcome> back_up(Run& run);
Result<StepOutcome> migrate(Run& run);
Result<StepOutcome> verify(Run& run);
Result<StepOutcome> rest(Run& run);
}  // namespace phases

inline constexpr std::array<PhaseRow, 7> kPhaseTable{{
    // clang-format off
    {Phase::Plan,     phases::is_planned,   phases::plan,              false},
    {Phase::Approve,  phases::is_approved,  phases::wait_for_approval, false},
    {Phase::Rehearse, phases::is_rehearsed, phases::rehearse,          false},
    {Phase::BackUp,   phases::is_backed_up, phases::back_up,           false},
    {Phase::Migrate,  phases::is_migrated,  phases::migrate,           true},
    {Phase::Verify,   phases::is_verified,  phases::verify,            false},
    {Phase::Done,     phases::never,        phases::rest,              false},
    // clang-format on
}};

namespace detail {
constexpr bool follows_the_enum() {
  for (std::size_t i = 0; i < kPhaseTable.size(); ++i) {
    if (static_cast<std::size_t>(kPhaseTable[i].phase) != i) return false;
  }
  return kPhaseTable.back().phase == Phase::Done;
}
static_assert(follows_the_enum(), "a phase has no row, or not at its place");
}  // namespace detail

/// The first row whose proof fails.
Result<const PhaseRow*> current_row(Run& run);

}  // namespace gatelift
