// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/steps/delete_objects.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "reconcilers/steps/back_up.h"
#include "reconcilers/steps/crd_writer.h"
#include "reconcilers/steps/dependents.h"
#include "reconcilers/steps/failures.h"

namespace gatelift {
namespace {

constexpr int kMaxRounds = 20;
constexpr std::size_t kVanishedKept = 100;
constexpr std::chrono::milliseconds kWatchQuiet{100};
constexpr std::chrono::seconds kCrdGone{70};

/// What the collection holds now, without the objects' contents.
struct Survey {
  struct Seen {
    ObjectKey key;
    std::string uid;
    std::string resource_version;
  };
  std::vector<Seen> objects;
  std::string resource_version;  // of the list
  std::string blocked;           // the first object that a deletion would not remove, and why
};

std::string why_it_would_hang(const Json& object) {
  if (is_being_deleted(object)) return "is already being deleted and has not gone";
  const Json& finalizers = array_at(object, "metadata", "finalizers");
  if (finalizers.empty()) return "";
  return "has the finalizer " + finalizers.front().get<std::string>();
}

Result<Survey> survey(Run& run, const CrdSummary& crd) {
  Survey survey;
  Request list;
  list.verb = Verb::List;
  list.resource = crd.resource();
  list.metadata_only = true;
  ASSIGN_OR_RETURN(survey.resource_version,
                   for_each_object(run.cluster, list, [&](Json&& object) -> Result<void> {
                     std::string problem = why_it_would_hang(object);
                     if (!problem.empty() && survey.blocked.empty()) {
                       survey.blocked =
                           display_name(crd.kind, key_of(object)) + " " + problem;
                     }
                     survey.objects.push_back(
                         {key_of(object), uid_of(object), resource_version_of(object)});
                     return {};
                   }));
  return survey;
}

/// The live objects that the backup does not hold in this very state.
std::vector<ObjectKey> not_held(const Survey& survey, const std::string& crd,
                                const VerifiedBackup& backup) {
  std::vector<ObjectKey> keys;
  for (const Survey::Seen& seen : survey.objects) {
    const BackupEntry* entry = backup.entry(BackupRole::Original, crd, seen.key);
    if (entry == nullptr || entry->uid != seen.uid ||
        entry->resource_version != seen.resource_version) {
      keys.push_back(seen.key);
    }
  }
  return keys;
}

/// Objects of the backup that are not live, although nothing of ours has deleted one yet.
void note_vanished(Run& run, const PlannedAction& action, const Survey& survey) {
  std::set<ObjectKey> live;
  for (const Survey::Seen& seen : survey.objects) live.insert(seen.key);
  CrdProgress& progress = run.progress(action);
  for (const BackupEntry& entry : run.backup->entries()) {
    if (entry.role != BackupRole::Original || entry.crd != action.crd) continue;
    if (live.contains(entry.key) || progress.vanished.size() >= kVanishedKept) continue;
    progress.vanished.push_back(entry.key.display());
    live.insert(entry.key);
  }
}

struct Wave {
  std::vector<Survey::Seen> objects;
  ObjectFailures failures;
  int deleted = 0;
};

void delete_wave(Run& run, const CrdSummary& crd, Wave& wave) {
  Batch batch;
  batch.size = wave.objects.size();
  batch.request = [&](std::size_t i) {
    Request request;
    request.verb = Verb::Delete;
    request.resource = crd.resource();
    request.key = wave.objects[i].key;
    request.preconditions = {wave.objects[i].uid, wave.objects[i].resource_version};
    return request;
  };
  batch.done = [&](std::size_t i, const Result<Json>& answer) {
    const ObjectKey& key = wave.objects[i].key;
    // NotFound does not say whose deletion it was: where an answer is lost, ours is sent again and meets its own effect.
    if (answer || answer.error().is(ErrorKind::NotFound)) {
      ++wave.deleted;
    } else if (!answer.error().is(ErrorKind::Conflict)) {
      // A conflict is an object that changed: the next survey sees it and it is backed up again.
      wave.failures.note(display_name(crd.kind, key), answer.error());
    }
    run.report(crd.name, "Delete", wave.deleted, static_cast<int>(wave.objects.size()));
  };
  run.cluster.send_each(batch, run.settings.in_flight);
}

/// Deletes in the order in which the objects will be made again: then each is absent equally long.
void order_as_in_backup(Wave& wave, const std::string& crd, const VerifiedBackup& backup) {
  auto position = [&](const Survey::Seen& seen) {
    return backup.entry(BackupRole::Original, crd, seen.key) - backup.entries().data();
  };
  std::sort(wave.objects.begin(), wave.objects.end(),
            [&](const Survey::Seen& a, const Survey::Seen& b) { return position(a) < position(b); });
}

StepOutcome would_hang(const Run& run, const std::string& what) {
  bool begun = run.migration.record.unavailable_since.has_value();
  return StepOutcome::stalled(
      "DeletionWouldHang",
      what + (begun ? "; the deletion of its kind is half-way, what is deleted is in the backup"
                    : "; nothing has been deleted") +
          "; next: let its controller finish, or remove the finalizer or the object yourself");
}

/// Puts down that deletion begins, before it does: a crash must not make the absence look shorter, nor what we deleted
/// look like somebody else's doing.
Result<void> record_intent(Run& run, const PlannedAction& action, const Survey& survey) {
  if (run.record().unavailable_since || action.kind == ActionKind::Remove) return {};
  if (run.record().operation == Operation::Upgrade) note_vanished(run, action, survey);
  run.record().unavailable_since = run.clock.now();
  return write_record(run);
}

/// Deletes until a list comes back empty, and returns that list's resourceVersion; or why it cannot.
struct Emptied {
  std::string resource_version;
  std::optional<StepOutcome> problem;
};

Result<Emptied> empty_collection(Run& run, const PlannedAction& action, const CrdSummary& crd) {
  for (int round = 0; round < kMaxRounds; ++round) {
    ASSIGN_OR_RETURN(Survey seen, survey(run, crd));
    if (!seen.blocked.empty()) return Emptied{"", would_hang(run, seen.blocked)};
    std::vector<ObjectKey> unheld = not_held(seen, action.crd, *run.backup);
    if (!unheld.empty()) {
      ASSIGN_OR_RETURN(std::optional<StepOutcome> problem,
                       back_up_again(run, action, crd, unheld));
      if (problem) return Emptied{"", problem};
      continue;
    }
    RETURN_IF_ERROR(record_intent(run, action, seen));
    if (seen.objects.empty()) return Emptied{seen.resource_version, std::nullopt};
    if (action.kind != ActionKind::Remove) RETURN_IF_ERROR(detach_dependents(run));
    Wave wave;
    wave.objects = std::move(seen.objects);
    order_as_in_backup(wave, action.crd, *run.backup);
    delete_wave(run, crd, wave);
    if (!wave.failures.empty()) {
      ASSIGN_OR_RETURN(StepOutcome problem,
                       wave.failures.outcome(run, "DeletionFailed", "deleting"));
      return Emptied{"", problem};
    }
  }
  return Emptied{"", StepOutcome::waiting("ObjectsKeepAppearing",
                                          action.crd + ": objects keep changing or appearing faster "
                                                       "than they can be backed up and deleted",
                                          std::chrono::seconds(1))};
}

Result<void> delete_crd(Run& run, const CrdSummary& crd) {
  Request request;
  request.verb = Verb::Delete;
  request.resource = resources::kCrds;
  request.key = {"", crd.name};
  request.preconditions = {crd.uid, crd.resource_version};
  auto deleted = run.cluster.send(request);
  if (deleted || deleted.error().is(ErrorKind::NotFound)) return {};
  return fail(wrap(deleted.error(), "deleting CustomResourceDefinition/" + crd.name));
}

/// The last state of each object that a watch showed as added or changed, until it ends or falls silent.
std::vector<Json> stragglers(Watch& watch) {
  std::map<ObjectKey, Json> seen;
  while (true) {
    auto event = watch.next(kWatchQuiet);
    if (!event || !event->has_value()) break;
    if ((*event)->type == WatchEventType::Bookmark) continue;
    ObjectKey key = key_of((*event)->object);
    seen[key] = std::move((*event)->object);
  }
  std::vector<Json> objects;
  for (auto& [key, object] : seen) {
    object["metadata"].erase("deletionTimestamp");
    object["metadata"].erase("deletionGracePeriodSeconds");
    objects.push_back(std::move(object));
  }
  return objects;
}

}  // namespace

Result<StepOutcome> delete_objects_and_crd(Run& run, const PlannedAction& action,
                                           const CrdSummary& crd, const VerifiedBackup&) {
  run.progress(action).step = "Delete";
  ASSIGN_OR_RETURN(Emptied emptied, empty_collection(run, action, crd));
  if (emptied.problem) return *emptied.problem;
  ASSIGN_OR_RETURN(std::unique_ptr<Watch> watch,
                   run.cluster.watch({crd.resource(), "", emptied.resource_version, ""}));
  RETURN_IF_ERROR(delete_crd(run, crd));
  ASSIGN_OR_RETURN(bool gone, wait_until_gone(run, crd.name, crd.uid, kCrdGone));
  std::vector<Json> late = stragglers(*watch);
  if (!late.empty()) {
    run.log("warn", crd.name + ": " + std::to_string(late.size()) +
                        " objects were created while the kind was being deleted; they are in the backup");
    ASSIGN_OR_RETURN(Supplement supplement, supplement_backup(run, action, std::move(late)));
    if (supplement.problem) return *supplement.problem;
  }
  if (!gone) {
    return StepOutcome::waiting("CRDTerminating",
                                "CustomResourceDefinition/" + crd.name +
                                    " is still being deleted by the API server after 70 s",
                                std::chrono::seconds(2));
  }
  return StepOutcome::progressed();
}

}  // namespace gatelift
