// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/run.h"

#include <algorithm>

#include "reconcilers/carrying.h"
#include "reconcilers/migration_json.h"

namespace gatelift {

void Run::report(std::string_view crd, std::string_view step, int done, int total) const {
  if (!settings.progress) return;
  settings.progress({migration.record.phase, migration.record.operation, std::string(crd),
                     std::string(step), done, total});
}

CrdProgress& Run::progress(const PlannedAction& action) {
  if (CrdProgress* found = record().crd(action.crd)) return *found;
  CrdProgress made;
  made.name = action.crd;
  made.action = action.kind;
  made.objects.found = action.objects;
  record().crds.push_back(std::move(made));
  return record().crds.back();
}

StepOutcome StepOutcome::waiting(std::string reason, std::string message,
                                 std::chrono::milliseconds retry_after) {
  return {Kind::Waiting, std::move(reason), std::move(message), retry_after};
}

StepOutcome StepOutcome::stalled(std::string reason, std::string message,
                                 std::chrono::milliseconds retry_after) {
  return {Kind::Stalled, std::move(reason), std::move(message), retry_after};
}

void drop_plan(Run& run) {
  Record& record = run.record();
  record.plan.reset();
  forget_progress(record);
  record.started_at.reset();
  record.backup = {};
  run.backup.reset();
}

Result<void> write_record(Run& run) {
  Json status = status_json(run.record());
  const Json* live = find(run.object, "status");
  if (live != nullptr && *live == status) return {};
  Json body = run.object;
  body["status"] = std::move(status);
  Request request;
  request.verb = Verb::Replace;
  request.resource = kMigrations;
  request.key = key_of(run.object);
  request.subresource = "status";
  request.body = std::move(body);
  auto written = run.cluster.send(request);
  if (!written) return fail(wrap(written.error(), "recording progress"));
  run.object = *std::move(written);
  run.written_at = run.clock.now();
  run.migration.resource_version = resource_version_of(run.object);
  return {};
}

}  // namespace gatelift
