// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/steps/policy_restoration.h"

#include <algorithm>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "reconcilers/admission/admission.h"
#include "reconcilers/events.h"
#include "reconcilers/migration_json.h"
#include "reconcilers/steps/admission_backup.h"
#include "reconcilers/steps/restored_object.h"

namespace gatelift {
namespace {

/// The object as our creation left it, by a process that died before it could restore who owns its
/// fields. What somebody else has put back is theirs.
bool is_half_restored(const Request& creation, const Json& live) {
  const std::string manager =
      creation.field_manager.empty() ? std::string(kFieldManager) : creation.field_manager;
  const Json& entries = array_at(live, "metadata", "managedFields");
  const bool is_ours = std::ranges::all_of(entries, [&](const Json& entry) {
    return string_at(entry, "manager") == manager && string_at(entry, "operation") == "Apply";
  });
  return is_ours && is_as_in(creation.body, live);
}

Result<void> restore_one(Run& run, const Resource& resource, const Json& was) {
  const std::string name = display_name(kind_of(was), key_of(was));
  ASSIGN_OR_RETURN(const std::optional<Json> live,
                   get_if_exists(run.cluster, resource, key_of(was)));
  if (live && is_being_deleted(*live)) {
    return fail(ErrorKind::Unavailable, name + " is still being deleted");
  }
  const Request creation = create_request(was, resource, CreateBy::Apply);
  if (live && !is_half_restored(creation, *live)) return {};
  const auto there = live ? Result<Json>(*live) : run.cluster.send(creation);
  if (!there) return fail(wrap(there.error(), "putting back " + name));
  const auto ownership = managed_fields_request(was, *there, resource);
  if (!ownership) return {};
  const auto owned = run.cluster.send(*ownership);
  if (owned || owned.error().is(ErrorKind::Conflict)) return {};
  return fail(wrap(owned.error(), "putting back who owns the fields of " + name));
}

Result<void> restore_from(Run& run, const VerifiedBackup& backup, const std::string& name) {
  for (const Resource* resource :
       {&resources::kAdmissionPolicies, &resources::kAdmissionPolicyBindings}) {
    ASSIGN_OR_RETURN(const std::optional<Json> was, held_policy(backup, *resource, name));
    if (was) RETURN_IF_ERROR(restore_one(run, *resource, *was));
  }
  return {};
}

/// The backup that holds it; null where that is gone.
Result<std::shared_ptr<const VerifiedBackup>> backup_of_suspension(Run& run,
                                                                   const std::string& ref) {
  if (run.backup != nullptr && run.backup->summary().ref == ref) return run.backup;
  ASSIGN_OR_RETURN(std::optional<VerifiedBackup> found, run.backups.open(ref));
  if (!found) return std::shared_ptr<const VerifiedBackup>();
  return std::make_shared<const VerifiedBackup>(*std::move(found));
}

/// Without its backup, somebody else has to put it back.
Result<void> expect_there(Run& run, const SuspendedPolicy& suspended) {
  for (const Resource* resource :
       {&resources::kAdmissionPolicies, &resources::kAdmissionPolicyBindings}) {
    ASSIGN_OR_RETURN(const std::optional<Json> live,
                     get_if_exists(run.cluster, *resource, {"", suspended.name}));
    if (live) continue;
    return fail(ErrorKind::Internal, "backup " + suspended.backup +
                                         " is gone, which holds it; next: put the backup's "
                                         "Secrets back, or install policy and binding by hand");
  }
  return {};
}

/// Conflict where the resource has changed: the pass starts again. One that is gone, against its
/// finalizer, holds nothing up.
Result<void> note_restoration(Run& run, const std::string& name) {
  if (CrdProgress* progress = run.record().crd(name)) progress->step = kRestoring;
  auto written = write_record(run);
  if (!written && !written.error().is(ErrorKind::NotFound)) return written;
  return {};
}

void end_suspension(Run& run, const std::string& name) {
  run.record().suspended_policy.reset();
  if (CrdProgress* progress = run.record().crd(name)) progress->step = "Restored";
  record_event(run, EventType::Normal, "PolicyRestored",
               display_name(kPolicyKind, {"", name}) + " and its binding are back");
}

}  // namespace

Result<void> restore_policy(Run& run) {
  if (!run.record().suspended_policy) return {};
  const SuspendedPolicy suspended = *run.record().suspended_policy;
  RETURN_IF_ERROR(note_restoration(run, suspended.name));
  ASSIGN_OR_RETURN(const std::shared_ptr<const VerifiedBackup> backup,
                   backup_of_suspension(run, suspended.backup));
  RETURN_IF_ERROR(backup ? restore_from(run, *backup, suspended.name)
                         : expect_there(run, suspended));
  end_suspension(run, suspended.name);
  return {};
}

Result<void> put_back_policies(Cluster& cluster, Clock& clock, const ReconcilerSettings& settings) {
  Request list;
  list.verb = Verb::List;
  list.resource = kMigrations;
  list.deadline = std::chrono::seconds(10);  // who asks wants to end
  std::vector<Json> objects;
  RETURN_IF_ERROR(for_each_object(cluster, list, [&](Json&& object) -> Result<void> {
    objects.push_back(std::move(object));
    return {};
  }));
  BackupStore backups(cluster, clock, settings.ns);
  std::map<std::string, CrdSeen> crds_seen;
  for (Json& object : objects) {
    auto migration = parse_migration(object);
    if (!migration || !migration->record.suspended_policy) continue;
    Run run{.cluster = cluster,
            .clock = clock,
            .settings = settings,
            .backups = backups,
            .sources = nullptr,
            .crds_seen = crds_seen,
            .migration = *std::move(migration),
            .object = std::move(object),
            .target = nullptr,
            .installed = {},
            .backup = nullptr,
            .source = nullptr,
            .written_at = clock.now()};
    RETURN_IF_ERROR(restore_policy(run));
    RETURN_IF_ERROR(write_record(run));
  }
  return {};
}

}  // namespace gatelift
