// SPDX-License-Identifier: Apache-2.0
#include "client/api_cluster.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "test/support/fault_server.h"

namespace gatelift {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::FaultServer;
using testing::Reply;
using testing::SeenRequest;

constexpr const char* kObject = R"({"kind":"ConfigMap","metadata":{"name":"b","namespace":"a"}})";

std::string status(int code, const std::string& reason) {
  return R"({"kind":"Status","status":"Failure","message":"m","reason":")" + reason +
         R"(","code":)" + std::to_string(code) + "}";
}

/// Hands out t1, t2, … and goes on to the next at each refusal of the current one.
class CountedTokens : public IdentitySource {
 public:
  Result<Identity> current() override {
    const std::lock_guard lock(mutex_);
    return Identity{tls_, "Bearer t" + std::to_string(number_)};
  }
  void refuse(const Identity& refused) override {
    const std::lock_guard lock(mutex_);
    if (refused.authorization == "Bearer t" + std::to_string(number_)) ++number_;
  }

 private:
  std::mutex mutex_;
  int number_ = 1;
  std::shared_ptr<const TlsMaterial> tls_ = std::make_shared<const TlsMaterial>();
};

Endpoint endpoint_of(const FaultServer& server) {
  Endpoint endpoint;
  endpoint.server = *parse_server_url("http://127.0.0.1:" + std::to_string(server.port()));
  endpoint.identity = std::make_shared<CountedTokens>();
  endpoint.headers = {
      {"Impersonate-User", "jane"}
  };
  return endpoint;
}

std::unique_ptr<ApiCluster> cluster_of(const FaultServer& server, ApiClusterOptions options = {}) {
  return *ApiCluster::connect(endpoint_of(server), std::move(options));
}

Request request_of(Verb verb, const char* body = "null") {
  Request request;
  request.verb = verb;
  request.resource = resources::kConfigMaps;
  request.key = {"a", verb == Verb::Create ? "" : "b"};
  request.body = *parse_json(body);
  return request;
}

TEST(ApiCluster, SaysWhoItIs) {
  FaultServer server({}, [](const SeenRequest&, Reply& reply) { reply.respond(200, kObject); });
  ASSERT_TRUE(cluster_of(server)->send(request_of(Verb::Get)));
  const auto headers = server.seen().at(0).headers;
  EXPECT_EQ(headers.at("authorization"), "Bearer t1");
  EXPECT_EQ(headers.at("impersonate-user"), "jane");
  EXPECT_EQ(headers.at("user-agent").find("gatelift/"), 0U);
  EXPECT_NE(headers.at("user-agent").find(" (linux/"), std::string::npos);
}

TEST(ApiCluster, RepeatsWhatTheServerCouldNotDoYet) {
  FaultServer server({}, [](const SeenRequest& request, Reply& reply) {
    if (request.number == 1) return reply.respond(429, "slow", "Retry-After: 0\r\n");
    if (request.number == 2) return reply.respond(503, status(503, "ServiceUnavailable"));
    if (request.number == 3) return reply.reset();
    reply.respond(200, kObject);
  });
  const auto object = cluster_of(server)->send(request_of(Verb::Get));
  ASSERT_TRUE(object) << object.error().message;
  EXPECT_EQ(server.seen().size(), 4U);
}

TEST(ApiCluster, SendsABlindWriteOfUnknownOutcomeOnce) {
  FaultServer server({}, [](const SeenRequest&, Reply& reply) { reply.close(); });
  const auto answer = cluster_of(server)->send(request_of(Verb::MergePatch, R"({"data":{}})"));
  ASSERT_FALSE(answer);
  EXPECT_TRUE(answer.error().is(ErrorKind::Unavailable));
  EXPECT_EQ(server.seen().size(), 1U);
}

TEST(ApiCluster, LeavesAlreadyExistsAfterARepeatedCreateToTheCaller) {
  FaultServer server({}, [](const SeenRequest& request, Reply& reply) {
    if (request.number == 1) return reply.close();
    reply.respond(409, status(409, "AlreadyExists"));
  });
  const auto answer =
      cluster_of(server)->send(request_of(Verb::Create, R"({"metadata":{"name":"b"}})"));
  ASSERT_FALSE(answer);
  EXPECT_TRUE(answer.error().is(ErrorKind::AlreadyExists));
  EXPECT_EQ(server.seen().size(), 2U);
}

// http_client would send this twice: once by itself, after the kept connection closed.
TEST(ApiCluster, SendsWhatMustGoOutOnceOverBeast) {
  const testing::TestAuthority authority;
  FaultServer server({authority.issue("server", {"IP:127.0.0.1"}), "", false, false},
                     [](const SeenRequest& request, Reply& reply) {
                       if (request.method == "POST" && request.number > 2) return reply.close();
                       reply.respond(200, kObject);
                     });
  Endpoint endpoint;
  endpoint.server = *parse_server_url("https://127.0.0.1:" + std::to_string(server.port()));
  endpoint.identity = fixed_identity({authority.certificate(), "", ""}, "");
  const auto cluster = *ApiCluster::connect(endpoint, {});
  const Request creation = request_of(Verb::Create, R"({"metadata":{"generateName":"b-"}})");
  ASSERT_TRUE(cluster->send(request_of(Verb::Get)));
  ASSERT_TRUE(cluster->send(creation));
  EXPECT_FALSE(cluster->send(creation));
  EXPECT_EQ(server.seen().size(), 3U);
}

TEST(ApiCluster, ReadsItsCredentialsAgainOnceWhenTheyAreRefused) {
  FaultServer server({}, [](const SeenRequest& request, Reply& reply) {
    if (request.headers.at("authorization") == "Bearer t1") {
      return reply.respond(401, status(401, "Unauthorized"));
    }
    reply.respond(200, kObject);
  });
  EXPECT_TRUE(cluster_of(server)->send(request_of(Verb::Delete)));
  EXPECT_EQ(server.seen().size(), 2U);

  FaultServer strict({}, [](const SeenRequest&, Reply& reply) {
    reply.respond(401, status(401, "Unauthorized"));
  });
  const auto answer = cluster_of(strict)->send(request_of(Verb::Get));
  ASSERT_FALSE(answer);
  EXPECT_TRUE(answer.error().is(ErrorKind::Unauthorized));
  EXPECT_EQ(strict.seen().size(), 2U);
}

bool asks_for_permissions(const SeenRequest& request) {
  return request.target.find("/selfsubjectaccessreviews") != std::string::npos;
}

// A server that has just started has not read the roles yet.
TEST(ApiCluster, WaitsForAServerThatDeniesEverything) {
  FaultServer server({}, [](const SeenRequest& request, Reply& reply) {
    if (request.number <= 4) return reply.respond(403, status(403, "Forbidden"));
    reply.respond(200, kObject);
  });
  const auto object = cluster_of(server)->send(request_of(Verb::MergePatch, R"({"data":{}})"));
  ASSERT_TRUE(object) << object.error().message;
  EXPECT_EQ(server.seen().size(), 5U);  // the patch and the question twice, and the patch again
}

TEST(ApiCluster, TakesAServerThatGoesOnDenyingEverythingForUnavailable) {
  FaultServer server(
      {}, [](const SeenRequest&, Reply& reply) { reply.respond(403, status(403, "Forbidden")); });
  const auto answer = cluster_of(server)->send(request_of(Verb::Get));
  ASSERT_FALSE(answer);
  EXPECT_TRUE(answer.error().is(ErrorKind::Unavailable)) << answer.error().message;
}

TEST(ApiCluster, BelievesARefusalOfAServerThatKnowsTheRoles) {
  FaultServer server({}, [](const SeenRequest& request, Reply& reply) {
    if (asks_for_permissions(request)) return reply.respond(201, kObject);
    reply.respond(403, status(403, "Forbidden"));
  });
  const auto cluster = cluster_of(server);
  for (int call = 0; call < 3; ++call) {
    const auto answer = cluster->send(request_of(Verb::Get));
    ASSERT_FALSE(answer);
    EXPECT_TRUE(answer.error().is(ErrorKind::Forbidden));
  }
  EXPECT_EQ(server.seen().size(), 5U);  // the first call again after the question, and two more
}

// It has read the roles between the refusal and the question.
TEST(ApiCluster, AsksAgainWhatWasRefusedBeforeTheRolesWereKnown) {
  FaultServer server({}, [](const SeenRequest& request, Reply& reply) {
    if (request.number == 1) return reply.respond(403, status(403, "Forbidden"));
    reply.respond(asks_for_permissions(request) ? 201 : 200, kObject);
  });
  EXPECT_TRUE(cluster_of(server)->send(request_of(Verb::Get)));
  EXPECT_EQ(server.seen().size(), 3U);
}

TEST(ApiCluster, BoundsAllAttemptsByOneDeadline) {
  FaultServer server(
      {}, [](const SeenRequest&, Reply& reply) { reply.respond(503, "", "Retry-After: 2\r\n"); });
  Request request = request_of(Verb::Get);
  request.deadline = milliseconds(500);
  const auto start = std::chrono::steady_clock::now();
  const auto answer = cluster_of(server)->send(request);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().http_status, 503);
  EXPECT_LT(std::chrono::steady_clock::now() - start, seconds(2));
}

TEST(ApiCluster, NamesCallAndServerWhereNobodyAnswers) {
  std::unique_ptr<ApiCluster> cluster;
  std::string authority;
  {
    FaultServer server({}, [](const SeenRequest&, Reply&) {});
    cluster = cluster_of(server);
    authority = "127.0.0.1:" + std::to_string(server.port());
  }
  Request request = request_of(Verb::Get);
  request.deadline = milliseconds(50);
  const auto answer = cluster->send(request);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().message,
            "GET configmaps a/b: server " + authority + ": cannot connect: Connection refused");
}

TEST(ApiCluster, StopsRepeatingWhenItIsAskedTo) {
  std::stop_source stop;
  FaultServer server({}, [&](const SeenRequest&, Reply& reply) {
    reply.respond(503, "", "Retry-After: 60\r\n");
    stop.request_stop();
  });
  ApiClusterOptions options;
  options.stop = stop.get_token();
  const auto answer = cluster_of(server, std::move(options))->send(request_of(Verb::Get));
  ASSERT_FALSE(answer);
  EXPECT_TRUE(answer.error().is(ErrorKind::Cancelled));
}

TEST(ApiCluster, SendsNothingThatWouldBeAnotherCall) {
  FaultServer server({}, [](const SeenRequest&, Reply& reply) { reply.respond(200, kObject); });
  Request request = request_of(Verb::Delete);
  request.key.name = "";
  EXPECT_FALSE(cluster_of(server)->send(request));
  EXPECT_EQ(server.num_connections(), 0);
}

std::string address_of(const FaultServer& server) {
  return "127.0.0.1:" + std::to_string(server.port());
}

TEST(ApiCluster, AsksTheOneOfSeveralServersThatARequestNames) {
  const auto respond = [](const SeenRequest&, Reply& reply) { reply.respond(200, kObject); };
  FaultServer server({}, respond);
  FaultServer other({}, respond);
  const auto cluster = cluster_of(server);
  Request request = request_of(Verb::Get);
  request.server = address_of(other);
  ASSERT_TRUE(cluster->send(request));
  EXPECT_EQ(server.seen().size(), 0U);
  ASSERT_EQ(other.seen().size(), 1U);
  EXPECT_EQ(other.seen()[0].headers.at("authorization"), "Bearer t1");
}

TEST(ApiCluster, NamesTheServerThatARequestNamesWhereItDoesNotAnswer) {
  FaultServer server({}, [](const SeenRequest&, Reply& reply) { reply.respond(200, kObject); });
  std::string gone;
  {
    FaultServer other({}, [](const SeenRequest&, Reply&) {});
    gone = address_of(other);
  }
  Request request = request_of(Verb::Get);
  request.server = gone;
  request.deadline = milliseconds(300);
  const auto answer = cluster_of(server)->send(request);
  ASSERT_FALSE(answer);
  EXPECT_NE(answer.error().message.find("server " + gone), std::string::npos);
}

TEST(ApiCluster, MakesAFreshConnectionWhereItIsAskedTo) {
  FaultServer server({}, [](const SeenRequest&, Reply& reply) { reply.respond(200, kObject); });
  const auto cluster = cluster_of(server);
  Request request = request_of(Verb::Get);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(cluster->send(request));
  const int kept = server.num_connections();
  request.fresh_connection = true;
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(cluster->send(request));
  EXPECT_EQ(kept, 1);
  EXPECT_EQ(server.num_connections(), kept + 3);
}

TEST(ApiCluster, HandsOverAPathAsTextWhereThatIsAskedFor) {
  FaultServer server({}, [](const SeenRequest&, Reply& reply) { reply.respond(200, "up 1\n"); });
  Request request;
  request.raw_path = "/metrics";
  request.as_text = true;
  const auto answer = cluster_of(server)->send(request);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->get<std::string>(), "up 1\n");
  EXPECT_EQ(server.seen()[0].headers.at("accept"), "text/plain");
}

TEST(ApiCluster, ReportsEachWarningOnce) {
  FaultServer server({}, [](const SeenRequest&, Reply& reply) {
    reply.respond(200, kObject, "Warning: 299 - \"v1beta1 is deprecated\"\r\n");
  });
  std::vector<std::string> warnings;
  ApiClusterOptions options;
  options.on_warning = [&](const std::string& text) { warnings.push_back(text); };
  const auto cluster = cluster_of(server, std::move(options));
  ASSERT_TRUE(cluster->send(request_of(Verb::Get)));
  ASSERT_TRUE(cluster->send(request_of(Verb::Get)));
  EXPECT_EQ(warnings, std::vector<std::string>{"v1beta1 is deprecated"});
}

TEST(SendEach, KeepsItsPromisesToTheBatch) {
  std::atomic<int> under_way = 0;
  std::atomic<int> most = 0;
  FaultServer server({}, [&](const SeenRequest& request, Reply& reply) {
    const int now = ++under_way;
    for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
    }
    reply.pause(milliseconds(5));
    --under_way;
    reply.respond(200, R"({"target":")" + request.target + "\"}");
  });
  Batch batch;
  batch.size = 60;
  std::atomic<int> inside = 0;
  std::size_t next = 0;
  std::vector<int> answers(batch.size);
  batch.request = [&](std::size_t i) {
    EXPECT_EQ(++inside, 1);
    EXPECT_EQ(i, next++);
    Request request = request_of(Verb::Get);
    request.key.name = "n" + std::to_string(i);
    --inside;
    return request;
  };
  batch.done = [&](std::size_t i, const Result<Json>& answer) {
    EXPECT_EQ(++inside, 1);
    ++answers[i];
    EXPECT_TRUE(answer && string_at(*answer, "target").ends_with("/n" + std::to_string(i)));
    --inside;
  };
  cluster_of(server)->send_each(batch, 8);
  EXPECT_EQ(answers, std::vector<int>(batch.size, 1));
  EXPECT_LE(most, 8);
  EXPECT_GT(most, 1);
}

TEST(SendEach, AnswersCancelledForWhatWasNotBegunAtAStop) {
  std::stop_source stop;
  FaultServer server({}, [&](const SeenRequest& request, Reply& reply) {
    if (request.number == 3) stop.request_stop();
    reply.respond(200, kObject);
  });
  ApiClusterOptions options;
  options.stop = stop.get_token();
  const auto cluster = cluster_of(server, std::move(options));
  Batch batch;
  batch.size = 100;
  int num_cancelled = 0;
  int num_answered = 0;
  batch.request = [](std::size_t) { return request_of(Verb::Get); };
  batch.done = [&](std::size_t, const Result<Json>& answer) {
    ++num_answered;
    if (!answer && answer.error().is(ErrorKind::Cancelled)) ++num_cancelled;
  };
  cluster->send_each(batch, 2);
  EXPECT_EQ(num_answered, 100);
  EXPECT_GE(num_cancelled, 90);
  EXPECT_LE(server.seen().size(), 10U);
}

std::string event(const char* type, const char* version) {
  return R"({"type":")" + std::string(type) + R"(","object":{"metadata":{"resourceVersion":")" +
         version + "\"}}}\n";
}

TEST(ApiWatch, HandsOverEventsUntilTheServerEndsIt) {
  FaultServer server({}, [](const SeenRequest&, Reply& reply) {
    reply.raw("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + event("ADDED", "8") +
              event("BOOKMARK", "9"));
    reply.close();
  });
  WatchRequest request;
  request.resource = resources::kConfigMaps;
  request.resource_version = "7";
  const auto watch = cluster_of(server)->watch(request);
  ASSERT_TRUE(watch) << watch.error().message;
  const auto first = (*watch)->next(seconds(20));
  ASSERT_TRUE(first && *first);
  EXPECT_EQ((*first)->type, WatchEventType::Added);
  const auto second = (*watch)->next(seconds(20));
  ASSERT_TRUE(second && *second);
  EXPECT_EQ(resource_version_of((*second)->object), "9");
  const auto end = (*watch)->next(seconds(20));
  ASSERT_FALSE(end);
  EXPECT_TRUE(end.error().is(ErrorKind::Expired)) << end.error().message;
  EXPECT_NE(server.seen().at(0).target.find("resourceVersion=7"), std::string::npos);
}

TEST(ApiWatch, IsExpiredWhereverTheServerSaysSo) {
  const std::string gone = status(410, "Expired");
  FaultServer server({}, [&](const SeenRequest& request, Reply& reply) {
    if (request.number == 1) return reply.respond(410, gone);
    reply.respond(200, R"({"type":"ERROR","object":)" + gone + "}\n");
  });
  const auto cluster = cluster_of(server);
  WatchRequest request;
  request.resource = resources::kConfigMaps;
  const auto refused = cluster->watch(request);
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().is(ErrorKind::Expired)) << refused.error().message;
  const auto opened = cluster->watch(request);
  ASSERT_TRUE(opened);
  const auto event = (*opened)->next(seconds(20));
  ASSERT_FALSE(event);
  EXPECT_TRUE(event.error().is(ErrorKind::Expired));
}

}  // namespace
}  // namespace gatelift
