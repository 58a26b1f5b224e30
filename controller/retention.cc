// SPDX-License-Identifier: Apache-2.0
#include "controller/retention.h"

#include <set>

#include "reconcilers/migration_json.h"

namespace gatelift {
namespace {

Result<std::set<std::string>> backups_in_use(Cluster& cluster) {
  std::set<std::string> refs;
  Request list;
  list.resource = kMigrations;
  const auto listed = for_each_object(cluster, list, [&refs](Json&& object) -> Result<void> {
    ASSIGN_OR_RETURN(const Migration migration, parse_migration(object));
    const Record& record = migration.record;
    // A rollback that was asked for and not yet begun names its backup in the annotation alone.
    const bool rollback_begins =
        !migration.rollback.empty() && record.operation == Operation::Upgrade;
    if (record.finished_at && !rollback_begins) return {};
    refs.insert(record.backup.ref);
    refs.insert(record.rolls_back_to);
    refs.insert(migration.rollback);
    return {};
  });
  if (!listed) return fail(listed.error());
  return refs;
}

}  // namespace

Result<int> remove_expired_backups(Cluster& cluster, BackupStore& store, Time now, Log& log) {
  ASSIGN_OR_RETURN(const auto backups, store.list());
  std::vector<std::string> expired;
  for (const BackupSummary& backup : backups) {
    if (backup.retain_until.empty()) continue;
    const auto until = parse_time(backup.retain_until);
    if (until && *until <= now) expired.push_back(backup.ref);
  }
  if (expired.empty()) return 0;
  ASSIGN_OR_RETURN(const auto in_use, backups_in_use(cluster));
  int removed = 0;
  for (const std::string& ref : expired) {
    if (in_use.contains(ref)) continue;
    RETURN_IF_ERROR(store.remove(ref));
    log.info("backup removed: it was kept as long as was asked for", {
                                                                         {"backup", ref}
    });
    ++removed;
  }
  return removed;
}

}  // namespace gatelift
