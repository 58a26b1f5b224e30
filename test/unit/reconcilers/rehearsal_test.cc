// SPDX-License-Identifier: Apache-2.0
// Rehearsals on the in-memory API server: what they try, what they find, and that they leave
// nothing.
#include <gtest/gtest.h>

#include "reconcilers/backup/backup.h"
#include "test/unit/reconcilers/rehearsal_fixture.h"

namespace gatelift {
namespace {

TEST(Rehearsal, TriesEveryObjectAtACopyAndLeavesNone) {
  GatewayWorld world;
  world.populate(7);
  world.create_migration("up");
  const ReconcileResult result = world.run("up");
  EXPECT_EQ(result.outcome, PassOutcome::Finished) << result.reason << ": " << result.message;
  const Json found = rehearsal(world);
  EXPECT_EQ(int_at(found, 0, "objects"), 9);
  EXPECT_EQ(int_at(found, 0, "accepted"), 9);
  EXPECT_EQ(int_at(found, -1, "refused"), 0);
  EXPECT_EQ(int_at(found, 0, "evidence", "scratch"), 9);
  EXPECT_EQ(string_at(found, "plan"), string_at(world.migration("up"), "status", "plan", "digest"));
  EXPECT_EQ(num_copies_made(world), 2) << "GRPCRoute has no objects";
  EXPECT_EQ(copies_left(world), Names{});
  EXPECT_EQ(findings(world), Names{});
}

TEST(Rehearsal, WritesNothingOfTheUsersAndStoresNothingAtTheCopies) {
  GatewayWorld world;
  world.populate(3);
  world.create_migration("up");
  bool is_over = false;
  int at_copies = 0;
  world.cluster.before_call([&](const Request& request) {
    is_over = is_over || (request.resource == resources::kSecrets && is_write(request.verb));
    if (is_over || !is_write(request.verb)) return;
    if (is_at_copy(request)) {
      ++at_copies;
      EXPECT_TRUE(request.dry_run);
      EXPECT_EQ(uid_of(request.body), "");
    }
    if (request.resource.group == "gateway.networking.k8s.io") {
      EXPECT_TRUE(request.dry_run);
    }
  });
  EXPECT_EQ(world.run("up").outcome, PassOutcome::Finished);
  EXPECT_TRUE(is_over);
  EXPECT_EQ(at_copies, 5);
}

TEST(Rehearsal, StatusIsLookedAtToo) {
  GatewayWorld world;
  world.populate(1);
  world.create_migration("up");
  bool has_status = false;
  world.cluster.before_call([&](const Request& request) {
    if (is_at_copy(request) && request.resource.plural == "backendtlspolicies") {
      has_status = has_status || find(request.body, "status", "ancestors") != nullptr;
    }
  });
  world.run("up");
  EXPECT_TRUE(has_status);
}

TEST(Rehearsal, BlocksBeforeTheFirstWriteWhereAnObjectCouldNotBeMadeAgain) {
  GatewayWorld world;
  world.populate(4);
  refuse_at_copy(world, "policy-2", "spec.validation");
  world.create_migration("up");
  const ReconcileResult result = world.run("up");
  EXPECT_TRUE(result.stalled);
  EXPECT_EQ(result.phase, Phase::Rehearse);
  for (const char* words : {"RehearsalRefused", "BackendTLSPolicy/c/policy-2", "spec.validation",
                            "it has to be otherwise", "next:"}) {
    EXPECT_NE(result.message.find(words), std::string::npos) << result.message;
  }
  EXPECT_EQ(findings(world),
            (Names{"Blocker RehearsalRefused BackendTLSPolicy/c/policy-2 spec.validation"}));
  EXPECT_EQ(int_at(rehearsal(world), 0, "refused"), 1);
  EXPECT_EQ(changes(world), Names{});
  EXPECT_EQ(copies_left(world), Names{});

  // No consent helps, and the object's next state is tried at once.
  accept(world, "RehearsalRefused", "*", "*");
  EXPECT_TRUE(world.run("up").stalled);
  world.cluster.policy().clear_admission();
  ASSERT_TRUE(merge_patch(world.cluster, world::kOldPolicies,
                          {
                              "c", "policy-2"
  },
                          {{"spec", {{"tls", {{"hostname", "better.example.com"}}}}}}));
  EXPECT_EQ(world.run("up").outcome, PassOutcome::Finished);
  EXPECT_EQ(findings(world), Names{});
}

TEST(Rehearsal, AsksForConsentWhereAnObjectStaysAsItIs) {
  GatewayWorld world;
  world.populate(1);
  refuse_at_copy(world, "two", "spec.hostnames[0]");
  world.create_migration("up");
  EXPECT_EQ(world.run("up").reason, "Blocked");
  EXPECT_EQ(findings(world), (Names{"Consent InvalidAtTarget HTTPRoute/a/two spec.hostnames[0]"}));
  EXPECT_EQ(changes(world), Names{});

  const int copies = num_copies_made(world);
  accept(world, "InvalidAtTarget", "HTTPRoute/a/two", "spec.hostnames*");
  const ReconcileResult result = world.run("up");
  EXPECT_EQ(result.outcome, PassOutcome::Finished) << result.reason << ": " << result.message;
  EXPECT_EQ(num_copies_made(world), copies) << "the plan is the same, and was rehearsed";
  EXPECT_EQ(findings(world), (Names{"Consent InvalidAtTarget HTTPRoute/a/two spec.hostnames[0]"}));
}

TEST(Rehearsal, OnlyWarnsOfAStatusThatControllersWriteAnew) {
  GatewayWorld world;
  world.populate(1);
  refuse_at_copy(world, "two", "status.parents[0].conditions");
  world.create_migration("up");
  EXPECT_EQ(world.run("up").outcome, PassOutcome::Finished);
  EXPECT_EQ(findings(world),
            (Names{"Warning InvalidAtTarget HTTPRoute/a/two status.parents[0].conditions"}));
}

TEST(Rehearsal, BlocksWhereAnOldApiServerWouldNotForgiveTheRewriting) {
  GatewayWorld world;
  world.populate(1);
  refuse_at_copy(world, "two", "spec.hostnames");
  world.create_migration("up");
  AnsweringCluster old(world.cluster, [](const Request& request) -> std::optional<Result<Json>> {
    if (request.raw_path != "/version") return std::nullopt;
    return Result<Json>(Json{
        {"major", "1"  },
        {"minor", "29+"}
    });
  });
  EXPECT_TRUE(world.run_through(old, "up").stalled);
  EXPECT_EQ(findings(world), (Names{"Blocker RehearsalRefused HTTPRoute/a/two spec.hostnames"}));
}

TEST(Rehearsal, TellsWhatTheRunItselfChangesFromWhatItLeaves) {
  for (const char* field : {"spec.rules[0].retry", "spec.hostnames[0]"}) {
    SCOPED_TRACE(field);
    GatewayWorld world;
    world.populate(1);
    world.populate_moves();
    refuse_at_copy(world, "retried", field);
    world.create_migration("up");
    EXPECT_TRUE(world.run("up").stalled);
    const bool is_written = std::string(field).starts_with("spec.rules");
    EXPECT_EQ(findings(world),
              (Names{(is_written ? "Blocker RehearsalRefused" : "Consent InvalidAtTarget") +
                     std::string(" HTTPRoute/b/retried ") + field}));
    EXPECT_EQ(changes(world), Names{});
  }
}

TEST(Rehearsal, TriesWhatIsMadeAnewAtAnotherKindThere) {
  GatewayWorld world;
  world.populate(1);
  world.populate_moves();
  world.cluster.policy().refuse_as_invalid(
      [](const Request& request, const Json& object) {
        return is_at_copy(request) && kind_of(object) == "ReferenceGrant" &&
               key_of(object).name == "two";
      },
      "spec.from", "it has to be otherwise");
  world.create_migration("up");
  EXPECT_TRUE(world.run("up").stalled);
  EXPECT_EQ(findings(world), (Names{"Blocker RehearsalRefused ReferencePolicy/a/two spec.from"}));
  EXPECT_EQ(changes(world), Names{});
  EXPECT_EQ(copies_left(world), Names{});
  world.cluster.policy().clear_admission();
  world.clock.advance(std::chrono::minutes(3));
  EXPECT_EQ(world.run("up").outcome, PassOutcome::Finished);
  EXPECT_EQ(int_at(rehearsal(world), 0, "accepted"), 6);
}

TEST(Rehearsal, IsRepeatedAfterAWhileSinceNoDigestTellsWhatAdmissionSays) {
  GatewayWorld world;
  world.populate(2);
  refuse_at_copy(world, "policy-1", "spec");
  world.create_migration("up");
  EXPECT_TRUE(world.run("up").stalled);
  const int copies = num_copies_made(world);
  world.cluster.policy().clear_admission();
  world.clock.advance(std::chrono::seconds(60));
  EXPECT_TRUE(world.run("up").stalled);
  EXPECT_EQ(num_copies_made(world), copies);
  world.clock.advance(std::chrono::seconds(70));
  EXPECT_EQ(world.run("up").outcome, PassOutcome::Finished);
}

TEST(Rehearsal, FindsAWriteThatAdmissionDenies) {
  GatewayWorld world;
  world.populate(1);
  add_webhook_for_all(world);
  world.cluster.policy().deny_writes(
      [](const Request& request, const Json& object) {
        return request.resource.plural == "httproutes" && !is_at_copy(request) &&
               key_of(object).name == "one";
      },
      "hands off");
  world.create_migration("up");
  const ReconcileResult result = world.run("up");
  EXPECT_TRUE(result.stalled);
  EXPECT_NE(result.message.find("hands off"), std::string::npos) << result.message;
  EXPECT_EQ(findings(world), (Names{"Blocker WriteDenied HTTPRoute/a/one "}));
  EXPECT_EQ(changes(world), Names{});
}

TEST(Rehearsal, FindsADeletionThatAdmissionDenies) {
  GatewayWorld world;
  world.populate(3);
  add_webhook_for_all(world);
  world.cluster.policy().deny_writes(
      [](const Request& request, const Json& object) {
        return request.verb == Verb::Delete && key_of(object).name == "policy-1";
      },
      "it stays");
  world.create_migration("up");
  EXPECT_TRUE(world.run("up").stalled);
  EXPECT_EQ(findings(world), (Names{"Blocker WriteDenied BackendTLSPolicy/b/policy-1 "}));
  EXPECT_EQ(changes(world), Names{});
}

TEST(Rehearsal, TriesEachObjectOnceWhereNobodyJudgesTheWrites) {
  GatewayWorld world;
  world.populate(3);
  world.create_migration("up");
  EXPECT_EQ(world.run("up").outcome, PassOutcome::Finished);
  EXPECT_EQ(own_writes_tried(world), (Names{"DELETE policy-0", "UPDATE one"}));
}

TEST(Rehearsal, TriesEachWriteThatAWebhookMayJudge) {
  GatewayWorld world;
  world.populate(3);
  add_webhook_for_all(world);
  world.create_migration("up");
  EXPECT_EQ(world.run("up").outcome, PassOutcome::Finished);
  EXPECT_EQ(own_writes_tried(world), (Names{"DELETE policy-0", "DELETE policy-1", "DELETE policy-2",
                                            "UPDATE one", "UPDATE two"}));
}

TEST(Rehearsal, TriesEachWriteWhereTheFirstIsDeniedByNobodyWhoIsListed) {
  GatewayWorld world;
  world.populate(3);
  world.cluster.policy().deny_writes(
      [](const Request& request, const Json&) {
        return request.verb == Verb::Delete && request.resource.plural == "backendtlspolicies";
      },
      "built in");
  world.create_migration("up");
  EXPECT_TRUE(world.run("up").stalled);
  EXPECT_EQ(findings(world).size(), 3U);
  EXPECT_EQ(changes(world), Names{});
}

TEST(Rehearsal, SaysWhatItCouldNotTry) {
  GatewayWorld world;
  world.populate(3);
  world.cluster.policy().deny_writes(
      [](const Request& request, const Json&) { return is_at_copy(request); }, "unknown group");
  world.create_migration("up");
  EXPECT_TRUE(world.run("up").stalled);
  EXPECT_EQ(findings(world),
            (Names{"Consent NotRehearsed CustomResourceDefinition/" + world::kPolicyCrd + " ",
                   "Warning NotRehearsed CustomResourceDefinition/" + world::kRouteCrd + " "}));
  EXPECT_EQ(int_at(rehearsal(world), 0, "evidence", "none"), 5);
  EXPECT_EQ(changes(world), Names{});
  accept(world, "NotRehearsed", "CustomResourceDefinition/*", "");
  EXPECT_EQ(world.run("up").outcome, PassOutcome::Finished);
}

TEST(Rehearsal, AsksWhereAWebhookTakesNoDryRunsOrCallsTheWriteBad) {
  GatewayWorld world;
  world.populate(1);
  world.create_migration("up");
  AnsweringCluster asked(world.cluster, [](const Request& request) -> std::optional<Result<Json>> {
    const bool is_rewriting = request.dry_run && request.verb == Verb::MergePatch &&
                              request.resource.plural == "httproutes";
    if (!is_rewriting) return std::nullopt;
    return Result<Json>(
        fail(fake::bad_request("admission webhook \"x.example.com\" does not support dry run")));
  });
  EXPECT_TRUE(world.run_through(asked, "up").stalled);
  EXPECT_EQ(findings(world),
            (Names{"Consent NotRehearsed CustomResourceDefinition/" + world::kRouteCrd + " "}));
  EXPECT_EQ(changes(world), Names{});
  accept(world, "NotRehearsed", "*", "");
  EXPECT_EQ(world.run_through(asked, "up").outcome, PassOutcome::Finished);
}

TEST(Rehearsal, NamesTheFieldThatIsNotKept) {
  GatewayWorld world;
  world.populate(1);
  world.create_migration("up");
  // As an API server that knows a field of a policy less than the bundle's schema does.
  AnsweringCluster forgetful(
      world.cluster, [&](const Request& request) -> std::optional<Result<Json>> {
        const bool is_policy =
            is_at_copy(request) && request.resource.plural == "backendtlspolicies";
        if (!is_policy || !is_write(request.verb)) return std::nullopt;
        if (request.field_validation == FieldValidation::Strict) {
          return Result<Json>(fail(fake::bad_request("strict decoding error")));
        }
        Json answer = request.body;
        answer["spec"]["validation"].erase("hostname");
        return Result<Json>(answer);
      });
  EXPECT_TRUE(world.run_through(forgetful, "up").stalled);
  EXPECT_EQ(findings(world), (Names{"Blocker RehearsalRefused BackendTLSPolicy/a/policy-0 "
                                    "spec.validation.hostname"}));
}

TEST(Rehearsal, AppliesAtOneApiServerAndCreatesWhereTheApplySaysTooLittle) {
  GatewayWorld world;
  world.populate(1);
  world.cluster.seed(resources::kEndpointSlices,
                     {
                         {"apiVersion", "discovery.k8s.io/v1"                         },
                         {"kind",       "EndpointSlice"                               },
                         {"metadata",
                          {{"namespace", "default"},
                           {"name", "kubernetes"},
                           {"labels", {{"kubernetes.io/service-name", "kubernetes"}}}}},
                         {"endpoints",  Json::array({{{"addresses", {"10.0.0.1"}}}})  }
  });
  world.create_migration("up");
  int applies = 0;
  int creates = 0;
  AnsweringCluster counting(
      world.cluster, [&](const Request& request) -> std::optional<Result<Json>> {
        if (!is_at_copy(request) || !is_write(request.verb)) return std::nullopt;
        ++(request.verb == Verb::Apply ? applies : creates);
        const bool holds_an_item_twice = request.verb == Verb::Apply && request.key.name == "two";
        if (!holds_an_item_twice) return std::nullopt;
        Error error;
        error.kind = ErrorKind::Unavailable;
        error.http_status = 500;
        error.message = "failed to create typed patch object";
        return Result<Json>(fail(error));
      });
  EXPECT_EQ(world.run_through(counting, "up").outcome, PassOutcome::Finished);
  EXPECT_EQ(applies, 3);
  EXPECT_EQ(creates, 1);
}

TEST(Rehearsal, CreatesWhereThereMayBeSeveralApiServers) {
  GatewayWorld world;
  world.populate(1);
  world.create_migration("up");
  int applies = 0;
  world.cluster.before_call([&](const Request& request) {
    if (is_at_copy(request) && request.verb == Verb::Apply) ++applies;
  });
  EXPECT_EQ(world.run("up").outcome, PassOutcome::Finished);
  EXPECT_EQ(applies, 0);
}

TEST(Rehearsal, TriesTheRewritingWhereTheSchemaStays) {
  GatewayWorld world;
  world.populate(1);
  world.create_migration("first");
  ASSERT_EQ(world.run("first").outcome, PassOutcome::Finished);
  ASSERT_TRUE(merge_patch(world.cluster, resources::kCrds,
                          {
                              "", world::kRouteCrd
  },
                          {{"status", {{"storedVersions", {"v1beta1", "v1"}}}}}, "status"));
  world.cluster.forget_writes();
  world.create_migration("up");
  EXPECT_EQ(world.run("up").outcome, PassOutcome::Finished);
  EXPECT_EQ(num_copies_made(world), 0);
  EXPECT_EQ(int_at(rehearsal(world), 0, "evidence", "dryRun"), 2);
}

TEST(Rehearsal, LeavesACrdOfItsNameAloneThatIsNotOurs) {
  GatewayWorld world;
  world.populate(1);
  const std::string name = "backendtlspolicies." + kScratch;
  Json foreign = world::new_bundle_crds().front();
  foreign["metadata"] = {
      {"name", name}
  };
  foreign["spec"]["group"] = kScratch;
  world.cluster.install_crd(foreign);
  world.create_migration("up");
  EXPECT_TRUE(world.run("up").stalled);
  EXPECT_EQ(findings(world),
            (Names{"Consent NotRehearsed CustomResourceDefinition/" + world::kPolicyCrd + " "}));
  EXPECT_EQ(copies_left(world), (Names{name}));
}

TEST(Rehearsal, RemovesWhatADeadProcessHasLeftAlsoWhereNothingElseIsToBeDone) {
  GatewayWorld world;
  world.populate(1);
  world.create_migration("up", {
                                   {"suspend", true}
  });
  world.run("up");
  ASSERT_TRUE(merge_patch(world.cluster, kMigrations,
                          {
                              "", "up"
  },
                          {{"status", {{"phase", "Rehearse"}}}}, "status"));
  Json copy = world::new_bundle_crds().front();
  copy["spec"]["group"] = kScratch;
  copy["metadata"] = {
      {"name",   "backendtlspolicies." + kScratch                 },
      {"labels",
       {{"app.kubernetes.io/managed-by", "gatelift"},
        {"gatelift.dev/rehearsal", uid_of(world.migration("up"))}}}
  };
  world.cluster.install_crd(copy);
  EXPECT_EQ(world.run("up").reason, "Suspended");
  EXPECT_EQ(copies_left(world), Names{});
}

TEST(Rehearsal, IsNotMadeOfARollback) {
  GatewayWorld world;
  world.populate(2);
  world.create_migration("up");
  ASSERT_EQ(world.run("up").outcome, PassOutcome::Finished);
  world.cluster.forget_writes();
  ASSERT_TRUE(merge_patch(world.cluster, kMigrations,
                          {
                              "", "up"
  },
                          {{"metadata", {{"annotations", {{"gatelift.dev/rollback", "true"}}}}}}));
  EXPECT_EQ(world.run("up").reason, "RolledBack");
  EXPECT_EQ(num_copies_made(world), 0);
  EXPECT_TRUE(rehearsal(world).is_null());
}

TEST(Rehearsal, IsInTheReportBesideWhatWasDone) {
  GatewayWorld world;
  world.populate(2);
  refuse_at_copy(world, "two", "spec.hostnames");
  world.create_migration(
      "up", {
                {"accept",
                 Json::array({{{"check", "InvalidAtTarget"}, {"object", "*"}, {"field", "*"}}})}
  });
  EXPECT_EQ(world.run("up").outcome, PassOutcome::Finished);
  const auto report = get(world.cluster, resources::kConfigMaps, {"gatelift-system", "up-report"});
  ASSERT_TRUE(report);
  const std::string text = string_at(*report, "data", "rehearsal.txt");
  for (const char* words :
       {"4 objects: 3 accepted, 1 refused, 0 not tried", "HTTPRoute/a/two spec.hostnames refused",
        "BackendTLSPolicy/a/policy-0 accepted at a copy of the target's CRD"}) {
    EXPECT_NE(text.find(words), std::string::npos) << text;
  }
  EXPECT_NE(string_at(*report, "data", "report.txt"), "");
}

}  // namespace
}  // namespace gatelift
