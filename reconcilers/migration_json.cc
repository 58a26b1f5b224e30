// SPDX-License-Identifier: Apache-2.0
// Writing is a list of fields per type; reading is the same list through a JsonReader, which
// remembers the first field that is not what it should be, so that the lists stay lists.
#include "reconcilers/migration_json.h"

#include <algorithm>
#include <array>
#include <utility>

#include "reconcilers/duration.h"
#include "reconcilers/json_reader.h"
#include "reconcilers/strategy_json.h"

namespace gatelift {
namespace {

using std::chrono::milliseconds;

constexpr std::array kHolds{Hold::None, Hold::Approval, Hold::UntilUnused};
constexpr std::array kModes{Mode::Apply, Mode::Plan};
constexpr std::array kApprovals{Approval::Automatic, Approval::Required};
constexpr std::array kOnFailures{OnFailure::Halt, OnFailure::Rollback};
constexpr std::array kSeverities{Severity::Blocker, Severity::Consent, Severity::Warning,
                                 Severity::Note};
constexpr std::array kActionKinds{
    ActionKind::Create,  ActionKind::Update,         ActionKind::Carry,        ActionKind::Reencode,
    ActionKind::Convert, ActionKind::ConvertInPlace, ActionKind::Rename,       ActionKind::Keep,
    ActionKind::Remove,  ActionKind::SuspendPolicy,  ActionKind::InstallPolicy};
constexpr std::array kCrdIdentities{CrdIdentity::Exact, CrdIdentity::Modified,
                                    CrdIdentity::Unknown};
constexpr std::array kOperations{Operation::Upgrade, Operation::Rollback};
constexpr std::array kPhases{Phase::Plan,    Phase::Approve, Phase::Rehearse, Phase::BackUp,
                             Phase::Migrate, Phase::Verify,  Phase::Done};

// Reading.

BundleRef read_ref(const JsonReader& in) {
  BundleRef ref;
  in.read("version", ref.version);
  in.read("channel", ref.channel);
  return ref;
}

/// Versions and channels name directories and labels.
void check_name(const JsonReader& in, const char* key, const std::string& name) {
  const bool plain = std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_' || c == '+';
  });
  if (name.empty()) in.complain(in.path(key), "is missing");
  if (!plain || name.starts_with('.'))
    in.complain(in.path(key), "\"" + name + "\" names no bundle");
}

MigrationSpec read_spec(const JsonReader& in) {
  MigrationSpec spec;
  const JsonReader target = in.at("target");
  spec.target = read_ref(target);
  check_name(target, "version", spec.target.version);
  check_name(target, "channel", spec.target.channel);
  in.read("strategy", spec.strategy, kStrategies);
  in.read("mode", spec.mode, kModes);
  in.read("approval", spec.approval, kApprovals);
  in.read("approvedPlan", spec.approved_plan);
  in.read("suspend", spec.suspend);
  in.read("onFailure", spec.on_failure, kOnFailures);
  in.each("accept", [&](const JsonReader& each) {
    Consent consent;
    each.read("check", consent.check);
    each.read("object", consent.object);
    each.read("field", consent.field);
    each.read("resolution", consent.resolution);
    spec.accept.push_back(std::move(consent));
  });
  std::optional<milliseconds> retain;
  in.at("backup").read("retain", retain);
  if (retain) spec.retain = std::chrono::ceil<std::chrono::hours>(*retain);
  in.at("inPlace").read("hold", spec.hold, kHolds);
  std::optional<milliseconds> unused_for;
  in.at("inPlace").read("unusedFor", unused_for);
  if (unused_for) spec.unused_for = *unused_for;
  return spec;
}

PlannedAction read_action(const JsonReader& in) {
  PlannedAction action;
  in.read("crd", action.crd);
  in.read("toCRD", action.to_crd);
  in.read("kind", action.object_kind);
  in.read("action", action.kind, kActionKinds);
  in.read("reason", action.reason);
  in.read("fromDigest", action.from_digest);
  in.read("toDigest", action.to_digest);
  in.read("fromStorage", action.from_storage);
  in.read("toStorage", action.to_storage);
  in.read("storedVersions", action.stored_versions);
  in.read("objects", action.objects);
  in.read("rewritesObjects", action.rewrites_objects);
  in.read("changedObjects", action.changed_objects);
  return action;
}

Check read_check(const JsonReader& in) {
  Check check;
  in.read("check", check.code);
  in.read("severity", check.severity, kSeverities);
  in.read("object", check.object);
  in.read("field", check.field);
  in.read("message", check.message);
  in.read("next", check.next);
  in.read("accepted", check.accepted);
  in.read("byObject", check.by_object);
  in.read("resolutions", check.resolutions);
  in.read("resolution", check.resolution);
  in.read("acceptedBy", check.accepted_by);
  return check;
}

InstalledCrd read_installed(const JsonReader& in) {
  InstalledCrd installed;
  in.read("crd", installed.crd);
  in.read("identity", installed.identity, kCrdIdentities);
  in.each("bundles", [&](const JsonReader& each) { installed.bundles.push_back(read_ref(each)); });
  installed.named = read_ref(in.at("named"));
  in.read("orphaned", installed.orphaned);
  in.read("owner", installed.owner);
  return installed;
}

Plan read_plan(const JsonReader& in) {
  Plan plan;
  in.read("digest", plan.digest);
  in.read("operation", plan.operation, kOperations);
  in.read("bundleDigest", plan.bundle_digest);
  in.read("objects", plan.objects);
  in.read("estimatedWrites", plan.estimated_writes);
  in.each("installed",
          [&](const JsonReader& each) { plan.installed.push_back(read_installed(each)); });
  in.each("actions", [&](const JsonReader& each) { plan.actions.push_back(read_action(each)); });
  in.each("checks", [&](const JsonReader& each) { plan.checks.push_back(read_check(each)); });
  in.read("checksOmitted", plan.checks_omitted);
  in.each("strategies",
          [&](const JsonReader& each) { plan.strategies.push_back(read_strategy(each)); });
  return plan;
}

CrdProgress read_progress(const JsonReader& in) {
  CrdProgress progress;
  in.read("name", progress.name);
  in.read("action", progress.action, kActionKinds);
  in.read("step", progress.step);
  const JsonReader objects = in.at("objects");
  objects.read("found", progress.objects.found);
  objects.read("done", progress.objects.done);
  objects.read("unchanged", progress.objects.unchanged);
  objects.read("skipped", progress.objects.skipped);
  objects.read("failed", progress.objects.failed);
  in.read("vanished", progress.vanished);
  return progress;
}

RehearsalRecord read_rehearsal(const JsonReader& in) {
  RehearsalRecord rehearsal;
  in.read("plan", rehearsal.plan);
  in.read("objects", rehearsal.objects);
  in.read("accepted", rehearsal.accepted);
  in.read("refused", rehearsal.refused);
  const JsonReader evidence = in.at("evidence");
  evidence.read("scratch", rehearsal.at_copy);
  evidence.read("dryRun", rehearsal.by_dry_run);
  evidence.read("none", rehearsal.without);
  in.read("rehearsedAt", rehearsal.rehearsed_at);
  return rehearsal;
}

BackupRecord read_backup(const JsonReader& in) {
  BackupRecord backup;
  in.read("ref", backup.ref);
  in.read("objects", backup.objects);
  in.read("bytes", backup.bytes);
  in.read("digest", backup.digest);
  in.read("verifiedAt", backup.verified_at);
  return backup;
}

Condition read_condition(const JsonReader& in) {
  Condition condition;
  in.read("type", condition.type);
  in.read("status", condition.status);
  in.read("reason", condition.reason);
  in.read("message", condition.message);
  in.read("observedGeneration", condition.observed_generation);
  std::optional<Time> last_transition;
  in.read("lastTransitionTime", last_transition);
  if (last_transition) condition.last_transition = *last_transition;
  return condition;
}

/// Requires: the record has its plan, if any.
void read_unavailable(const JsonReader& in, Record& record) {
  std::optional<milliseconds> estimated;
  in.read("estimated", estimated);
  if (record.plan && estimated) record.plan->estimated_unavailable = *estimated;
  in.read("measured", record.unavailable_measured);
  in.read("since", record.unavailable_since);
}

void read_admission(const JsonReader& in, Record& record) {
  SuspendedPolicy suspended;
  std::optional<Time> since;
  in.read("suspendedPolicy", suspended.name);
  in.read("backup", suspended.backup);
  in.read("since", since);
  if (suspended.name.empty()) return;
  if (since) suspended.since = *since;
  record.suspended_policy = std::move(suspended);
}

InPlaceRecord read_in_place(const JsonReader& in) {
  InPlaceRecord record;
  in.read("crd", record.crd);
  in.read("bothServedSince", record.both_served_since);
  in.read("reprojected", record.reprojected);
  in.read("notShown", record.not_shown);
  in.read("lastLag", record.last_lag);
  in.read("longestLag", record.longest_lag);
  in.read("lastUsed", record.last_used);
  in.read("usedBy", record.used_by);
  in.read("counted", record.counted);
  return record;
}

PhaseEntry read_phase_entry(const JsonReader& in) {
  PhaseEntry entry;
  in.read("operation", entry.operation, kOperations);
  in.read("phase", entry.phase, kPhases);
  std::optional<Time> at;
  in.read("at", at);
  if (at) entry.at = *at;
  return entry;
}

Record read_record(const JsonReader& in) {
  Record record;
  in.read("observedGeneration", record.observed_generation);
  in.read("phase", record.phase, kPhases);
  in.read("operation", record.operation, kOperations);
  if (in.has("plan")) {
    record.plan = read_plan(in.at("plan"));
    record.plan->from = read_ref(in.at("from"));
    record.plan->to = read_ref(in.at("to"));
  }
  in.each("crds", [&](const JsonReader& each) { record.crds.push_back(read_progress(each)); });
  in.each("failures", [&](const JsonReader& each) {
    Failure failure;
    each.read("object", failure.object);
    each.read("reason", failure.reason);
    each.read("message", failure.message);
    record.failures.push_back(std::move(failure));
  });
  if (in.has("rehearsal")) record.rehearsal = read_rehearsal(in.at("rehearsal"));
  record.backup = read_backup(in.at("backup"));
  in.read("rollsBackTo", record.rolls_back_to);
  in.read("rolledBackBecause", record.rolled_back_because);
  read_unavailable(in.at("unavailable"), record);
  read_admission(in.at("admission"), record);
  if (in.has("inPlace")) record.in_place = read_in_place(in.at("inPlace"));
  in.each("timeline",
          [&](const JsonReader& each) { record.timeline.push_back(read_phase_entry(each)); });
  in.read("startedAt", record.started_at);
  in.read("finishedAt", record.finished_at);
  in.each("conditions",
          [&](const JsonReader& each) { record.conditions.push_back(read_condition(each)); });
  return record;
}

// Writing. What is empty is left out, as everywhere in the API.

void put(Json& object, const char* key, const std::string& value) {
  if (!value.empty()) object[key] = value;
}

void put(Json& object, const char* key, Json value) {
  if (!value.empty()) object[key] = std::move(value);
}

void put(Json& object, const char* key, const std::optional<Time>& value) {
  if (value) object[key] = format_time(*value);
}

Json ref_json(const BundleRef& ref) {
  Json json = Json::object();
  put(json, "version", ref.version);
  put(json, "channel", ref.channel);
  return json;
}

Json spec_json(const MigrationSpec& spec) {
  Json json = {
      {"target",    ref_json(spec.target)                     },
      {"strategy",  to_string(spec.strategy)                  },
      {"mode",      to_string(spec.mode)                      },
      {"approval",  to_string(spec.approval)                  },
      {"onFailure", to_string(spec.on_failure)                },
      {"backup",    {{"retain", format_duration(spec.retain)}}},
  };
  if (spec.strategy == Strategy::InPlace) json["inPlace"]["hold"] = to_string(spec.hold);
  if (spec.hold == Hold::UntilUnused) {
    json["inPlace"]["unusedFor"] = format_duration(spec.unused_for);
  }
  put(json, "approvedPlan", spec.approved_plan);
  if (spec.suspend) json["suspend"] = true;
  Json accept = Json::array();
  for (const Consent& consent : spec.accept) {
    Json each = {
        {"check", consent.check}
    };
    put(each, "object", consent.object);
    put(each, "field", consent.field);
    put(each, "resolution", consent.resolution);
    accept.push_back(std::move(each));
  }
  put(json, "accept", std::move(accept));
  return json;
}

Json action_json(const PlannedAction& action) {
  Json json = {
      {"crd",             action.crd             },
      {"kind",            action.object_kind     },
      {"action",          to_string(action.kind) },
      {"objects",         action.objects         },
      {"rewritesObjects", action.rewrites_objects}
  };
  if (action.changed_objects != 0) json["changedObjects"] = action.changed_objects;
  put(json, "toCRD", action.to_crd);
  put(json, "reason", action.reason);
  put(json, "fromDigest", action.from_digest);
  put(json, "toDigest", action.to_digest);
  put(json, "fromStorage", action.from_storage);
  put(json, "toStorage", action.to_storage);
  put(json, "storedVersions", Json(action.stored_versions));
  return json;
}

Json installed_json(const InstalledCrd& installed) {
  Json json = {
      {"crd",      installed.crd                },
      {"identity", to_string(installed.identity)}
  };
  Json bundles = Json::array();
  for (const BundleRef& ref : installed.bundles) bundles.push_back(ref_json(ref));
  put(json, "bundles", std::move(bundles));
  put(json, "named", ref_json(installed.named));
  if (installed.orphaned) json["orphaned"] = true;
  put(json, "owner", installed.owner);
  return json;
}

/// The plan as it is in status, with at most `max_checks` checks.
Json bounded_plan_json(const Plan& plan, std::size_t max_checks) {
  Json json = {
      {"operation",       to_string(plan.operation)},
      {"objects",         plan.objects             },
      {"estimatedWrites", plan.estimated_writes    },
      {"actions",         Json::array()            },
      {"checks",          Json::array()            }
  };
  put(json, "digest", plan.digest);
  put(json, "bundleDigest", plan.bundle_digest);
  Json installed = Json::array();
  for (const InstalledCrd& each : plan.installed) installed.push_back(installed_json(each));
  put(json, "installed", std::move(installed));
  for (const PlannedAction& action : plan.actions) json["actions"].push_back(action_json(action));
  const std::size_t kept = std::min(max_checks, plan.checks.size());
  for (std::size_t i = 0; i < kept; ++i) json["checks"].push_back(check_json(plan.checks[i]));
  const std::size_t omitted =
      static_cast<std::size_t>(plan.checks_omitted) + plan.checks.size() - kept;
  if (omitted != 0) json["checksOmitted"] = omitted;
  put(json, "strategies", strategies_json(plan.strategies));
  return json;
}

Json progress_json(const CrdProgress& progress) {
  const Counts& objects = progress.objects;
  Json json = {
      {"name",    progress.name             },
      {"action",  to_string(progress.action)},
      {"objects",
       {{"found", objects.found},
        {"done", objects.done},
        {"unchanged", objects.unchanged},
        {"skipped", objects.skipped},
        {"failed", objects.failed}}         }
  };
  put(json, "step", progress.step);
  put(json, "vanished", Json(progress.vanished));
  return json;
}

/// "37/40": objects that are settled, of all that were found; "-" where there are none.
std::string progress_text(const std::vector<CrdProgress>& crds) {
  int settled = 0;
  int found = 0;
  for (const CrdProgress& each : crds) {
    settled += each.objects.settled();
    found += each.objects.found;
  }
  return found == 0 ? "-" : std::to_string(settled) + "/" + std::to_string(found);
}

Json rehearsal_json(const RehearsalRecord& rehearsal) {
  Json json = {
      {"plan",     rehearsal.plan    },
      {"objects",  rehearsal.objects },
      {"accepted", rehearsal.accepted},
      {"refused",  rehearsal.refused },
      {"evidence",
       {{"scratch", rehearsal.at_copy},
        {"dryRun", rehearsal.by_dry_run},
        {"none", rehearsal.without}} }
  };
  put(json, "rehearsedAt", rehearsal.rehearsed_at);
  return json;
}

Json backup_json(const BackupRecord& backup) {
  if (backup == BackupRecord{}) return Json::object();
  Json json = {
      {"ref",     backup.ref    },
      {"objects", backup.objects},
      {"bytes",   backup.bytes  }
  };
  put(json, "digest", backup.digest);
  put(json, "verifiedAt", backup.verified_at);
  return json;
}

Json unavailable_json(const Record& record) {
  Json json = Json::object();
  if (record.plan) json["estimated"] = format_duration(record.plan->estimated_unavailable);
  if (record.unavailable_measured) json["measured"] = format_duration(*record.unavailable_measured);
  // With its fraction: the absence is counted from this instant, also after a restart.
  if (record.unavailable_since) json["since"] = format_micro_time(*record.unavailable_since);
  return json;
}

Json admission_json(const Record& record) {
  if (!record.suspended_policy) return Json::object();
  const SuspendedPolicy& suspended = *record.suspended_policy;
  return {
      {"suspendedPolicy", suspended.name                    },
      {"backup",          suspended.backup                  },
      {"since",           format_micro_time(suspended.since)}
  };
}

Json condition_json(const Condition& condition) {
  return {
      {"type",               condition.type                        },
      {"status",             condition.status                      },
      {"reason",             condition.reason                      },
      {"message",            condition.message                     },
      {"observedGeneration", condition.observed_generation         },
      {"lastTransitionTime", format_time(condition.last_transition)}
  };
}

Json failures_json(const std::vector<Failure>& failures, std::size_t max_failures) {
  Json json = Json::array();
  for (const Failure& failure : failures) {
    if (json.size() == max_failures) break;
    Json each = {
        {"object", failure.object},
        {"reason", failure.reason}
    };
    put(each, "message", failure.message);
    json.push_back(std::move(each));
  }
  return json;
}

Json in_place_json(const InPlaceRecord& record) {
  Json json = {
      {"crd",         record.crd        },
      {"reprojected", record.reprojected},
      {"notShown",    record.not_shown  }
  };
  put(json, "bothServedSince", record.both_served_since);
  if (record.last_lag) json["lastLag"] = format_duration(*record.last_lag);
  if (record.longest_lag) json["longestLag"] = format_duration(*record.longest_lag);
  put(json, "lastUsed", record.last_used);
  if (!record.used_by.empty()) json["usedBy"] = record.used_by;
  put(json, "counted", record.counted);
  return json;
}

Json timeline_json(const std::vector<PhaseEntry>& timeline) {
  Json json = Json::array();
  for (const PhaseEntry& entry : timeline) {
    json.push_back({
        {"operation", to_string(entry.operation) },
        {"phase",     to_string(entry.phase)     },
        {"at",        format_micro_time(entry.at)}
    });
  }
  return json;
}

}  // namespace

Result<Migration> parse_migration(const Json& object) {
  Migration migration;
  migration.name = string_at(object, "metadata", "name");
  migration.uid = uid_of(object);
  migration.resource_version = resource_version_of(object);
  migration.generation = int_at(object, 0, "metadata", "generation");
  migration.deleting = is_being_deleted(object);
  migration.rollback = annotation_of(object, kRollbackAnnotation);
  migration.created_at = creation_timestamp_of(object);
  std::optional<Error> error;
  const Json none;
  const Json* spec = find(object, "spec");
  const Json* status = find(object, "status");
  migration.spec = read_spec(JsonReader(spec == nullptr ? none : *spec, "spec", error));
  migration.record = read_record(JsonReader(status == nullptr ? none : *status, "status", error));
  if (error) {
    return fail(wrap(std::move(*error), std::string(kMigrationKind) + "/" + migration.name));
  }
  return migration;
}

Json migration_manifest(const std::string& name, const MigrationSpec& spec) {
  return {
      {"apiVersion", kMigrations.api_version()},
      {"kind",       kMigrationKind           },
      {"metadata",   {{"name", name}}         },
      {"spec",       spec_json(spec)          }
  };
}

Json status_json(const Record& record, const StatusLimits& limits) {
  Json json = {
      {"observedGeneration", record.observed_generation },
      {"phase",              to_string(record.phase)    },
      {"operation",          to_string(record.operation)}
  };
  if (record.plan) {
    put(json, "from", ref_json(record.plan->from));
    put(json, "to", ref_json(record.plan->to));
    json["plan"] = bounded_plan_json(*record.plan, limits.checks);
  }
  if (!record.crds.empty()) json["progress"] = progress_text(record.crds);
  Json crds = Json::array();
  for (const CrdProgress& each : record.crds) crds.push_back(progress_json(each));
  put(json, "crds", std::move(crds));
  put(json, "failures", failures_json(record.failures, limits.failures));
  if (record.rehearsal) json["rehearsal"] = rehearsal_json(*record.rehearsal);
  put(json, "backup", backup_json(record.backup));
  put(json, "rollsBackTo", record.rolls_back_to);
  put(json, "rolledBackBecause", record.rolled_back_because);
  put(json, "unavailable", unavailable_json(record));
  put(json, "admission", admission_json(record));
  if (record.in_place) json["inPlace"] = in_place_json(*record.in_place);
  put(json, "timeline", timeline_json(record.timeline));
  put(json, "startedAt", record.started_at);
  put(json, "finishedAt", record.finished_at);
  Json conditions = Json::array();
  for (const Condition& each : record.conditions) conditions.push_back(condition_json(each));
  put(json, "conditions", std::move(conditions));
  return json;
}

Result<Record> parse_status(const Json& status) {
  std::optional<Error> error;
  Record record = read_record(JsonReader(status, "status", error));
  if (error) return fail(std::move(*error));
  return record;
}

Json plan_json(const Plan& plan) {
  Json json = bounded_plan_json(plan, plan.checks.size());
  put(json, "from", ref_json(plan.from));
  put(json, "to", ref_json(plan.to));
  json["estimatedUnavailable"] = format_duration(plan.estimated_unavailable);
  return json;
}

Json check_json(const Check& check) {
  Json json = {
      {"check",    check.code               },
      {"severity", to_string(check.severity)}
  };
  put(json, "object", check.object);
  put(json, "field", check.field);
  put(json, "message", check.message);
  put(json, "next", check.next);
  if (check.accepted) json["accepted"] = true;
  if (check.by_object) json["byObject"] = true;
  put(json, "resolutions", Json(check.resolutions));
  put(json, "resolution", check.resolution);
  put(json, "acceptedBy", check.accepted_by);
  return json;
}

}  // namespace gatelift
