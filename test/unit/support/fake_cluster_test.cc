// SPDX-License-Identifier: Apache-2.0
// What tests can do to the in-memory API server and not to a real one. All else is in test/contract.
#include "test/support/fake_cluster.h"

#include <gtest/gtest.h>

#include "test/support/builders.h"
#include "test/support/calls.h"

namespace gatelift {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class FakeClusterTest : public testing::Test {
 protected:
  FakeClusterTest() {
    cluster_.add_namespace("a");
    cluster_.install_crd(definition().build());
  }

  static CrdBuilder definition() { return crd("widgets", "Widget").storing("v1"); }
  static Resource v1() { return definition().at("v1"); }
  static ObjectBuilder widget(const std::string& name) {
    return object("example.com/v1", "Widget", {"a", name});
  }
  Json make(const ObjectBuilder& builder) {
    auto made = create(cluster_, v1(), builder.build());
    EXPECT_TRUE(made.has_value()) << made.error().message;
    return made ? *made : Json();
  }
  Result<Json> list(int limit = 0, const std::string& token = {}) {
    Request request;
    request.verb = Verb::List;
    request.resource = v1();
    request.limit = limit;
    request.continue_token = token;
    return cluster_.send(request);
  }

  ManualClock clock_;
  FakeCluster cluster_{clock_};
};

TEST_F(FakeClusterTest, EstablishesACrdAfterTheTimeAndTheReadsThatWereSet) {
  cluster_.set_establish_after(milliseconds(500), 2);
  CrdBuilder gadgets = crd("gadgets", "Gadget").storing("v1");
  ASSERT_TRUE(create(cluster_, resources::kCrds, gadgets.build()).has_value());
  auto served = [&] {
    return cluster_.watch({gadgets.at("v1"), "", "", ""}).has_value();
  };
  clock_.advance(seconds(1));
  EXPECT_FALSE(served());
  for (int reads = 0; reads < 2; ++reads) {
    EXPECT_TRUE(get(cluster_, resources::kCrds, {"", gadgets.name()}).has_value());
  }
  EXPECT_TRUE(served());
}

TEST_F(FakeClusterTest, DelaysTheFirstPostAfterACrdIsServedButNotAnApply) {
  CrdBuilder gadgets = crd("gadgets", "Gadget").storing("v1");
  ASSERT_TRUE(create_served_crd(cluster_, clock_, gadgets.build()).has_value());
  auto gadget = [](const char* name) {
    return object("example.com/v1", "Gadget", {"a", name}).build();
  };
  Time before = clock_.now();
  ASSERT_TRUE(apply_as(cluster_, "git", gadgets.at("v1"), gadget("applied")).has_value());
  EXPECT_EQ(clock_.now(), before);
  ASSERT_TRUE(create(cluster_, gadgets.at("v1"), gadget("first")).has_value());
  EXPECT_EQ(clock_.now() - before, seconds(2));
  ASSERT_TRUE(create(cluster_, gadgets.at("v1"), gadget("second")).has_value());
  EXPECT_EQ(clock_.now() - before, seconds(2));
}

TEST_F(FakeClusterTest, ExpiresTokensAndWatchesOfACompactedPast) {
  make(widget("a"));
  make(widget("b"));
  Json first = *list(1);
  cluster_.compact();
  auto second = list(1, string_at(first, "metadata", "continue"));
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().kind, ErrorKind::Expired);
  make(widget("c"));
  cluster_.compact();
  auto watch = cluster_.watch({v1(), "", resource_version_of(first), ""});
  ASSERT_FALSE(watch.has_value());
  EXPECT_EQ(watch.error().kind, ErrorKind::Expired);
}

TEST_F(FakeClusterTest, SendsABookmarkWhenNothingHappensForAMinute) {
  auto watch = cluster_.watch({v1(), "", resource_version_of(*list()), ""});
  ASSERT_TRUE(watch.has_value());
  EXPECT_FALSE((*watch)->next(seconds(61))->has_value());
  auto event = *(*watch)->next(seconds(1));
  ASSERT_TRUE(event.has_value());
  EXPECT_EQ(event->type, WatchEventType::Bookmark);
  EXPECT_EQ(resource_version_of(event->object), std::to_string(cluster_.revision()));
}

TEST_F(FakeClusterTest, AnswersListsOfAChangedCrdAsReinitializingAsOftenAsSet) {
  cluster_.set_reinitializing_lists(2);
  Json live = *get(cluster_, resources::kCrds, {"", definition().name()});
  live["spec"]["versions"].push_back(definition().serving("v2").build()["spec"]["versions"][1]);
  ASSERT_TRUE(replace(cluster_, resources::kCrds, live).has_value());
  for (int i = 0; i < 2; ++i) {
    auto answer = list();
    ASSERT_FALSE(answer.has_value());
    EXPECT_EQ(answer.error().http_status, 429);
    EXPECT_EQ(answer.error().retry_after, seconds(1));
  }
  EXPECT_TRUE(list().has_value());
}

TEST_F(FakeClusterTest, DeniesCallsAndSaysSoInAnAccessReview) {
  cluster_.policy().deny("delete", "example.com", "widgets");
  make(widget("a"));
  auto answer = delete_object(cluster_, v1(), {"a", "a"});
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().kind, ErrorKind::Forbidden);
  EXPECT_TRUE(cluster_.stored(v1(), {"a", "a"}).has_value());
  auto allowed = [&](const char* verb) {
    Json attributes = {{"verb", verb}, {"group", "example.com"}, {"resource", "widgets"}};
    Json review = {{"apiVersion", "authorization.k8s.io/v1"},
                   {"kind", "SelfSubjectAccessReview"},
                   {"spec", {{"resourceAttributes", attributes}}}};
    return bool_at(*create(cluster_, resources::kSelfSubjectAccessReviews, review), false,
                   "status", "allowed");
  };
  EXPECT_FALSE(allowed("delete"));
  EXPECT_TRUE(allowed("create"));
}

TEST_F(FakeClusterTest, RefusesCreatesBeyondAQuota) {
  cluster_.policy().set_quota(fake::collection_of(v1()), 1);
  make(widget("a"));
  auto answer = create(cluster_, v1(), widget("b").build());
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().kind, ErrorKind::Forbidden);
  EXPECT_NE(answer.error().message.find("exceeded quota"), std::string::npos);
}

TEST_F(FakeClusterTest, LetsAWebhookDenyAndARuleRefuseChosenWrites) {
  auto named = [](const char* name) {
    return [name](const Request&, const Json& object) { return key_of(object).name == name; };
  };
  cluster_.policy().deny_writes(named("bad"), "not here");
  cluster_.policy().refuse_as_invalid(named("odd"), "spec.host", "must be even");
  auto denied = create(cluster_, v1(), widget("bad").build());
  ASSERT_FALSE(denied.has_value());
  EXPECT_EQ(denied.error().kind, ErrorKind::Forbidden);
  EXPECT_NE(denied.error().message.find("denied the request: not here"), std::string::npos);
  auto refused = create(cluster_, v1(), widget("odd").build());
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().http_status, 422);
  EXPECT_EQ(refused.error().causes.at(0).field, "spec.host");
  make(widget("good"));
}

TEST_F(FakeClusterTest, LetsSomebodyElseActBetweenTwoCalls) {
  Json read = make(widget("a"));
  cluster_.before_call([&](const Request& request) {
    if (request.verb != Verb::Replace) return;
    Json label = {{"metadata", {{"labels", {{"who", "else"}}}}}};
    EXPECT_TRUE(merge_patch(cluster_, v1(), {"a", "a"}, label).has_value());
  });
  auto answer = replace(cluster_, v1(), read);
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().kind, ErrorKind::Conflict);
}

TEST_F(FakeClusterTest, CollectsWhatHasOnlyOwnersThatAreGone) {
  Json owner = make(widget("owner"));
  Json other = make(widget("other"));
  make(widget("child").owned_by(owner));
  make(widget("grandchild").owned_by(*get(cluster_, v1(), {"a", "child"})));
  make(widget("shared").owned_by(owner).owned_by(other));
  ASSERT_TRUE(delete_object(cluster_, v1(), {"a", "owner"}).has_value());
  cluster_.run_garbage_collection();
  EXPECT_EQ(cluster_.stored_keys(v1()),
            (std::vector<ObjectKey>{{"a", "other"}, {"a", "shared"}}));
}

TEST_F(FakeClusterTest, OrphansChildrenWhenAskedTo) {
  Json owner = make(widget("owner"));
  make(widget("child").owned_by(owner));
  Request removal;
  removal.verb = Verb::Delete;
  removal.resource = v1();
  removal.key = {"a", "owner"};
  removal.propagation = Propagation::Orphan;
  ASSERT_TRUE(cluster_.send(removal).has_value());
  EXPECT_TRUE(cluster_.stored(v1(), {"a", "owner"}).has_value());
  cluster_.run_garbage_collection();
  EXPECT_EQ(cluster_.stored_keys(v1()), (std::vector<ObjectKey>{{"a", "child"}}));
  EXPECT_TRUE(array_at(*cluster_.stored(v1(), {"a", "child"}), "metadata", "ownerReferences").empty());
}

TEST_F(FakeClusterTest, KeepsAJournalOfWritesWithTheirAnswers) {
  cluster_.forget_writes();
  make(widget("a"));
  static_cast<void>(create(cluster_, v1(), widget("a").build()));
  static_cast<void>(get(cluster_, v1(), {"a", "a"}));
  ASSERT_EQ(cluster_.writes().size(), 2U);
  EXPECT_TRUE(cluster_.writes()[0].succeeded());
  EXPECT_EQ(cluster_.writes()[0].key, (ObjectKey{"a", "a"}));
  EXPECT_EQ(cluster_.writes()[1].http_status, 409);
}

TEST_F(FakeClusterTest, KeepsASeededObjectAsItIs) {
  Json seeded = widget("a")
                    .status({{"ready", true}})
                    .metadata("uid", "u-1")
                    .metadata("managedFields", Json::array({{{"manager", "git"}}}))
                    .build();
  cluster_.seed(v1(), seeded);
  Json live = *get(cluster_, v1(), {"a", "a"});
  EXPECT_EQ(uid_of(live), "u-1");
  EXPECT_EQ(live["status"], seeded["status"]);
  EXPECT_EQ(live["metadata"]["managedFields"], seeded["metadata"]["managedFields"]);
  EXPECT_TRUE(cluster_.writes().empty());
}

TEST_F(FakeClusterTest, DeletesInstancesOfATerminatingCrdAgainOnlyAfterAMinute) {
  make(widget("held").finalizer("example.com/hold"));
  ASSERT_TRUE(delete_object(cluster_, resources::kCrds, {"", definition().name()}).has_value());
  clock_.advance(seconds(1));
  ASSERT_TRUE(is_being_deleted(*get(cluster_, v1(), {"a", "held"})));
  clock_.advance(seconds(61));
  Json crd = *get(cluster_, resources::kCrds, {"", definition().name()});
  bool still_terminating = false;
  for (const Json& condition : crd["status"]["conditions"]) {
    bool terminating = condition["type"] == "Terminating";
    still_terminating = still_terminating || (terminating && condition["status"] == "True");
  }
  EXPECT_TRUE(still_terminating);
  Json release = {{"metadata", {{"finalizers", nullptr}}}};
  ASSERT_TRUE(merge_patch(cluster_, v1(), {"a", "held"}, release).has_value());
  EXPECT_FALSE(get(cluster_, resources::kCrds, {"", definition().name()}).has_value());
}

}  // namespace
}  // namespace gatelift
