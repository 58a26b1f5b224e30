// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/steps/back_up.h"

#include <algorithm>
#include <utility>

#include "reconcilers/bundle/digest.h"
#include "reconcilers/steps/admission_backup.h"
#include "reconcilers/steps/intended_items.h"

namespace gatelift {
namespace {

constexpr std::size_t kCrdsAtOnce = 4;  // a CRD is a megabyte or two while it is read

bool keeps_objects(const PlannedAction& action) {
  return action.kind == ActionKind::Convert || action.kind == ActionKind::Rename ||
         action.kind == ActionKind::Remove || action.rewrites_objects || action.changed_objects > 0;
}

Result<void> add_sources(Run& run, const PlannedAction& action, BackupStore::Writer& writer) {
  if (run.source == nullptr) return {};
  return run.source->for_each(
      BackupRole::Original, action.crd, [&](const BackupEntry&, Json&& object) {
        return writer.add({BackupRole::Intended, action.crd, std::move(object)});
      });
}

std::string problem_text(const PlannedAction& action, const Json& object,
                         const ConversionProblem& problem) {
  return display_name(action.object_kind, key_of(object)) + ": " + problem.field + ": " +
         problem.message;
}

struct Collected {
  std::string problem;
  std::vector<std::string> uids;
};

/// Adds every live object of one CRD; stops at the first that cannot be converted.
Result<Collected> add_objects(Run& run, const PlannedAction& action, const CrdSummary& crd,
                              BackupStore::Writer& writer) {
  Collected collected;
  IntendedItems items(run, action);
  RETURN_IF_ERROR(items.prepare());
  Request list;
  list.verb = Verb::List;
  list.resource = crd.resource();
  CrdProgress& progress = run.progress(action);
  int added = 0;
  auto listed = for_each_object(run.cluster, list, [&](Json&& object) -> Result<void> {
    if (!collected.problem.empty()) return {};
    RETURN_IF_ERROR(writer.add({BackupRole::Original, action.crd, object}));
    run.report(action.crd, "BackUp", ++added, progress.objects.found);
    if (action.kind == ActionKind::Convert) collected.uids.push_back(uid_of(object));
    std::optional<BackupItem> intended;
    ASSIGN_OR_RETURN(const std::vector<ConversionProblem> problems, items.of(object, intended));
    if (!problems.empty()) {
      collected.problem = problem_text(action, object, problems.front());
    } else if (intended) {
      return writer.add(*intended);
    }
    return {};
  });
  RETURN_IF_ERROR(listed);
  progress.objects.found = added;
  return collected;
}

/// Every CRD that will be written, as it is.
Result<void> add_crds(Run& run, BackupStore::Writer& writer) {
  std::vector<std::string> names;
  for (const PlannedAction& action : run.plan().actions) {
    if (action.kind == ActionKind::Keep || run.installed.crd(action.crd) == nullptr) continue;
    names.push_back(action.crd);
  }
  for (std::size_t first = 0; first < names.size(); first += kCrdsAtOnce) {
    std::vector<Result<Json>> live = send_all(
        run.cluster, std::min(kCrdsAtOnce, names.size() - first),
        [&](std::size_t i) {
          Request request;
          request.resource = resources::kCrds;
          request.key = {"", names[first + i]};
          return request;
        },
        static_cast<int>(kCrdsAtOnce));
    for (std::size_t i = 0; i < live.size(); ++i) {
      if (!live[i]) return fail(std::move(live[i]).error());
      RETURN_IF_ERROR(writer.add({BackupRole::Crd, names[first + i], *std::move(live[i])}));
    }
  }
  return {};
}

Result<void> add_dependents(Run& run, const std::vector<std::string>& uids,
                            BackupStore::Writer& writer) {
  if (uids.empty()) return {};
  ASSIGN_OR_RETURN(Dependents dependents, find_dependents(run.cluster, uids));
  for (const Dependent& dependent : dependents.found) {
    ASSIGN_OR_RETURN(std::optional<Json> object,
                     get_if_exists(run.cluster, dependent.resource, dependent.key));
    if (!object) continue;
    // The collection is not in the object itself; the entry needs it to find the way back.
    RETURN_IF_ERROR(writer.add({BackupRole::Dependent, dependent.resource.plural, *object}));
  }
  return {};
}

/// Admission policies, also where they stay: a rollback has to know what there was.
Result<void> add_admission(Run& run, BackupStore::Writer& writer) {
  ASSIGN_OR_RETURN(const std::vector<BackupItem> items, admission_items(run));
  for (const BackupItem& item : items) RETURN_IF_ERROR(writer.add(item));
  return {};
}

StepOutcome plan_anew(Run& run, const std::string& problem) {
  run.log("warn", "planning again: " + problem);
  drop_plan(run);
  return StepOutcome::progressed();
}

}  // namespace

std::string backup_ref(const Migration& migration) {
  std::string seed = migration.uid + "/" + std::string(to_string(migration.record.operation)) +
                     "/" + migration.record.plan->digest;
  return migration.name + "-" + sha256(seed).substr(7, 8);
}

void record_backup(Run& run) {
  const BackupSummary& summary = run.backup->summary();
  BackupRecord& record = run.record().backup;
  record.ref = summary.ref;
  record.objects = summary.objects;
  record.bytes = summary.bytes;
  record.digest = summary.digest;
  record.verified_at = run.clock.now();
}

Result<StepOutcome> back_up(Run& run) {
  ASSIGN_OR_RETURN(BackupStore::Writer writer,
                   run.backups.begin(backup_ref(run.migration), run.migration.name));
  RETURN_IF_ERROR(add_crds(run, writer));
  std::vector<std::string> uids;
  for (const PlannedAction& action : run.plan().actions) {
    if (action.kind == ActionKind::Keep) continue;
    if (action.kind == ActionKind::Convert) RETURN_IF_ERROR(add_sources(run, action, writer));
    const CrdSummary* crd = run.installed.crd(action.crd);
    if (crd == nullptr || crd->terminating) continue;
    if (!keeps_objects(action)) continue;
    ASSIGN_OR_RETURN(Collected collected, add_objects(run, action, *crd, writer));
    if (!collected.problem.empty()) return plan_anew(run, collected.problem);
    uids.insert(uids.end(), collected.uids.begin(), collected.uids.end());
  }
  RETURN_IF_ERROR(add_dependents(run, uids, writer));
  RETURN_IF_ERROR(add_admission(run, writer));
  ASSIGN_OR_RETURN(VerifiedBackup backup, writer.finish());
  run.backup = std::make_shared<const VerifiedBackup>(std::move(backup));
  record_backup(run);
  return StepOutcome::progressed();
}

Result<void> add_to_backup(Run& run, std::vector<BackupItem> items) {
  ASSIGN_OR_RETURN(BackupStore::Writer writer, run.backups.supplement(*run.backup));
  for (const BackupItem& item : items) RETURN_IF_ERROR(writer.add(item));
  ASSIGN_OR_RETURN(VerifiedBackup backup, writer.finish());
  run.backup = std::make_shared<const VerifiedBackup>(std::move(backup));
  record_backup(run);
  return {};
}

Result<Supplement> supplement_backup(Run& run, const PlannedAction& action,
                                     std::vector<Json> objects) {
  ASSIGN_OR_RETURN(BackupStore::Writer writer, run.backups.supplement(*run.backup));
  IntendedItems items(run, action);
  RETURN_IF_ERROR(items.prepare());
  for (Json& object : objects) {
    std::optional<BackupItem> intended;
    ASSIGN_OR_RETURN(const std::vector<ConversionProblem> problems, items.of(object, intended));
    if (!problems.empty()) {
      return Supplement{StepOutcome::stalled(
          problems.front().code,
          problem_text(action, object, problems.front()) + "; next: " + problems.front().next)};
    }
    RETURN_IF_ERROR(writer.add({BackupRole::Original, action.crd, std::move(object)}));
    if (intended) RETURN_IF_ERROR(writer.add(*intended));
  }
  ASSIGN_OR_RETURN(VerifiedBackup backup, writer.finish());
  run.backup = std::make_shared<const VerifiedBackup>(std::move(backup));
  record_backup(run);
  return Supplement{};
}

Result<std::optional<StepOutcome>> back_up_again(Run& run, const PlannedAction& action,
                                                 const CrdSummary& crd,
                                                 const std::vector<ObjectKey>& keys) {
  std::vector<Json> objects;
  std::optional<Error> failed;
  Batch batch;
  batch.size = keys.size();
  batch.request = [&](std::size_t i) {
    Request request;
    request.resource = crd.resource();
    request.key = keys[i];
    return request;
  };
  batch.done = [&](std::size_t, Result<Json> answer) {
    if (answer) {
      objects.push_back(*std::move(answer));
    } else if (!answer.error().is(ErrorKind::NotFound)) {
      failed = answer.error();
    }
  };
  run.cluster.send_each(batch, run.settings.in_flight);
  if (failed) return fail(*failed);
  ASSIGN_OR_RETURN(Supplement supplement, supplement_backup(run, action, std::move(objects)));
  return supplement.problem;
}

}  // namespace gatelift
