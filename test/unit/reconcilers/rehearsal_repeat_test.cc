// SPDX-License-Identifier: Apache-2.0
// When a rehearsal counts, and what of an answer does.
#include <gtest/gtest.h>

#include <map>
#include <stdexcept>

#include "test/support/faulty_cluster.h"
#include "test/unit/reconcilers/rehearsal_fixture.h"

namespace gatelift {
namespace {

using std::chrono::seconds;

Json a_route(const std::string& name) {
  Json route;
  route["apiVersion"] = world::kRoutes.api_version();
  route["kind"] = "HTTPRoute";
  route["metadata"] = {
      {"namespace", "a" },
      {"name",      name}
  };
  route["spec"] = Json::object();
  return route;
}

/// The plan that is to be approved.
void approve(GatewayWorld& world) {
  const std::string digest = string_at(world.migration("up"), "status", "plan", "digest");
  ASSERT_TRUE(merge_patch(world.cluster, kMigrations,
                          {
                              "", "up"
  },
                          {{"spec", {{"approvedPlan", digest}}}}));
}

TEST(RepeatedRehearsal, IsForgottenWhereThePlanChangesAndComesBack) {
  GatewayWorld world;
  world.populate(2);
  refuse_at_copy(world, "policy-1", "spec");
  world.create_migration("up", {
                                   {"approval", "Required"}
  });
  world.run("up");
  approve(world);
  EXPECT_TRUE(world.run("up").stalled);
  EXPECT_EQ(findings(world), Names{"Blocker RehearsalRefused BackendTLSPolicy/b/policy-1 spec"});
  world.clock.advance(seconds(60));
  ASSERT_TRUE(create(world.cluster, world::kRoutes, a_route("for-a-while")));
  EXPECT_EQ(world.run("up").reason, "AwaitingApproval");
  Request gone;
  gone.verb = Verb::Delete;
  gone.resource = world::kRoutes;
  gone.key = {"a", "for-a-while"};
  ASSERT_TRUE(world.cluster.send(gone));
  world.clock.advance(seconds(60));
  EXPECT_TRUE(world.run("up").stalled);
  EXPECT_EQ(world.num_deletions(world::kOldPolicies), 0);
  EXPECT_EQ(findings(world), Names{"Blocker RehearsalRefused BackendTLSPolicy/b/policy-1 spec"});
}

TEST(RepeatedRehearsal, IsNotTakenOverAfterAWeek) {
  GatewayWorld world;
  world.populate(2);
  refuse_at_copy(world, "one", "spec.rules");
  world.create_migration("up");
  EXPECT_TRUE(world.run("up").stalled);
  const int copies = num_copies_made(world);
  world.clock.advance(seconds(7 * 24 * 3600));
  accept(world, "InvalidAtTarget", "HTTPRoute/a/one", "spec.rules");
  EXPECT_EQ(world.run("up").outcome, PassOutcome::Finished);
  EXPECT_GT(num_copies_made(world), copies);
}

TEST(RepeatedRehearsal, WaitsLongerWhereMoreObjectsComeAndGo) {
  GatewayWorld world;
  world.populate(400);
  refuse_at_copy(world, "policy-1", "spec");
  world.create_migration("up");
  EXPECT_TRUE(world.run("up").stalled);
  const int copies = num_copies_made(world);
  ASSERT_TRUE(create(world.cluster, world::kRoutes, a_route("more")));
  world.clock.advance(seconds(11));
  EXPECT_TRUE(world.run("up").stalled);
  EXPECT_EQ(num_copies_made(world), copies);
  world.clock.advance(seconds(11));
  EXPECT_TRUE(world.run("up").stalled);
  EXPECT_GT(num_copies_made(world), copies);
}

TEST(RepeatedRehearsal, KeepsWhatThePlanItselfHasFound) {
  GatewayWorld world;
  world.populate(2);
  refuse_at_copy(world, "policy-1", "spec");
  world.create_migration("up");
  world.run("up");
  const Json before = world.migration("up").at("status").at("plan").at("checks");
  world.clock.advance(seconds(130));
  EXPECT_TRUE(world.run("up").stalled);
  EXPECT_EQ(world.migration("up").at("status").at("plan").at("checks"), before);
}

/// Ends a pass that would not come to its end.
class BoundedCalls {
 public:
  void note() {
    if (++num_ > 20000) throw std::runtime_error("the pass does not end");
  }

 private:
  int num_ = 0;
};

TEST(RepeatedRehearsal, IsMadeAtOnceWhereItFoundNothingAndIsTooOldToCount) {
  GatewayWorld world;
  world.populate(1);
  world.create_migration("up");
  world.cluster.before_call([](const Request& request) {
    const bool is_record = request.resource == kMigrations && request.verb == Verb::Replace;
    if (is_record && string_at(request.body, "status", "phase") == "BackUp") throw CrashNow{};
  });
  EXPECT_THROW(world.run("up"), CrashNow);
  world.cluster.before_call(nullptr);
  // Of so many objects that another plan would have to wait for ten minutes.
  Json rehearsed = world.migration("up");
  ASSERT_EQ(string_at(rehearsed, "status", "phase"), "Rehearse");
  rehearsed["status"]["rehearsal"] = {
      {"plan",        rehearsed["status"]["plan"]["digest"]           },
      {"objects",     20000                                           },
      {"accepted",    20000                                           },
      {"refused",     0                                               },
      {"evidence",    {{"scratch", 20000}, {"dryRun", 0}, {"none", 0}}},
      {"rehearsedAt", format_time(world.clock.now())                  }
  };
  Request replace;
  replace.verb = Verb::Replace;
  replace.resource = kMigrations;
  replace.key = {"", "up"};
  replace.subresource = "status";
  replace.body = std::move(rehearsed);
  ASSERT_TRUE(world.cluster.send(replace));
  ASSERT_TRUE(create(world.cluster, world::kRoutes, a_route("more")));
  world.clock.advance(seconds(150));
  const ReconcileResult result = world.run("up");
  EXPECT_EQ(result.outcome, PassOutcome::Finished) << result.reason << ": " << result.message;
}

TEST(WaitForApproval, ComesToRestWhereObjectsComeAllTheTime) {
  for (const char* mode : {"Apply", "Plan"}) {
    GatewayWorld world;
    world.populate(1);
    const Json spec = {
        {"approval", "Required"},
        {"mode",     mode      }
    };
    world.create_migration("up", spec);
    BoundedCalls bounded;
    int num = 0;
    world.cluster.before_call([&](const Request& request) {
      bounded.note();
      if (request.verb != Verb::List || request.resource.plural != world::kRoutes.plural) return;
      ASSERT_TRUE(create(world.cluster, world::kRoutes, a_route("r" + std::to_string(++num))));
    });
    const ReconcileResult result = world.run("up");
    const std::string digest = string_at(world.migration("up"), "status", "plan", "digest");
    if (std::string(mode) == "Plan") {
      EXPECT_EQ(result.reason, "Planned");
    } else {
      EXPECT_EQ(result.reason, "AwaitingApproval");
      EXPECT_NE(result.message.find(digest), std::string::npos) << result.message;
    }
  }
}

TEST(RehearsalAnswer, OfAStatusHidesNothingElse) {
  GatewayWorld world;
  world.populate(1);
  world.create_migration("up");
  AnsweringCluster asked(world.cluster, [](const Request& request) -> std::optional<Result<Json>> {
    if (!is_at_copy(request) || !request.dry_run || key_of(request.body).name != "policy-0") {
      return std::nullopt;
    }
    if (find(request.body, "status") != nullptr) {
      return Result<Json>(fail(invalid_at({"status.ancestors[0].conditions", "<nil>"})));
    }
    return Result<Json>(fail(invalid_at({"spec.targetRefs"})));
  });
  EXPECT_TRUE(world.run_through(asked, "up").stalled);
  EXPECT_EQ(findings(world),
            (Names{"Blocker RehearsalRefused BackendTLSPolicy/a/policy-0 spec.targetRefs",
                   "Warning InvalidAtTarget BackendTLSPolicy/a/policy-0 "
                   "status.ancestors[0].conditions"}));
  EXPECT_EQ(changes(world), Names{});
}

TEST(RehearsalAnswer, OfAWebhookAboutADeletionIsADenialAlsoWhereItNamesFields) {
  GatewayWorld world;
  world.populate(1);
  world.create_migration("up");
  AnsweringCluster asked(world.cluster, [](const Request& request) -> std::optional<Result<Json>> {
    if (!request.dry_run || request.verb != Verb::Delete) return std::nullopt;
    return Result<Json>(fail(invalid_at({"spec.targetRef"})));
  });
  EXPECT_TRUE(world.run_through(asked, "up").stalled);
  EXPECT_EQ(findings(world), Names{"Blocker WriteDenied BackendTLSPolicy/a/policy-0 "});
}

TEST(RehearsalAnswer, IsAskedForWhatIsDeletedAndNotMadeAgain) {
  GatewayWorld world;
  world.populate(1);
  Json foreign = world::policy("a", "left");
  foreign["spec"]["targetRef"]["namespace"] = "b";
  ASSERT_TRUE(create(world.cluster, world::kOldPolicies, foreign));
  world.cluster.policy().deny_writes(
      [](const Request& request, const Json& object) {
        return request.verb == Verb::Delete && key_of(object).name == "left";
      },
      "it stays");
  Json consent;
  consent["check"] = "ForeignTargetNamespace";
  consent["object"] = "BackendTLSPolicy/a/left";
  consent["field"] = "spec.targetRef.namespace";
  consent["resolution"] = "LeaveInBackup";
  world.create_migration("up", {
                                   {"accept", Json::array({consent})}
  });
  EXPECT_TRUE(world.run("up").stalled);
  EXPECT_EQ(findings(world), Names{"Blocker WriteDenied BackendTLSPolicy/a/left "});
  EXPECT_EQ(world.num_deletions(world::kOldPolicies), 0);
}

/// A list of policies in two pages, of which the second is gone when it is asked for, once.
class CompactedList {
 public:
  explicit CompactedList(Cluster& cluster) : cluster_(cluster) {}

  std::optional<Result<Json>> answer(const Request& request) {
    if (request.dry_run && is_at_copy(request)) ++tried[key_of(request.body).name];
    const bool is_of_policies = request.verb == Verb::List &&
                                request.resource == world::kOldPolicies && !request.metadata_only;
    if (!is_of_policies || step_ == 2 || num_copies_() == 0) return std::nullopt;
    if (step_++ == 1) return Result<Json>(fail(ErrorKind::Expired, "the list is compacted"));
    Result<Json> page = cluster_.send(request);
    page->at("items").erase(page->at("items").size() - 1);
    (*page)["metadata"]["continue"] = "the rest";
    return page;
  }

  std::map<std::string, int> tried;

 private:
  std::size_t num_copies_() {
    Request list;
    list.verb = Verb::List;
    list.resource = resources::kCrds;
    list.label_selector = "app.kubernetes.io/managed-by=gatelift";
    return array_at(cluster_.send(list).value(), "items").size();
  }

  Cluster& cluster_;
  int step_ = 0;
};

TEST(RehearsalAnswer, OfEachObjectIsWantedOnceThoughTheListIsCompactedMeanwhile) {
  GatewayWorld world;
  world.populate(3);
  world.create_migration("up");
  CompactedList list(world.cluster);
  AnsweringCluster asked(world.cluster,
                         [&](const Request& request) { return list.answer(request); });
  EXPECT_EQ(world.run_through(asked, "up").outcome, PassOutcome::Finished);
  for (const char* name : {"policy-0", "policy-1", "policy-2"})
    EXPECT_EQ(list.tried[name], 1) << name;
}

}  // namespace
}  // namespace gatelift
