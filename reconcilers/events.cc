// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/events.h"

#include <cstdio>

namespace gatelift {

namespace {
constexpr std::size_t kNoteLimit = 1024;
}

void record_event(Run& run, EventType type, const std::string& reason, const std::string& note) {
  const Migration& migration = run.migration;
  Time now = run.clock.now();
  char suffix[32];
  std::snprintf(suffix, sizeof suffix, ".%llx%s",
                static_cast<unsigned long long>(now.time_since_epoch().count()),
                migration.resource_version.c_str());
  Json event = {{"apiVersion", "events.k8s.io/v1"},
                {"kind", "Event"},
                {"metadata", {{"name", migration.name + suffix}, {"namespace", "default"}}},
                {"eventTime", format_micro_time(now)},
                {"type", type == EventType::Normal ? "Normal" : "Warning"},
                {"reason", reason},
                {"action", to_string(migration.record.phase)},
                {"note", note.substr(0, kNoteLimit)},
                {"reportingController", "gatelift.dev/gatelift"},
                {"reportingInstance", run.settings.instance.substr(0, 128)},
                {"regarding",
                 {{"apiVersion", kMigrations.api_version()},
                  {"kind", kMigrationKind},
                  {"name", migration.name},
                  {"uid", migration.uid}}}};
  auto created = create(run.cluster, resources::kEvents, std::move(event));
  if (!created) run.log("warn", "writing an event: " + created.error().message);
}

}  // namespace gatelift
