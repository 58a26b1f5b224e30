// SPDX-License-Identifier: Apache-2.0
#include "client/cluster.h"

#include <gtest/gtest.h>

#include <map>
#include <utility>
#include <vector>

#include "client/paged_list.h"

namespace gatelift {
namespace {

/// Answers from a script and keeps what was asked.
class ScriptedCluster : public Cluster {
 public:
  explicit ScriptedCluster(std::vector<Result<Json>> answers) : answers_(std::move(answers)) {}

  Result<Json> send(const Request& request) override {
    asked.push_back(request);
    return answers_.at(asked.size() - 1);
  }
  Result<std::unique_ptr<Watch>> watch(const WatchRequest&) override {
    return fail(ErrorKind::Internal, "no watch here");
  }

  std::vector<Request> asked;

 private:
  std::vector<Result<Json>> answers_;
};

Result<Json> page(const std::string& version, const std::string& token,
                  const std::vector<std::string>& names, const std::string& kind = "SecretList") {
  Json json{
      {"kind",       kind},
      {"apiVersion", "v1"}
  };
  json["metadata"] = {
      {"resourceVersion", version},
      {"continue",        token  }
  };
  json["items"] = Json::array();
  for (const std::string& name : names) {
    json["items"].push_back(Json{
        {"metadata", Json{{"name", name}}}
    });
  }
  return json;
}

Request list_of_secrets() {
  Request list;
  list.resource = resources::kSecrets;
  return list;
}

TEST(ForEachObject, VisitsAllPagesOfOneSnapshot) {
  ScriptedCluster cluster({page("7", "more", {"a", "b"}), page("7", "", {"c"})});
  std::vector<std::string> names;
  const auto version = for_each_object(cluster, list_of_secrets(), [&](Json&& object) {
    names.push_back(key_of(object).name);
    return Result<void>();
  });
  ASSERT_TRUE(version);
  EXPECT_EQ(*version, "7");
  EXPECT_EQ(names, (std::vector<std::string>{"a", "b", "c"}));
  ASSERT_EQ(cluster.asked.size(), 2U);
  EXPECT_EQ(cluster.asked[0].limit, 500);
  EXPECT_EQ(cluster.asked[0].continue_token, "");
  EXPECT_EQ(cluster.asked[1].continue_token, "more");
}

TEST(ForEachObject, FailsWithExpiredAndNeverGoesOnInAnotherSnapshot) {
  Error gone;
  gone.kind = ErrorKind::Expired;
  ScriptedCluster expired({page("7", "more", {"a"}), fail(gone), page("9", "", {"z"})});
  const auto ignore = [](Json&&) { return Result<void>(); };
  const auto version = for_each_object(expired, list_of_secrets(), ignore);
  ASSERT_FALSE(version);
  EXPECT_TRUE(version.error().is(ErrorKind::Expired));
  EXPECT_EQ(expired.asked.size(), 2U);

  ScriptedCluster moved({page("7", "more", {"a"}), page("8", "", {"b"})});
  const auto mixed = for_each_object(moved, list_of_secrets(), ignore);
  ASSERT_FALSE(mixed);
  EXPECT_TRUE(mixed.error().is(ErrorKind::Expired));
}

TEST(ForEachObject, StopsAtTheVisitorsError) {
  ScriptedCluster cluster({page("7", "more", {"a", "b"}), page("7", "", {"c"})});
  int visits = 0;
  const auto version = for_each_object(cluster, list_of_secrets(), [&](Json&&) -> Result<void> {
    ++visits;
    return fail(ErrorKind::Cancelled, "enough");
  });
  ASSERT_FALSE(version);
  EXPECT_TRUE(version.error().is(ErrorKind::Cancelled));
  EXPECT_EQ(visits, 1);
  EXPECT_EQ(cluster.asked.size(), 1U);
}

TEST(ForEachObject, GivesItemsTheTypeThatTheListLeftOut) {
  ScriptedCluster cluster({page("7", "", {"a"})});
  std::string type;
  ASSERT_TRUE(for_each_object(cluster, list_of_secrets(), [&](Json&& object) {
    type = string_at(object, "apiVersion") + " " + kind_of(object);
    return Result<void>();
  }));
  EXPECT_EQ(type, "v1 Secret");
}

TEST(ForEachObject, TakesNullItemsForAnEmptyList) {
  ScriptedCluster cluster(
      {*parse_json(R"({"kind":"XList","metadata":{"resourceVersion":"3"},"items":null})")});
  const auto version =
      for_each_object(cluster, list_of_secrets(), [](Json&&) { return Result<void>(); });
  ASSERT_TRUE(version);
  EXPECT_EQ(*version, "3");
}

/// A batch of gets of secrets, by name, that keeps what is answered.
struct Gets {
  explicit Gets(const std::vector<std::string>& names) {
    batch.size = names.size();
    batch.request = [names](std::size_t i) {
      Request request;
      request.resource = resources::kSecrets;
      request.key = {"a", names[i]};
      return request;
    };
    batch.done = [this](std::size_t i, const Result<Json>& answer) { answered[i] = bool{answer}; };
  }
  Batch batch;
  std::map<std::size_t, bool> answered;
};

TEST(SendWithNextPage, ListsTheNextPageAmongTheCallsForThisOne) {
  const Json object = *parse_json(R"({"metadata":{"name":"b"}})");
  ScriptedCluster cluster(
      {page("7", "more", {"a", "b"}), object, page("7", "", {"c"}), object, object});
  PagedList pages(list_of_secrets());
  const auto first = send_with_next_page(cluster, {}, 16, pages);
  ASSERT_TRUE(first && *first);
  EXPECT_EQ((*first)->size(), 2U);

  Gets gets({"a", "b"});
  const auto second = send_with_next_page(cluster, gets.batch, 16, pages);
  ASSERT_TRUE(second && *second);
  EXPECT_EQ(key_of((*second)->front()).name, "c");
  EXPECT_EQ(gets.answered, (std::map<std::size_t, bool>{
                               {0, true},
                               {1, true}
  }));
  ASSERT_EQ(cluster.asked.size(), 4U);
  EXPECT_EQ(cluster.asked[1].key.name, "a");  // who may not write learns it by the first call
  EXPECT_EQ(cluster.asked[2].continue_token, "more");
  EXPECT_EQ(cluster.asked[3].key.name, "b");

  Gets last({"c"});
  const auto none = send_with_next_page(cluster, last.batch, 16, pages);
  ASSERT_TRUE(none);
  EXPECT_FALSE(*none);
  EXPECT_EQ(last.answered.size(), 1U);
  EXPECT_EQ(pages.snapshot(), "7");
}

TEST(SendWithNextPage, AnswersEachCallBeforeItFailsWithTheList) {
  Error gone;
  gone.kind = ErrorKind::Expired;
  const Json object = *parse_json(R"({"metadata":{"name":"b"}})");
  ScriptedCluster cluster({page("7", "more", {"a", "b"}), object, fail(gone), object});
  PagedList pages(list_of_secrets());
  ASSERT_TRUE(send_with_next_page(cluster, {}, 16, pages));
  Gets gets({"a", "b"});
  const auto second = send_with_next_page(cluster, gets.batch, 16, pages);
  ASSERT_FALSE(second);
  EXPECT_TRUE(second.error().is(ErrorKind::Expired));
  EXPECT_EQ(gets.answered.size(), 2U);
}

TEST(Verbs, ReadAbsenceAsNothingAndEverythingElseAsAnError) {
  Error absent;
  absent.kind = ErrorKind::NotFound;
  Error refused;
  refused.kind = ErrorKind::Forbidden;
  ScriptedCluster cluster({fail(absent), fail(refused), Json{{"kind", "Secret"}}});
  const auto first = get_if_exists(cluster, resources::kSecrets, {"a", "b"});
  ASSERT_TRUE(first);
  EXPECT_FALSE(first->has_value());
  EXPECT_FALSE(get_if_exists(cluster, resources::kSecrets, {"a", "b"}));
  const auto third = get_if_exists(cluster, resources::kSecrets, {"a", "b"});
  ASSERT_TRUE(third);
  EXPECT_TRUE(third->has_value());
}

TEST(Verbs, TakeNamespaceAndNameFromTheObject) {
  const Json object = *parse_json(R"({"metadata":{"name":"b","namespace":"a"}})");
  ScriptedCluster cluster({object, object, object});
  ASSERT_TRUE(create(cluster, resources::kSecrets, object));
  ASSERT_TRUE(replace(cluster, resources::kSecrets, object));
  ASSERT_TRUE(merge_patch(cluster, resources::kSecrets, {"a", "b"}, Json::object(), "status"));
  EXPECT_EQ(target_of(cluster.asked[0]), "/api/v1/namespaces/a/secrets?fieldManager=gatelift");
  EXPECT_EQ(target_of(cluster.asked[1]), "/api/v1/namespaces/a/secrets/b?fieldManager=gatelift");
  EXPECT_EQ(target_of(cluster.asked[2]),
            "/api/v1/namespaces/a/secrets/b/status?fieldManager=gatelift");
}

TEST(SendEach, AnswersEveryCallOnce) {
  ScriptedCluster cluster({Json(0), Json(1), Json(2)});
  Batch batch;
  batch.size = 3;
  batch.request = [](std::size_t) { return list_of_secrets(); };
  std::vector<std::size_t> answered;
  batch.done = [&](std::size_t i, const Result<Json>& answer) {
    EXPECT_EQ(answer->get<std::size_t>(), i);
    answered.push_back(i);
  };
  cluster.send_each(batch, 2);
  EXPECT_EQ(answered, (std::vector<std::size_t>{0, 1, 2}));
}

}  // namespace
}  // namespace gatelift
