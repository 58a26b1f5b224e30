// SPDX-License-Identifier: Apache-2.0
// Putting back an admission policy that a run has taken away.
#pragma once

#include <string_view>

#include "reconcilers/run.h"

namespace gatelift {

/// How far the action on a suspended policy is, in its progress entry, while it is put back. It is
/// recorded before anything is written: what is there again is then known to be our doing.
inline constexpr std::string_view kRestoring = "Restore";

/// Puts back exactly what was suspended (spec, labels, annotations, field ownership), as far as it
/// is not there, and resets record.suspended_policy. Does nothing where nothing is suspended.
Result<void> restore_policy(Run& run);

/// Puts back what any migration has suspended, and records it: for a process that is told to end,
/// since another one may not follow. The next run suspends it again.
Result<void> put_back_policies(Cluster& cluster, Clock& clock, const ReconcilerSettings& settings);

}  // namespace gatelift
