// SPDX-License-Identifier: Apache-2.0
// The API server drops what a schema does not name and refuses what it forbids, and a run continues
// from its status. So whatever status_json writes has to be in the CRD that is installed, and what
// parse_migration takes from spec too.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

#include "client/yaml.h"
#include "reconcilers/migration_json.h"

namespace gatelift {
namespace {

Json read_crd() {
  std::ifstream in(GATELIFT_CRD);
  std::ostringstream text;
  text << in.rdbuf();
  auto documents = parse_yaml(text.str(), GATELIFT_CRD);
  if (!documents || documents->size() != 1) return Json::object();
  return documents->front();
}

/// The schema of a top-level field.
Json schema_of(const char* field) {
  static const Json crd = read_crd();
  return crd.at("spec")
      .at("versions")
      .at(0)
      .at("schema")
      .at("openAPIV3Schema")
      .at("properties")
      .at(field);
}

bool has_type(const Json& value, const std::string& type) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "boolean") return value.is_boolean();
  return type == "integer" && value.is_number_integer();
}

/// What the API server would drop or refuse, as "path: why".
void collect_misfits(const Json& schema, const Json& value, const std::string& path,
                     std::vector<std::string>& misfits) {
  if (!has_type(value, string_at(schema, "type"))) {
    misfits.push_back(path + ": is no " + string_at(schema, "type"));
    return;
  }
  if (const Json* allowed = find(schema, "enum")) {
    if (std::ranges::find(*allowed, value) == allowed->end())
      misfits.push_back(path + ": not in enum");
  }
  if (value.is_array()) {
    if (value.size() > static_cast<std::size_t>(int_at(schema, 0, "maxItems"))) {
      misfits.push_back(path + ": " + std::to_string(value.size()) + " items");
    }
    for (const Json& item : value) collect_misfits(schema.at("items"), item, path + "[]", misfits);
  }
  if (!value.is_object()) return;
  for (const auto& [name, child] : value.items()) {
    const Json* known = find(schema, "properties", name);
    const std::string below = path + "." + name;
    if (known == nullptr) {
      misfits.push_back(below + ": unknown");
    } else {
      collect_misfits(*known, child, below, misfits);
    }
  }
}

std::vector<std::string> misfits_of(const char* field, const Json& value) {
  std::vector<std::string> misfits;
  collect_misfits(schema_of(field), value, field, misfits);
  return misfits;
}

void collect_paths(const Json& schema, const std::string& path, std::set<std::string>& paths) {
  paths.insert(path);
  if (const Json* items = find(schema, "items")) collect_paths(*items, path + "[]", paths);
  if (const Json* properties = find(schema, "properties")) {
    for (const auto& [name, child] : properties->items()) {
      collect_paths(child, path + "." + name, paths);
    }
  }
}

void collect_present(const Json& value, const std::string& path, std::set<std::string>& paths) {
  paths.insert(path);
  if (value.is_array()) {
    for (const Json& item : value) collect_present(item, path + "[]", paths);
  }
  if (!value.is_object()) return;
  for (const auto& [name, child] : value.items()) collect_present(child, path + "." + name, paths);
}

/// In the schema and not in the value.
std::vector<std::string> never_written(const char* field, const Json& value) {
  std::set<std::string> known;
  std::set<std::string> present;
  collect_paths(schema_of(field), field, known);
  collect_present(value, field, present);
  std::vector<std::string> missing;
  std::ranges::set_difference(known, present, std::back_inserter(missing));
  return missing;
}

PlannedAction action_of(ActionKind kind) {
  PlannedAction action;
  action.kind = kind;
  action.crd = "backendtlspolicies.gateway.networking.k8s.io";
  action.object_kind = "BackendTLSPolicy";
  action.reason = "its shape changes";
  action.from_digest = action.to_digest = "sha256:0";
  action.from_storage = "v1alpha2";
  action.to_storage = "v1alpha3";
  action.stored_versions = {"v1alpha2"};
  action.objects = 40;
  action.rewrites_objects = true;
  return action;
}

/// Every field set and every action and severity used.
Plan whole_plan() {
  Plan plan;
  plan.digest = plan.bundle_digest = "sha256:0";
  plan.from = {"v1.0.0", "experimental"};
  plan.to = {"v1.1.1", "experimental"};
  for (ActionKind kind :
       {ActionKind::Create, ActionKind::Update, ActionKind::Carry, ActionKind::Reencode,
        ActionKind::Convert, ActionKind::ConvertInPlace, ActionKind::Rename, ActionKind::Keep,
        ActionKind::Remove, ActionKind::SuspendPolicy, ActionKind::InstallPolicy}) {
    plan.actions.push_back(action_of(kind));
    plan.actions.back().to_crd = "listenersets.gateway.networking.k8s.io";
    plan.actions.back().changed_objects = 2;
  }
  InstalledCrd installed;
  installed.crd = "gateways.gateway.networking.k8s.io";
  installed.named = plan.from;
  installed.bundles = {plan.from};
  installed.orphaned = true;
  installed.owner = "Helm release a/b";
  for (CrdIdentity identity : {CrdIdentity::Exact, CrdIdentity::Modified, CrdIdentity::Unknown}) {
    plan.installed.push_back(installed);
    plan.installed.back().identity = identity;
  }
  for (int i = 0; i < 150; ++i) {
    for (Severity severity :
         {Severity::Blocker, Severity::Consent, Severity::Warning, Severity::Note}) {
      plan.checks.push_back({"Code",
                             severity,
                             "Kind/ns/name",
                             "spec.field",
                             "what",
                             "do this",
                             true,
                             true,
                             {"LeaveInBackup"},
                             "LeaveInBackup",
                             "Code Kind/ns/name"});
    }
  }
  plan.objects = 40;
  plan.estimated_writes = 160;
  plan.estimated_unavailable = std::chrono::milliseconds(1800);
  for (Strategy strategy : {Strategy::Recreate, Strategy::InPlace}) {
    plan.strategies.push_back({strategy,
                               true,
                               std::chrono::milliseconds(1800),
                               160,
                               4,
                               40,
                               30,
                               {"a finalizer"},
                               {"plaintext"},
                               {"a controller"}});
  }
  return plan;
}

Record whole_record() {
  const Time now = parse_time("2026-01-02T03:04:05Z").value();
  Record record;
  record.observed_generation = 3;
  record.plan = whole_plan();
  CrdProgress progress;
  progress.name = "backendtlspolicies.gateway.networking.k8s.io";
  progress.action = ActionKind::Convert;
  progress.step = "Reapply";
  progress.objects = {40, 36, 1, 1, 2};
  progress.vanished = {"ns/name"};
  record.crds = {progress};
  record.failures.assign(50, {"Kind/ns/name", "Invalid", "refused"});
  record.rehearsal = {"sha256:0", 40, 38, 1, 30, 9, 1, now};
  record.backup = {"to-v1-1-1", 40, 12345, "sha256:0", now};
  record.rolls_back_to = "to-v1-1-0";
  record.rolled_back_because = "a webhook denied HTTPRoute/ns/name";
  record.timeline = {
      {Operation::Upgrade, Phase::Migrate, now}
  };
  record.started_at = record.finished_at = record.unavailable_since = now;
  record.unavailable_measured = std::chrono::milliseconds(1750);
  record.suspended_policy = SuspendedPolicy{"safe-upgrades.example.com", "to-v1-1-1", now};
  record.in_place = InPlaceRecord{"backendtlspolicies.gateway.networking.k8s.io",
                                  now,
                                  2,
                                  1,
                                  std::chrono::milliseconds(5),
                                  std::chrono::milliseconds(90),
                                  now,
                                  {"2 watches of v1alpha2 are open"},
                                  "@1.7e9=12"};
  record.conditions = {
      {"Ready", "False", "Migrating", "37 of 40 objects", 3, now}
  };
  return record;
}

/// Does not compile when Record gets a member: give it a value in whole_record, and name it here
/// and in the CRD.
TEST(StatusSchema, IsComparedWithARecordThatHasEverything) {
  const auto [observed_generation, phase, operation, plan, rehearsal, crds, failures, backup,
              rolls_back_to, rolled_back_because, timeline, started_at, finished_at,
              unavailable_since, unavailable_measured, suspended_policy, in_place, conditions] =
      whole_record();
  EXPECT_NE(observed_generation, 0);
  EXPECT_TRUE(plan && rehearsal && started_at && finished_at);
  EXPECT_TRUE(unavailable_since && unavailable_measured && suspended_policy && in_place);
  EXPECT_FALSE(crds.empty() || failures.empty() || timeline.empty() || conditions.empty());
  EXPECT_FALSE(backup.ref.empty() || rolls_back_to.empty() || rolled_back_because.empty());
  EXPECT_EQ(phase, Phase::Plan);
  EXPECT_EQ(operation, Operation::Upgrade);
}

TEST(StatusSchema, NamesEveryFieldThatIsWritten) {
  EXPECT_EQ(misfits_of("status", status_json(whole_record())), std::vector<std::string>());
}

TEST(StatusSchema, TakesEveryPhaseAndOperation) {
  for (Phase phase : {Phase::Plan, Phase::Approve, Phase::Rehearse, Phase::BackUp, Phase::Migrate,
                      Phase::Verify, Phase::Done}) {
    for (Operation operation : {Operation::Upgrade, Operation::Rollback}) {
      Record record;
      record.phase = phase;
      record.operation = operation;
      EXPECT_EQ(misfits_of("status", status_json(record)), std::vector<std::string>());
    }
  }
}

TEST(StatusSchema, PromisesNoFieldThatIsNeverWritten) {
  EXPECT_EQ(never_written("status", status_json(whole_record())), std::vector<std::string>());
}

TEST(StatusSchema, TakesTheManifestOfTheCommandLine) {
  MigrationSpec spec;
  spec.target = {"v1.1.1", "experimental"};
  spec.mode = Mode::Plan;
  spec.approval = Approval::Required;
  spec.approved_plan = "sha256:0";
  spec.strategy = Strategy::InPlace;
  spec.hold = Hold::UntilUnused;
  spec.suspend = true;
  spec.on_failure = OnFailure::Rollback;
  spec.accept = {
      {"FieldLoss", "HTTPRoute/ns/name", "spec.rules[0]", "Remove"}
  };
  const Json manifest = migration_manifest("to-v1-1-1", spec);
  EXPECT_EQ(misfits_of("spec", manifest.at("spec")), std::vector<std::string>());
  EXPECT_EQ(never_written("spec", manifest.at("spec")), std::vector<std::string>());
}

TEST(StatusSchema, SeesAFieldThatItDoesNotName) {
  Json status = status_json(whole_record());
  status["plan"]["actions"][0]["surprise"] = 1;
  status["crds"][0]["objects"]["done"] = "36";
  const std::vector<std::string> expected = {"status.crds[].objects.done: is no integer",
                                             "status.plan.actions[].surprise: unknown"};
  EXPECT_EQ(misfits_of("status", status), expected);
}

}  // namespace
}  // namespace gatelift
