// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/migration_json.h"

#include <gtest/gtest.h>

namespace gatelift {
namespace {

using std::chrono::milliseconds;

Json manifest(const char* spec) {
  return Json{
      {"metadata", {{"name", "to-v1-1"}}},
      {"spec",     Json::parse(spec)    }
  };
}

Time at(const char* text) { return parse_time(text).value(); }

Plan full_plan() {
  Plan plan;
  plan.digest = "sha256:11";
  plan.operation = Operation::Rollback;
  plan.from = {"v1.0.0", "experimental"};
  plan.to = {"v1.1.1", "experimental"};
  plan.bundle_digest = "sha256:22";
  PlannedAction action;
  action.kind = ActionKind::Convert;
  action.crd = "backendtlspolicies.gateway.networking.k8s.io";
  action.object_kind = "BackendTLSPolicy";
  action.reason = "v1alpha2 has another shape than v1alpha3";
  action.from_digest = "sha256:33";
  action.to_digest = "sha256:44";
  action.from_storage = "v1alpha2";
  action.to_storage = "v1alpha3";
  action.stored_versions = {"v1alpha2"};
  action.objects = 40;
  action.rewrites_objects = true;
  plan.actions = {action};
  plan.checks = {
      {"Finalizer",    Severity::Blocker, "BackendTLSPolicy/a/b", "metadata.finalizers",
       "a finalizer holds it",                                                                            "remove it", false},
      {"ForeignOwner", Severity::Consent, "CRD/x",                "",                    "owned by Helm", "tell Helm", true }
  };
  plan.objects = 40;
  plan.estimated_writes = 161;
  plan.estimated_unavailable = milliseconds(360);
  StrategyEstimate recreate{.strategy = Strategy::Recreate, .chosen = true};
  recreate.unavailable = milliseconds(360);
  recreate.writes = 161;
  recreate.writes_per_object = 4;
  recreate.objects_recreated = 40;
  recreate.policies_interrupted = 31;
  recreate.risks = {"plaintext", "other uids"};
  recreate.needs = {"a controller that reads v1alpha3"};
  StrategyEstimate in_place{.strategy = Strategy::InPlace};
  in_place.writes = 125;
  in_place.obstacles = {"spec.port: string before, integer after"};
  plan.strategies = {recreate, in_place};
  return plan;
}

Record full_record() {
  Record record;
  record.observed_generation = 3;
  record.phase = Phase::Migrate;
  record.operation = Operation::Rollback;
  record.plan = full_plan();
  record.crds = {
      {"backendtlspolicies.gateway.networking.k8s.io",
       ActionKind::Convert,
       "Reapply",                                                                {40, 30, 6, 1, 2},
       {"a/b"}                                                                                        },
      {"grpcroutes.gateway.networking.k8s.io",         ActionKind::Reencode, "", {0, 0, 0, 0, 0},   {}}
  };
  record.failures = {
      {"BackendTLSPolicy/a/b", "Invalid", "spec.validation.hostname: required"}
  };
  record.rehearsal = {"sha256:11", 40, 37, 1, 30, 8, 2, at("2026-11-21T11:58:59Z")};
  record.backup = {"to-v1-1-7f", 40, 12345, "sha256:55", at("2026-11-21T12:00:00Z")};
  record.rolls_back_to = "to-v1-1-6e";
  record.rolled_back_because = "VerificationFailed";
  record.timeline = {
      {Operation::Upgrade,  Phase::Migrate, at("2026-11-21T11:58:00.5Z")},
      {Operation::Rollback, Phase::Plan,    at("2026-11-21T11:59:00Z")  }
  };
  record.started_at = at("2026-11-21T11:59:00Z");
  record.finished_at = at("2026-11-21T12:01:00Z");
  record.unavailable_since = at("2026-11-21T12:00:01.234Z");
  record.unavailable_measured = milliseconds(1834);
  record.suspended_policy =
      SuspendedPolicy{"safe-upgrades.gateway.networking.k8s.io", "up-12345678", *record.started_at};
  record.conditions = {
      {"Ready", "False", "Migrating", "37 of 40 objects", 3, at("2026-11-21T12:00:02Z")}
  };
  return record;
}

TEST(MigrationJson, ReadsBackEveryFieldOfTheStatusItWrote) {
  const Record record = full_record();
  Json object = manifest(R"({"target": {"version": "v1.1", "channel": "experimental"}})");
  object["status"] = status_json(record);

  const auto migration = parse_migration(object);

  ASSERT_TRUE(migration) << migration.error().message;
  EXPECT_EQ(migration->record, record) << status_json(migration->record).dump(1);
}

TEST(MigrationJson, CutsNothingOfTheStatusOfAReport) {
  Record record = full_record();
  record.plan->checks.assign(150, record.plan->checks.front());
  record.failures.assign(50, record.failures.front());
  EXPECT_EQ(array_at(status_json(record), "plan", "checks").size(), 100U);
  const auto whole = parse_status(status_json(record, kUnlimited));
  ASSERT_TRUE(whole) << whole.error().message;
  EXPECT_EQ(*whole, record);
}

TEST(MigrationJson, KeepsTheStatusThatPeopleRead) {
  const Json status = status_json(full_record());
  EXPECT_EQ(string_at(status, "progress"), "37/40");
  EXPECT_EQ(string_at(status, "from", "version"), "v1.0.0");
  EXPECT_EQ(string_at(status, "unavailable", "estimated"), "360ms");
  EXPECT_EQ(string_at(status, "unavailable", "measured"), "1.834s");
  EXPECT_EQ(string_at(status, "backup", "verifiedAt"), "2026-11-21T12:00:00Z");
  EXPECT_EQ(status["rehearsal"]["accepted"], 37);
  EXPECT_EQ(status["rehearsal"]["evidence"]["scratch"], 30);
  EXPECT_EQ(status["rehearsal"]["evidence"]["dryRun"], 8);
  EXPECT_EQ(status["rehearsal"]["evidence"]["none"], 2);
  EXPECT_EQ(status["plan"]["actions"][0]["kind"], "BackendTLSPolicy");
  EXPECT_EQ(status["plan"]["actions"][0]["action"], "Convert");
  EXPECT_EQ(status["plan"]["checks"][1]["accepted"], true);
}

TEST(MigrationJson, AnEmptyRecordSurvivesTheRoundTripToo) {
  Json object = manifest(R"({"target": {"version": "v1.1", "channel": "standard"}})");
  object["status"] = status_json(Record{});
  EXPECT_EQ(parse_migration(object)->record, Record{});
}

TEST(MigrationJson, TakesInPlaceWhereNothingIsSaid) {
  const auto migration =
      parse_migration(manifest(R"({"target": {"version": "v1.1", "channel": "experimental"}})"));
  ASSERT_TRUE(migration) << migration.error().message;
  EXPECT_EQ(migration->spec.strategy, Strategy::InPlace);
}

TEST(MigrationJson, CountsTheChecksThatStatusHasNoRoomFor) {
  Record record;
  record.plan.emplace();
  record.plan->checks.assign(130, Check{"Finalizer", Severity::Blocker, "a", "", "", "", false});
  record.plan->checks_omitted = 5;

  const Json status = status_json(record);

  EXPECT_EQ(status["plan"]["checks"].size(), 100U);
  EXPECT_EQ(status["plan"]["checksOmitted"], 35);
  EXPECT_EQ(plan_json(*record.plan)["checks"].size(), 130U);

  Json object = manifest(R"({"target": {"version": "v1.1", "channel": "standard"}})");
  object["status"] = status;
  EXPECT_EQ(status_json(parse_migration(object)->record), status);
}

TEST(MigrationJson, ReadsBackTheSpecOfAManifest) {
  MigrationSpec spec;
  spec.target = {"v1.1.1", "experimental"};
  spec.mode = Mode::Plan;
  spec.approval = Approval::Required;
  spec.approved_plan = "sha256:11";
  spec.suspend = true;
  spec.on_failure = OnFailure::Rollback;
  spec.accept = {
      {"FieldLoss",    "HTTPRoute/a/b", "spec.x"},
      {"ForeignOwner", "",              ""      }
  };
  spec.retain = std::chrono::hours(48);

  const Json object = migration_manifest("to-v1-1", spec);
  const auto migration = parse_migration(object);

  ASSERT_TRUE(migration) << migration.error().message;
  EXPECT_EQ(migration->spec, spec) << object.dump(1);
  EXPECT_EQ(string_at(object, "apiVersion"), "gatelift.dev/v1alpha1");
  EXPECT_EQ(string_at(object, "spec", "backup", "retain"), "48h");
}

TEST(MigrationJson, RefusesWhatItWouldMisunderstandAndNamesTheField) {
  struct Row {
    const char* name;
    const char* object;
    const char* message;
  };
  const Row rows[] = {
      {"no target",                 R"({"spec": {}})",                                                     "spec.target.version: is missing"               },
      {"path as version",           R"({"spec": {"target": {"version": "../x", "channel": "standard"}}})",
       "spec.target.version: \"../x\" names no bundle"                                                                                                     },
      {"unknown strategy",
       R"({"spec": {"target": {"version": "v1.1", "channel": "standard"}, "strategy": "Hope"}})",          "spec.strategy: \"Hope\" is not one of Recreate"},
      {"duration without unit",
       R"({"spec": {"target": {"version": "v1", "channel": "s"}, "backup": {"retain": "720"}}})",          "spec.backup.retain: \"720\" is not a duration" },
      {"status of another version",
       R"({"spec": {"target": {"version": "v1", "channel": "s"}}, "status": {"phase": "Contract"}})",
       "status.phase: \"Contract\" is not one of Plan, Approve, Rehearse, BackUp"                                                                          },
      {"count that is text",
       R"({"spec": {"target": {"version": "v1", "channel": "s"}},
           "status": {"crds": [{"objects": {"found": "4"}}]}})",                                         "status.crds[0].objects.found: is no integer"   },
      {"plan that is no object",
       R"({"spec": {"target": {"version": "v1", "channel": "s"}}, "status": {"plan": []}})",               "status.plan: is no object"                     },
      {"count out of range",
       R"({"spec": {"target": {"version": "v1", "channel": "s"}},
           "status": {"plan": {"objects": 99999999999}}})",                                         "status.plan.objects: is out of range"          },
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    const auto migration = parse_migration(Json::parse(row.object));
    ASSERT_FALSE(migration);
    EXPECT_EQ(migration.error().kind, ErrorKind::Invalid);
    EXPECT_NE(migration.error().message.find(row.message), std::string::npos)
        << migration.error().message;
  }
}

TEST(MigrationJson, TakesTheRollbackRequestFromItsAnnotation) {
  Json object = manifest(R"({"target": {"version": "v1.1", "channel": "standard"}})");
  object["metadata"]["annotations"] = {
      {"gatelift.dev/rollback", "true"}
  };
  object["metadata"]["generation"] = 4;
  const auto migration = parse_migration(object);
  EXPECT_EQ(migration->rollback, "true");
  EXPECT_EQ(migration->generation, 4);
}

}  // namespace
}  // namespace gatelift
