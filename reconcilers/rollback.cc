// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/rollback.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>
#include <utility>

#include "reconcilers/admission/old_webhook.h"
#include "reconcilers/bundle/digest.h"
#include "reconcilers/carrying.h"
#include "reconcilers/convert/convert.h"
#include "reconcilers/migration_json.h"
#include "reconcilers/plan/actions.h"
#include "reconcilers/steps/admission_backup.h"

namespace gatelift {
namespace {

/// The CRDs whose objects are made anew from a backup, with how many: those that were converted,
/// and those that are gone.
std::map<std::string, int> made_anew(const Run& run) {
  const VerifiedBackup& backup = *run.source;
  std::map<std::string, int> num_objects;
  std::set<std::pair<std::string, ObjectKey>> seen;  // a supplement holds an object once more
  for (const BackupEntry& entry : backup.entries()) {
    if (entry.role != BackupRole::Original || run.target->crd(entry.crd) == nullptr) continue;
    if (!seen.emplace(entry.crd, entry.key).second) continue;
    const BackupEntry* intended = backup.entry(BackupRole::Intended, entry.crd, entry.key);
    const bool converted =
        intended != nullptr && shape_changes(group_of_api_version(entry.api_version), entry.kind,
                                             version_of_api_version(entry.api_version),
                                             version_of_api_version(intended->api_version));
    if (converted || run.installed.crd(entry.crd) == nullptr) ++num_objects[entry.crd];
  }
  return num_objects;
}

/// How many objects of each CRD a backup holds.
std::map<std::string, int> held(const VerifiedBackup& backup) {
  std::map<std::string, std::set<ObjectKey>> keys;
  for (const BackupEntry& entry : backup.entries()) {
    if (entry.role == BackupRole::Original) keys[entry.crd].insert(entry.key);
  }
  std::map<std::string, int> num_objects;
  for (const auto& [crd, objects] : keys) num_objects[crd] = static_cast<int>(objects.size());
  return num_objects;
}

/// A CRD that is there goes back in place, with its objects as they are now, where that is the
/// strategy.
PlannedAction restore_action(const Run& run, const std::string& crd, int num_objects) {
  PlannedAction action;
  const CrdSummary* there = run.installed.crd(crd);
  const BackupEntry* held = run.source->entry(BackupRole::Crd, crd, {"", crd});
  const bool is_same = there != nullptr && held != nullptr && held->uid == there->uid;
  const bool in_place = run.spec().strategy == Strategy::InPlace && is_same &&
                        !there->terminating && !run.migration.record.is_absence_open();
  action.kind = in_place ? ActionKind::ConvertInPlace : ActionKind::Convert;
  action.crd = crd;
  action.rewrites_objects = in_place;
  action.reason = in_place ? "its objects go back to the shape of " +
                                 run.target->crd(crd)->summary.storage_version()
                           : "its objects come back from backup " + run.source->summary().ref;
  action.objects = num_objects;
  const CrdSummary& target = run.target->crd(crd)->summary;
  action.object_kind = target.kind;
  action.to_digest = target.digest;
  action.to_storage = target.storage_version();
  if (const CrdSummary* live = run.installed.crd(crd)) {
    action.from_digest = live->digest;
    action.from_storage = live->storage_version();
    action.stored_versions = live->stored_versions;
  }
  return action;
}

/// The value at a path as prune() spells it, "spec.rules[0].name"; nullptr where there is none.
const Json* at_path(const Json& object, std::string_view path) {
  const Json* node = &object;
  while (!path.empty() && node != nullptr) {
    if (path.front() == '.') path.remove_prefix(1);
    if (path.front() == '[') {
      const std::string key(path.substr(1, path.find(']') - 1));
      path.remove_prefix(std::min(path.size(), key.size() + 2));
      if (!node->is_array()) {
        node = find(*node, key);
      } else {
        const auto index = static_cast<std::size_t>(std::strtoul(key.c_str(), nullptr, 10));
        node = index < node->size() ? &(*node)[index] : nullptr;
      }
    } else {
      const std::string_view name = path.substr(0, path.find_first_of(".["));
      node = find(*node, name);
      path.remove_prefix(name.size());
    }
  }
  return node;
}

/// Checks about fields of objects that the backup holds: what they were comes back from it. What
/// the upgrade neither found nor left, somebody has set since, and would lose.
Result<void> drop_field_checks(const VerifiedBackup& source, Plan& plan) {
  std::map<std::string, const BackupEntry*> objects;
  for (const BackupEntry& entry : source.entries()) {
    if (entry.role == BackupRole::Original) objects[display_name(entry.kind, entry.key)] = &entry;
  }
  static const std::set<std::string> about_the_object = {"Finalizer", "BeingDeleted",
                                                         "NamespaceTerminating", "Dependents"};
  std::vector<Check> kept;
  for (Check& check : plan.checks) {
    const auto held = objects.find(check.object);
    const PlannedAction* action = held == objects.end() ? nullptr : plan.action(held->second->crd);
    // In place an object goes back as it is now.
    const bool is_as_it_is = action != nullptr && action->kind == ActionKind::ConvertInPlace;
    const bool about_a_field = held != objects.end() && !is_as_it_is &&
                               check.field.starts_with("spec.") &&
                               !about_the_object.contains(check.code);
    bool drops = about_a_field;
    if (about_a_field && (check.code == "FieldLoss" || check.code == "SecurityLoss")) {
      const BackupEntry* left =
          source.entry(BackupRole::Intended, held->second->crd, held->second->key);
      ASSIGN_OR_RETURN(const Json document,
                       source.document(left == nullptr ? *held->second : *left));
      drops = at_path(document, check.field) != nullptr;
    }
    if (!drops) kept.push_back(std::move(check));
  }
  plan.checks = std::move(kept);
  return {};
}

/// Objects that the upgrade made anew at other kinds.
void note_what_stays(const VerifiedBackup& source, Plan& plan) {
  std::map<std::string, int> made;
  for (const BackupEntry& entry : source.entries()) {
    if (entry.role == BackupRole::Intended && entry.uid.empty()) ++made[entry.kind];
  }
  for (const auto& [kind, num] : made) {
    plan.checks.push_back({"MadeAnewStays", Severity::Note, "", "",
                           std::to_string(num) + " objects of kind " + kind +
                               " that the upgrade made anew stay, beside those they were made of",
                           "delete them where they are not wanted", false});
  }
}

/// A webhook without its pod and certificate would stop every write of three kinds, so that it is
/// for a person to bring back.
void note_old_webhook(const VerifiedBackup& source, Plan& plan) {
  const ObjectKey key{"", std::string(kOldWebhook)};
  const std::string collection = collection_name(resources::kValidatingWebhooks);
  if (source.entry(BackupRole::Policy, collection, key) == nullptr) return;
  Check check;
  check.code = "OldWebhook";
  check.object = display_name(kValidatingWebhookKind, key);
  check.message = "the upgrade removed it; it is in backup " + source.summary().ref +
                  " with all that belongs to it (gatelift backup export), and is not put back";
  plan.checks.push_back(std::move(check));
}

/// CRDs, and the admission policies that there were.
bool is_of_the_bundle(const BackupEntry& entry) {
  if (entry.role == BackupRole::Crd) return true;
  return entry.role == BackupRole::Policy &&
         (entry.crd == collection_name(resources::kAdmissionPolicies) ||
          entry.crd == collection_name(resources::kAdmissionPolicyBindings));
}

/// What there was of a CRD or a policy before the run. What changed while it was backed up is in
/// there twice, and the latest counts. But a policy that the run has put back, or put in the place
/// of another, is a new object: when it is taken away once more it comes under another uid.
const BackupEntry* entry_before_the_run(const VerifiedBackup& backup, const BackupEntry& of) {
  if (of.role != BackupRole::Policy) return backup.entry(of.role, of.crd, of.key);
  const BackupEntry* found = nullptr;
  for (const BackupEntry& each : backup.entries()) {
    const bool is_same = each.role == of.role && each.crd == of.crd && each.key == of.key;
    if (is_same && (found == nullptr || each.uid == found->uid)) found = &each;
  }
  return found;
}

}  // namespace

Result<Bundle> bundle_of_backup(const VerifiedBackup& backup, BundleRef ref) {
  std::vector<Json> manifests;
  for (const BackupEntry& entry : backup.entries()) {
    if (!is_of_the_bundle(entry)) continue;
    if (entry_before_the_run(backup, entry) != &entry) continue;
    ASSIGN_OR_RETURN(Json crd, backup.document(entry));
    Json manifest = {
        {"apiVersion", crd.at("apiVersion")      },
        {"kind",       crd.at("kind")            },
        {"metadata",   {{"name", entry.key.name}}},
        {"spec",       crd.at("spec")            }
    };
    // The API server's defaults; nobody shall become their owner by our writing them.
    if (entry.role == BackupRole::Policy) manifest["spec"] = policy_spec(crd);
    if (string_at(manifest, "spec", "conversion", "strategy") == "None") {
      manifest["spec"].erase("conversion");
    }
    for (const char* field : {"labels", "annotations"}) {
      if (const Json* values = find(crd, "metadata", field)) manifest["metadata"][field] = *values;
    }
    if (find(manifest, "metadata", "annotations") != nullptr) {
      manifest["metadata"]["annotations"].erase("kubectl.kubernetes.io/last-applied-configuration");
    }
    manifests.push_back(std::move(manifest));
  }
  return bundle_from_documents(std::move(ref), manifests, "backup " + backup.summary().ref);
}

void begin_rollback(Record& record, const std::string& backup_ref, const std::string& because) {
  record.operation = Operation::Rollback;
  record.rolls_back_to = backup_ref;
  record.rolled_back_because = because;
  record.phase = Phase::Plan;
  record.plan.reset();
  record.rehearsal.reset();
  forget_progress(record);
  record.failures.clear();
  record.in_place.reset();
  record.backup = {};
  record.started_at.reset();
  record.finished_at.reset();
  if (record.unavailable_measured) {
    record.unavailable_since.reset();
    record.unavailable_measured.reset();
  }
}

Result<void> complete_rollback_plan(const Run& run, Plan& plan) {
  const std::map<std::string, int> converted = made_anew(run);
  const std::map<std::string, int> held_objects = held(*run.source);
  std::vector<PlannedAction> kept;
  for (PlannedAction& action : plan.actions) {
    // What the upgrade did not touch stays as it is.
    if (action.kind == ActionKind::Keep || converted.contains(action.crd)) continue;
    if (action.kind == ActionKind::Rename || action.kind == ActionKind::Remove) continue;
    const auto in_backup = held_objects.find(action.crd);
    if (action.kind == ActionKind::Update && in_backup != held_objects.end()) {
      // Fields that the upgrade moved, mended or dropped come back from the backup.
      action.kind = ActionKind::Carry;
      action.changed_objects = in_backup->second;
    }
    kept.push_back(std::move(action));
  }
  for (const auto& [crd, num_objects] : converted) {
    kept.push_back(restore_action(run, crd, num_objects));
  }
  plan.actions = std::move(kept);
  sort_actions(plan.actions);
  RETURN_IF_ERROR(drop_field_checks(*run.source, plan));
  note_what_stays(*run.source, plan);
  note_old_webhook(*run.source, plan);
  plan.digest = sha256(print_json(plan_json(plan)));
  return {};
}

}  // namespace gatelift
