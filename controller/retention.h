// SPDX-License-Identifier: Apache-2.0
// Backups that were kept as long as was asked for are removed.
#pragma once

#include "client/cluster.h"
#include "controller/log.h"
#include "reconcilers/backup/backup.h"

namespace gatelift {

/// Removes each backup whose retain-until has passed and that no unfinished migration made or goes
/// back to. Where the migrations cannot be read, or one cannot be understood, nothing is removed.
/// Returns how many were.
Result<int> remove_expired_backups(Cluster& cluster, BackupStore& store, Time now, Log& log);

}  // namespace gatelift
