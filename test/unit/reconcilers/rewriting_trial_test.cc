// SPDX-License-Identifier: Apache-2.0
// What a rehearsal says of objects that the target refuses and the run has to write.
#include <gtest/gtest.h>

#include "test/unit/reconcilers/rehearsal_fixture.h"

namespace gatelift {
namespace {

const std::string kRouteCopy = "httproutes." + kScratch;
const std::string kTwo = "HTTPRoute/a/two ";

/// An API server that refuses single routes at the copy as new ones, as long as it goes by the
/// target's schema, and may refuse writes of them as well.
class StrictCopy : public Cluster {
 public:
  StrictCopy(Cluster& inner, Names refused) : refused_(std::move(refused)) {
    answering_.emplace(inner, [this](const Request& request) { return answer(request); });
  }

  Result<Json> send(const Request& request) override { return answering_->send(request); }
  Result<std::unique_ptr<Watch>> watch(const WatchRequest& request) override {
    return answering_->watch(request);
  }

  Names unforgiven;                 // fields
  int lag = 0;                      // calls that go by the schema of before
  bool is_deaf = false;             // it never goes by another schema
  std::optional<Error> of_schemas;  // the answer to changes of the schema
  std::optional<Error> of_closing;  // the answer where the target's is given back
  std::optional<Error> of_writes;
  std::vector<Request> stored;
  std::vector<Request> writes;
  int num_deleted = 0;

 private:
  std::optional<Result<Json>> answer(const Request& request) {
    if (request.resource == resources::kCrds && request.verb == Verb::MergePatch &&
        request.key.name == kRouteCopy) {
      if (of_schemas) return Result<Json>(fail(*of_schemas));
      const Json* schema =
          find(request.body.at("spec").at("versions").at(0), "schema", "openAPIV3Schema");
      const bool opens = find(*schema, "x-kubernetes-preserve-unknown-fields") != nullptr;
      if (of_closing && !opens) return Result<Json>(fail(*of_closing));
      change_to(opens);
    }
    if (!is_at_copy(request) || request.resource.plural != "httproutes") return std::nullopt;
    if (request.verb == Verb::Create) return answer_to_creation(request);
    if (request.verb == Verb::Delete) ++num_deleted;
    if (request.verb != Verb::MergePatch) return std::nullopt;
    writes.push_back(request);
    EXPECT_FALSE(is_open());
    if (of_writes) return Result<Json>(fail(*of_writes));
    if (unforgiven.empty()) return std::nullopt;
    return Result<Json>(fail(invalid_at(unforgiven)));
  }

  std::optional<Result<Json>> answer_to_creation(const Request& request) {
    const bool is_refused =
        std::ranges::find(refused_, key_of(request.body).name) != refused_.end();
    if (is_refused && !is_open()) return Result<Json>(fail(invalid_at({"spec.hostnames"})));
    if (!request.dry_run) stored.push_back(request);
    return std::nullopt;
  }

  void change_to(bool open) {
    is_open_ = open;
    late_ = lag;
  }

  bool is_open() {
    if (is_deaf) return false;
    return late_-- > 0 ? !is_open_ : is_open_;
  }

  Names refused_;
  std::optional<AnsweringCluster> answering_;
  bool is_open_ = false;
  int late_ = 0;
};

class RewritingTrialTest : public testing::Test {
 protected:
  RewritingTrialTest() {
    world.populate(0);
    world.create_migration("up");
  }

  std::string message_of(const std::string& code) {
    const Json migration = world.migration("up");
    for (const Json& check : array_at(migration, "status", "plan", "checks")) {
      if (string_at(check, "check") == code) return string_at(check, "message");
    }
    return "";
  }

  GatewayWorld world;
  StrictCopy strict{world.cluster, {"two"}};
};

TEST_F(RewritingTrialTest, LeavesAConsentWhereTheWriteIsForgiven) {
  EXPECT_EQ(world.run_through(strict, "up").reason, "Blocked");
  EXPECT_EQ(findings(world), Names{"Consent InvalidAtTarget " + kTwo + "spec.hostnames"});
  ASSERT_EQ(strict.writes.size(), 1U);
  EXPECT_TRUE(strict.writes[0].dry_run);
  EXPECT_EQ(strict.writes[0].body.size(), 1U);
  EXPECT_EQ(strict.writes[0].body.at("metadata").size(), 1U);
  EXPECT_NE(resource_version_of(strict.writes[0].body), "");
  EXPECT_EQ(changes(world), Names{});
  accept(world, "InvalidAtTarget", "HTTPRoute/a/two", "*");
  EXPECT_EQ(world.run_through(strict, "up").outcome, PassOutcome::Finished);
}

TEST_F(RewritingTrialTest, StoresOnlyWhatIsRefusedAndDeletesItAgain) {
  Json named;
  named["metadata"]["labels"]["app.kubernetes.io/instance"] = "shop";
  named["metadata"]["annotations"]["argocd.argoproj.io/tracking-id"] = "shop:x";
  ASSERT_TRUE(merge_patch(world.cluster, world::kRoutes, {"a", "two"}, named));
  world.run_through(strict, "up");
  ASSERT_EQ(strict.stored.size(), 1U);
  const Json wanted = {
      {"name",      "two"},
      {"namespace", "a"  }
  };
  EXPECT_EQ(strict.stored[0].body.at("metadata"), wanted);
  EXPECT_NE(find(strict.stored[0].body, "spec"), nullptr);
  EXPECT_EQ(strict.num_deleted, 1);
  EXPECT_EQ(copies_left(world), Names{});
}

TEST_F(RewritingTrialTest, BlocksForEachFieldThatIsNotForgiven) {
  strict.unforgiven = {"spec.rules", "spec.parentRefs"};
  EXPECT_TRUE(world.run_through(strict, "up").stalled);
  EXPECT_EQ(findings(world), (Names{"Blocker RehearsalRefused " + kTwo + "spec.parentRefs",
                                    "Blocker RehearsalRefused " + kTwo + "spec.rules",
                                    "Consent InvalidAtTarget " + kTwo + "spec.hostnames"}));
  EXPECT_NE(message_of("RehearsalRefused").find("the run has to write it"), std::string::npos);
  EXPECT_EQ(message_of("RehearsalRefused").find("could not be tried"), std::string::npos);
  EXPECT_EQ(changes(world), Names{});
  EXPECT_EQ(copies_left(world), Names{});
}

TEST_F(RewritingTrialTest, BlocksOnceWhereTheSameFieldIsNotForgiven) {
  strict.unforgiven = {"spec.hostnames"};
  EXPECT_TRUE(world.run_through(strict, "up").stalled);
  EXPECT_EQ(findings(world), Names{"Blocker RehearsalRefused " + kTwo + "spec.hostnames"});
}

TEST_F(RewritingTrialTest, WaitsUntilTheApiServerGoesByEachSchema) {
  strict.lag = 20;
  EXPECT_EQ(world.run_through(strict, "up").reason, "Blocked");
  EXPECT_EQ(findings(world), Names{"Consent InvalidAtTarget " + kTwo + "spec.hostnames"});
  EXPECT_EQ(strict.writes.size(), 1U);
}

TEST_F(RewritingTrialTest, TakesAWriteThatCouldNotBeTriedForOneThatIsRefused) {
  strict.is_deaf = true;
  const Time before = world.clock.now();
  EXPECT_TRUE(world.run_through(strict, "up").stalled);
  EXPECT_LT(world.clock.now() - before, std::chrono::seconds(30));
  EXPECT_EQ(findings(world), Names{"Blocker RehearsalRefused " + kTwo + "spec.hostnames"});
  EXPECT_NE(message_of("RehearsalRefused").find("could not be tried"), std::string::npos);
  EXPECT_TRUE(strict.stored.empty());
  EXPECT_EQ(copies_left(world), Names{});
}

// Another kind may share the copy.
TEST_F(RewritingTrialTest, LeavesTheTargetsSchemaAlsoWhereItGivesUp) {
  strict.is_deaf = true;
  EXPECT_TRUE(world.run_through(strict, "up").stalled);
  EXPECT_FALSE(has_open_schema(world, world::kRoutes));
}

TEST_F(RewritingTrialTest, DoesNotGoOnAtACopyThatTakesEverything) {
  strict.is_deaf = true;
  strict.of_closing.emplace();
  strict.of_closing->kind = ErrorKind::Forbidden;
  strict.of_closing->message = "nobody changes a CRD twice";
  const ReconcileResult result = world.run_through(strict, "up");
  EXPECT_EQ(result.reason, "Forbidden") << result.message;
  EXPECT_NE(result.message.find(strict.of_closing->message), std::string::npos) << result.message;
  EXPECT_EQ(copies_left(world), Names{});
}

TEST_F(RewritingTrialTest, SaysWhatForbidsIt) {
  Error forbidden;
  forbidden.kind = ErrorKind::Forbidden;
  forbidden.message = "nobody changes a CRD here";
  for (std::optional<Error>* answer : {&strict.of_schemas, &strict.of_writes}) {
    *answer = forbidden;
    world.clock.advance(std::chrono::minutes(3));
    EXPECT_TRUE(world.run_through(strict, "up").stalled);
    EXPECT_EQ(findings(world), Names{"Blocker RehearsalRefused " + kTwo + "spec.hostnames"});
    EXPECT_NE(message_of("RehearsalRefused").find(forbidden.message), std::string::npos);
    answer->reset();
  }
  EXPECT_EQ(strict.num_deleted, 1);
  EXPECT_EQ(changes(world), Names{});
}

TEST_F(RewritingTrialTest, ChangesAnAnnotationWhereTheRunChangesMetadata) {
  Json noted;
  noted["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"] =
      R"({"apiVersion":"gateway.networking.k8s.io/v1alpha2","kind":"HTTPRoute","metadata":{}})";
  ASSERT_TRUE(merge_patch(world.cluster, world::kRoutes, {"a", "two"}, noted));
  world.run_through(strict, "up");
  ASSERT_EQ(strict.writes.size(), 1U);
  EXPECT_NE(find(strict.writes[0].body, "metadata", "annotations"), nullptr);
}

TEST_F(RewritingTrialTest, IsRepeatedWhereTheApiServerGoesAwayInIt) {
  Error away;
  away.kind = ErrorKind::Unavailable;
  away.message = "it goes away";
  strict.of_writes = away;
  EXPECT_FALSE(world.run_through(strict, "up", 5).stalled);
  EXPECT_EQ(strict.stored.size(), strict.writes.size());
  EXPECT_GT(strict.writes.size(), 0U);
  EXPECT_EQ(findings(world), Names{});
  strict.of_writes.reset();
  EXPECT_EQ(world.run_through(strict, "up").reason, "Blocked");
  EXPECT_EQ(findings(world), Names{"Consent InvalidAtTarget " + kTwo + "spec.hostnames"});
  EXPECT_EQ(copies_left(world), Names{});
}

TEST(RewritingTrials, TryWhatTheRunCarries) {
  GatewayWorld world;
  world.populate(0);
  world.populate_moves();
  world.create_migration("up");
  StrictCopy strict(world.cluster, {"retried"});
  EXPECT_EQ(world.run_through(strict, "up").reason, "Blocked");
  EXPECT_EQ(findings(world), Names{"Consent InvalidAtTarget HTTPRoute/b/retried spec.hostnames"});
  ASSERT_EQ(strict.writes.size(), 1U);
  EXPECT_NE(find(strict.writes[0].body, "spec", "rules"), nullptr);
}

TEST(RewritingTrials, StoreFiveHundredObjectsOfAKindAndNoMore) {
  GatewayWorld world;
  world.populate(0);
  Names refused;
  for (int i = 0; i < 501; ++i) {
    refused.push_back("refused-" + std::to_string(i));
    ASSERT_TRUE(create(world.cluster, world::kRoutes, world::http_route("a", refused.back())));
  }
  world.create_migration("up");
  StrictCopy strict(world.cluster, refused);
  EXPECT_TRUE(world.run_through(strict, "up").stalled);
  EXPECT_EQ(strict.stored.size(), 500U);
  EXPECT_EQ(strict.num_deleted, 500);
  const Names found = findings(world);
  EXPECT_EQ(
      std::ranges::count_if(
          found, [](const std::string& f) { return f.starts_with("Blocker RehearsalRefused"); }),
      1);
  EXPECT_EQ(int_at(rehearsal(world), 0, "refused"), 501);
}

}  // namespace
}  // namespace gatelift
