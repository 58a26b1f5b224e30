// SPDX-License-Identifier: Apache-2.0
// The ConfigMap of a run: what is in it, and how often it is written.
#include <gtest/gtest.h>

#include <algorithm>

#include "reconcilers/report/report_store.h"
#include "test/support/gateway_world.h"
#include "test/unit/reconcilers/report_fixture.h"

namespace gatelift {
namespace {

const ObjectKey kReport{"gatelift-system", "up-report"};

int num_report_writes(const GatewayWorld& world) {
  return static_cast<int>(std::ranges::count_if(world.cluster.writes(), [](const WriteRecord& w) {
    return w.resource == resources::kConfigMaps && w.succeeded();
  }));
}

Report report_of(GatewayWorld& world) {
  auto report = read_report(world.cluster, kReport.ns, "up");
  if (!report || !*report) {
    ADD_FAILURE() << (report ? "there is no report" : report.error().message);
    return {};
  }
  return **std::move(report);
}

void add_foreign(GatewayWorld& world, int count, const std::string& prefix = "foreign-") {
  for (int i = 0; i < count; ++i) {
    Json policy = world::policy("a", prefix + std::to_string(i));
    policy["spec"]["targetRef"]["namespace"] = "b";
    ASSERT_TRUE(create(world.cluster, world::kOldPolicies, policy));
  }
}

const ReportedCrd& crd_of(const Report& report, const std::string& name) {
  const auto found = std::ranges::find(report.details.crds, name, &ReportedCrd::crd);
  static const ReportedCrd none;
  return found == report.details.crds.end() ? none : *found;
}

std::vector<std::string> versions_of(const std::optional<CrdState>& state) {
  std::vector<std::string> names;
  if (!state) return names;
  for (const CrdVersion& version : state->versions) names.push_back(version.name);
  return names;
}

TEST(ReportOfARun, HasAllChecksOfABlockedPlanAndIsWrittenOnce) {
  GatewayWorld world;
  world.populate(2);
  add_foreign(world, 120);
  world.create_migration("up");
  world.cluster.forget_writes();
  EXPECT_EQ(world.run("up").reason, "Blocked");
  EXPECT_EQ(array_at(world.migration("up"), "status", "plan", "checks").size(), 100U);
  const Report report = report_of(world);
  const Plan& plan = *report.record.plan;
  EXPECT_EQ(std::ranges::count(plan.checks, "ForeignTargetNamespace", &Check::code), 120);
  EXPECT_EQ(plan.checks_omitted, 0);
  EXPECT_TRUE(report.needs_person);
  EXPECT_EQ(report.details.diffs.size(), 2U);
  EXPECT_EQ(num_report_writes(world), 1);
}

TEST(ReportOfARun, IsWrittenAgainOnlyWhenThereIsNews) {
  GatewayWorld world;
  world.populate(1);
  add_foreign(world, 1);
  world.create_migration("up");
  MigrationReconciler reconciler(world.cluster, world.clock, world.sources, {});
  world.cluster.forget_writes();
  for (int i = 0; i < 6; ++i) {
    ASSERT_TRUE(reconciler.reconcile("up"));
    world.clock.advance(std::chrono::seconds(10));
  }
  EXPECT_EQ(num_report_writes(world), 1);
  add_foreign(world, 1, "another-");
  ASSERT_TRUE(reconciler.reconcile("up"));
  EXPECT_EQ(num_report_writes(world), 2);
}

TEST(ReportOfARun, IsNotTriedInEachPassWhereItMayNotBeWritten) {
  GatewayWorld world;
  world.populate(1);
  add_foreign(world, 1);
  world.create_migration("up");
  world.cluster.policy().deny("patch", "", "configmaps");
  int warnings = 0;
  ReconcilerSettings settings;
  settings.log = [&](std::string_view level, const std::string&) { warnings += level == "warn"; };
  MigrationReconciler reconciler(world.cluster, world.clock, world.sources, settings);
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(reconciler.reconcile("up"));
  EXPECT_EQ(warnings, 1);
}

TEST(ReportOfARun, ThatIsDoneHasEachObjectAndEachCrdBeforeAndAfter) {
  GatewayWorld world;
  world.populate(4);
  world.create_migration("up");
  world.cluster.forget_writes();
  world.run("up");
  const Report report = report_of(world);
  EXPECT_EQ(headline_of(report), "Done");
  EXPECT_EQ(report.record.phase, Phase::Done);
  EXPECT_EQ(report.objects.size(), 6U) << "four policies, and two routes that were rewritten";
  EXPECT_EQ(report.details.diffs.size(), 4U);
  EXPECT_TRUE(report.after_is_found);
  const ReportedCrd& policies = crd_of(report, world::kPolicyCrd);
  EXPECT_EQ(versions_of(policies.before), std::vector<std::string>{"v1alpha2"});
  EXPECT_EQ(versions_of(policies.after), std::vector<std::string>{"v1alpha3"});
  EXPECT_EQ(policies.after->stored_versions, std::vector<std::string>{"v1alpha3"});
  EXPECT_EQ(policies.after->bundle, "v1.1.1/experimental");
  std::vector<Phase> phases;
  for (const PhaseEntry& entry : report.record.timeline) phases.push_back(entry.phase);
  EXPECT_EQ(phases.front(), Phase::Plan);
  EXPECT_EQ(phases.back(), Phase::Done);
  EXPECT_TRUE(std::ranges::is_sorted(phases));
  EXPECT_EQ(num_report_writes(world), 3) << "of the plan, of the rehearsal and of the outcome";
}

TEST(ReportOfARun, KnowsCrdsAsTheyWereFromTheBackupWhereItsOwnIsGone) {
  GatewayWorld world;
  world.populate(3);
  world.create_migration("up");
  bool is_deleted = false;
  world.cluster.before_call([&](const Request& request) {
    const bool is_deletion =
        request.verb == Verb::Delete && request.resource == world::kOldPolicies;
    if (!is_deletion || is_deleted) return;
    is_deleted = true;
    Request removal;
    removal.verb = Verb::Delete;
    removal.resource = resources::kConfigMaps;
    removal.key = kReport;
    EXPECT_TRUE(world.cluster.send(removal));
  });
  world.run("up");
  ASSERT_TRUE(is_deleted);
  const Report report = report_of(world);
  EXPECT_EQ(versions_of(crd_of(report, world::kPolicyCrd).before),
            std::vector<std::string>{"v1alpha2"});
  EXPECT_EQ(report.objects.size(), 5U);
}

TEST(ReportOfARun, HasAllFailuresOfWhichStatusHasTheFirst) {
  GatewayWorld world;
  world.populate(30);
  world.cluster.policy().deny_writes(
      [](const Request& request, const Json&) { return request.resource == world::kNewPolicies; },
      "not wanted");
  world.create_migration("up");
  EXPECT_TRUE(world.run("up").stalled);
  EXPECT_EQ(array_at(world.migration("up"), "status", "failures").size(), 20U);
  EXPECT_EQ(report_of(world).record.failures.size(), 30U);
}

TEST(ReportOfARun, HasAllThatARehearsalFound) {
  GatewayWorld world;
  world.populate(130);
  world.cluster.policy().deny_writes(
      [](const Request& request, const Json&) {
        return request.verb == Verb::Delete && request.resource == world::kOldPolicies;
      },
      "it is to stay");
  world.create_migration("up");
  MigrationReconciler reconciler(world.cluster, world.clock, world.sources, {});
  for (int i = 0; i < 7; ++i) {
    ASSERT_TRUE(reconciler.reconcile("up"));
    world.clock.advance(std::chrono::seconds(30));
  }
  EXPECT_EQ(world.condition("up", "Ready", "reason"), "Blocked");
  const Report report = report_of(world);
  EXPECT_EQ(std::ranges::count(report.record.plan->checks, "WriteDenied", &Check::code), 130);
  EXPECT_EQ(headline_of(report), "Blocked: 130 blockers");
  EXPECT_EQ(report.record.rehearsal->objects, 132);
  EXPECT_EQ(num_report_writes(world), 4) << "of the plan, of what stops it, and of two rehearsals";
}

TEST(ReportOfARun, OfModePlanSaysWhatWouldBe) {
  GatewayWorld world;
  world.populate(3);
  world.create_migration("up", {
                                   {"mode", "Plan"}
  });
  world.cluster.forget_writes();
  EXPECT_EQ(world.run("up").reason, "Planned");
  const Report report = report_of(world);
  EXPECT_EQ(headline_of(report), "Planned");
  EXPECT_FALSE(report.after_is_found);
  EXPECT_EQ(versions_of(crd_of(report, world::kPolicyCrd).after),
            std::vector<std::string>{"v1alpha3"});
  EXPECT_EQ(report.details.diffs.size(), 3U);
  EXPECT_EQ(num_report_writes(world), 1);
}

TEST(ReportOfARun, ThatWaitsForApprovalHasAllChecksToo) {
  GatewayWorld world;
  world.populate(1);
  add_foreign(world, 120);
  Json accept = Json::array();
  for (int i = 0; i < 120; ++i) {
    accept.push_back({
        {"check",      "ForeignTargetNamespace"                         },
        {"object",     "BackendTLSPolicy/a/foreign-" + std::to_string(i)},
        {"field",      "spec.targetRef.namespace"                       },
        {"resolution", "LeaveInBackup"                                  }
    });
  }
  world.create_migration("up", {
                                   {"approval", "Required"},
                                   {"accept",   accept    }
  });
  EXPECT_EQ(world.run("up").reason, "AwaitingApproval")
      << world.condition("up", "Ready", "message");
  const Report report = report_of(world);
  EXPECT_EQ(headline_of(report), "AwaitingApproval");
  EXPECT_EQ(std::ranges::count(report.record.plan->checks, "ForeignTargetNamespace", &Check::code),
            120);
}

TEST(ReportOfARun, OfARollbackKeepsTheTimesOfTheUpgrade) {
  GatewayWorld world;
  world.populate(2);
  world.cluster.policy().deny_writes(
      [](const Request& request, const Json& object) {
        return request.resource == world::kNewPolicies && key_of(object).name == "policy-1";
      },
      "not wanted");
  world.create_migration("up", {
                                   {"onFailure", "Rollback"}
  });
  EXPECT_EQ(world.run("up").reason, "RolledBack");
  const Report report = report_of(world);
  EXPECT_EQ(headline_of(report), "RolledBack");
  EXPECT_EQ(report.objects.size(), 4U)
      << "two policies, and two routes of which a field was carried";
  EXPECT_EQ(report.record.timeline.front().operation, Operation::Upgrade);
  EXPECT_EQ(report.record.timeline.back().operation, Operation::Rollback);
  EXPECT_EQ(report.record.timeline.back().phase, Phase::Done);
}

TEST(ReportStore, StaysWithinWhatAConfigMapMayHave) {
  Report report = finished_report();
  report.objects.clear();
  for (int i = 0; i < 60'000; ++i) {
    const std::string seed = std::to_string(i * 2654435761U);
    report.objects.push_back({"HTTPRoute/ns-" + seed + "/" + seed, "differs", "at " + seed + seed});
  }
  const Json config_map = report_config_map("gatelift-system", report).value();
  std::size_t bytes = 0;
  for (const char* part : {"data", "binaryData"}) {
    for (const Json& value : config_map.at(part)) bytes += value.get<std::string>().size();
  }
  EXPECT_LT(bytes, 1'300'000U) << "in base64";
  EXPECT_TRUE(config_map.at("binaryData").contains("report.json.gz"));
  const std::string text = string_at(config_map, "data", "report.txt");
  EXPECT_LT(text.size(), 201'000U);
  EXPECT_NE(text.find(" more lines; gatelift report to-v1-1 shows them"), std::string::npos);
}

TEST(ReportStore, CountsWhatHadNoRoom) {
  GatewayWorld world;
  Report report = finished_report();
  report.migration = "up";
  report.objects.assign(60'000, report.objects.front());
  ASSERT_TRUE(store_report(world.cluster, kReport.ns, report));
  const Report read = report_of(world);
  EXPECT_EQ(static_cast<int>(read.objects.size()) + read.objects_omitted, 60'000);
  EXPECT_GT(read.objects_omitted, 0);
}

TEST(ReportStore, FindsNoneInAConfigMapOfSomethingElse) {
  GatewayWorld world;
  const Json config_map = {
      {"apiVersion", "v1"                                               },
      {"kind",       "ConfigMap"                                        },
      {"metadata",   {{"name", kReport.name}, {"namespace", kReport.ns}}},
      {"data",       {{"other.txt", "not ours"}}                        }
  };
  ASSERT_TRUE(create(world.cluster, resources::kConfigMaps, config_map));
  const auto read = read_report(world.cluster, kReport.ns, "up");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_FALSE(*read);
}

TEST(ReportStore, NamesOneThatCannotBeRead) {
  GatewayWorld world;
  const Json config_map = {
      {"apiVersion", "v1"                                                   },
      {"kind",       "ConfigMap"                                            },
      {"metadata",   {{"name", kReport.name}, {"namespace", kReport.ns}}    },
      {"data",       {{"report.json", "{\"status\": {\"phase\": \"Odd\"}}"}}}
  };
  ASSERT_TRUE(create(world.cluster, resources::kConfigMaps, config_map));
  const auto read = read_report(world.cluster, kReport.ns, "up");
  ASSERT_FALSE(read);
  EXPECT_NE(read.error().message.find("gatelift-system/up-report"), std::string::npos);
  EXPECT_NE(read.error().message.find("status.phase"), std::string::npos) << read.error().message;
}

TEST(ReportStore, ShortensNamesThatAreTooLong) {
  EXPECT_EQ(report_name("up"), "up-report");
  const std::string name = report_name(std::string(250, 'a'));
  EXPECT_LE(name.size(), 253U);
  EXPECT_TRUE(name.ends_with("-report"));
}

}  // namespace
}  // namespace gatelift
