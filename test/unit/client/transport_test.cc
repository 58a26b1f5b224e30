// SPDX-License-Identifier: Apache-2.0
// One suite for both transports, against a server that misbehaves. What only one of them can do
// stands at the end.
#include "client/transport.h"

#include <gtest/gtest.h>

#include <thread>

#include "client/beast_transport.h"
#include "client/cpprest_transport.h"
#include "test/support/fault_server.h"

namespace gatelift {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using testing::FaultServer;
using testing::Reply;
using testing::SeenRequest;
using testing::TestAuthority;

const TestAuthority& authority() {
  static const TestAuthority instance;
  return instance;
}

const testing::CertifiedKey& good_certificate() {
  static const auto instance =
      authority().issue("server", {"IP:127.0.0.1", "IP:::1", "DNS:localhost"});
  return instance;
}

std::shared_ptr<const TlsMaterial> trust(const std::string& ca) {
  return std::make_shared<const TlsMaterial>(TlsMaterial{ca, "", ""});
}

ServerUrl url_of(const FaultServer& server, const std::string& host = "127.0.0.1",
                 const std::string& scheme = "https") {
  return *parse_server_url(scheme + "://" + host + ":" + std::to_string(server.port()));
}

TlsPeer peer_at(const ServerUrl& url) { return {url.host, url.is_ip, true}; }

HttpCall call_of(std::string method, std::string body = "") {
  HttpCall call;
  call.request = {std::move(method), "/apis/x?y=%2F", "application/json", "", std::move(body)};
  if (!call.request.body.empty()) call.request.content_type = "application/merge-patch+json";
  static const auto tls = trust(authority().certificate());
  call.tls = tls;
  call.deadline = steady_clock::now() + seconds(20);
  return call;
}

HttpCall call_within(milliseconds time) {
  HttpCall call = call_of("GET");
  call.deadline = steady_clock::now() + time;
  return call;
}

FaultServer::Options with_tls() { return {good_certificate(), "", false, false}; }

void answer_ok(const SeenRequest&, Reply& reply) { reply.respond(200, "{}"); }

enum class Kind { Cpprest, Beast };

std::unique_ptr<Transport> make(Kind kind, const ServerUrl& url, const TlsPeer& peer) {
  if (kind == Kind::Cpprest) return std::make_unique<CpprestTransport>(url, peer);
  return std::make_unique<BeastTransport>(url, peer);
}

class AnyTransport : public ::testing::TestWithParam<Kind> {
 protected:
  static std::unique_ptr<Transport> to(const FaultServer& server) {
    const ServerUrl url = url_of(server);
    return make(GetParam(), url, peer_at(url));
  }

  /// One GET of a fresh transport, and the error that it ends in.
  static Error error_from(const FaultServer::Handler& handler, milliseconds deadline = seconds(20),
                          std::size_t max_body_bytes = 1U << 20U) {
    FaultServer server(with_tls(), handler);
    HttpCall call = call_within(deadline);
    call.max_body_bytes = max_body_bytes;
    auto answer = to(server)->call(call, {});
    EXPECT_FALSE(answer) << "status " << answer->status;
    return answer ? Error{} : answer.error();
  }
};

INSTANTIATE_TEST_SUITE_P(Both, AnyTransport, ::testing::Values(Kind::Cpprest, Kind::Beast),
                         [](const auto& row) {
                           return row.param == Kind::Cpprest ? "Cpprest" : "Beast";
                         });

TEST_P(AnyTransport, SendsMethodTargetHeadersAndBodyAsTheyAre) {
  FaultServer server(with_tls(), answer_ok);
  HttpCall call = call_of("PATCH", "{\"a\": \"ü\"}");
  call.headers = {
      {"Authorization",     "Bearer t"},
      {"Impersonate-Group", "a"       }
  };
  const auto answer = to(server)->call(call, {});
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->body, "{}");
  const SeenRequest seen = server.seen().at(0);
  EXPECT_EQ(seen.method, "PATCH");
  EXPECT_EQ(seen.target, "/apis/x?y=%2F");
  EXPECT_EQ(seen.headers.at("authorization"), "Bearer t");
  EXPECT_EQ(seen.headers.at("impersonate-group"), "a");
  EXPECT_EQ(seen.headers.at("accept"), "application/json");
  EXPECT_EQ(seen.headers.at("content-type"), "application/merge-patch+json");
  EXPECT_EQ(seen.body, "{\"a\": \"ü\"}");
}

TEST_P(AnyTransport, PutsTheServersPathBeforeTheTarget) {
  FaultServer server(with_tls(), answer_ok);
  ServerUrl url = url_of(server);
  url.path = "/k8s/clusters/c-1";
  ASSERT_TRUE(make(GetParam(), url, peer_at(url))->call(call_of("GET"), {}));
  EXPECT_EQ(server.seen().at(0).target, "/k8s/clusters/c-1/apis/x?y=%2F");
}

TEST_P(AnyTransport, HandsOverEveryStatusWithItsHeadersAndBody) {
  FaultServer server(with_tls(), [](const SeenRequest& request, Reply& reply) {
    if (request.number == 1) return reply.respond(404, "404 page not found\n");
    if (request.number == 2) return reply.respond(429, "slow", "Retry-After: 7\r\n");
    reply.respond(503, "");
  });
  const auto transport = to(server);
  const auto first = transport->call(call_of("GET"), {});
  ASSERT_TRUE(first);
  EXPECT_EQ(first->status, 404);
  EXPECT_EQ(first->body, "404 page not found\n");
  const auto second = transport->call(call_of("DELETE"), {});
  ASSERT_TRUE(second);
  EXPECT_EQ(second->status, 429);
  EXPECT_EQ(second->header("retry-after"), "7");
  EXPECT_EQ(transport->call(call_of("POST", "{}"), {})->status, 503);
}

TEST_P(AnyTransport, ReadsChunkedAnswers) {
  FaultServer server(with_tls(), [](const SeenRequest&, Reply& reply) {
    reply.raw(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n");
  });
  EXPECT_EQ(to(server)->call(call_of("GET"), {})->body, "hello!");
}

TEST_P(AnyTransport, KeepsItsConnections) {
  FaultServer server(with_tls(), answer_ok);
  const auto transport = to(server);
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(transport->call(call_of("PUT", "{}"), {}));
  EXPECT_LE(server.num_connections(), 2);
}

TEST_P(AnyTransport, ServesManyThreadsAtOnce) {
  FaultServer server(with_tls(), [](const SeenRequest& request, Reply& reply) {
    reply.respond(200, request.body);
  });
  const auto transport = to(server);
  std::atomic<int> num_right = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 16; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < 20; ++i) {
          const std::string body = std::to_string(t) + "/" + std::to_string(i);
          const auto answer = transport->call(call_of("PUT", body), {});
          if (answer && answer->body == body) ++num_right;
        }
      });
    }
  }
  EXPECT_EQ(num_right, 320);
  EXPECT_LE(server.num_connections(), 32);
}

TEST_P(AnyTransport, GivesUpAtTheDeadlineWhereverTheServerStalls) {
  const auto before_head = [](const SeenRequest&, Reply& reply) { reply.stall(); };
  const auto in_body = [](const SeenRequest&, Reply& reply) {
    reply.raw("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    reply.stall();
  };
  const auto dripping = [](const SeenRequest&, Reply& reply) {
    reply.raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    while (reply.raw("1\r\nx\r\n") && reply.pause(milliseconds(20))) {
    }
  };
  for (const FaultServer::Handler& handler :
       std::initializer_list<FaultServer::Handler>{before_head, in_body, dripping}) {
    const auto start = steady_clock::now();
    const Error error = error_from(handler, milliseconds(300));
    EXPECT_TRUE(error.is(ErrorKind::Unavailable)) << error.message;
    EXPECT_FALSE(error.not_sent);
    EXPECT_LT(steady_clock::now() - start, seconds(5));
  }
}

TEST_P(AnyTransport, GivesUpAtTheDeadlineWhenTlsStalls) {
  auto options = with_tls();
  options.skips_handshake = true;
  FaultServer server(options, answer_ok);
  const auto answer = to(server)->call(call_within(milliseconds(300)), {});
  ASSERT_FALSE(answer);
  EXPECT_TRUE(answer.error().is(ErrorKind::Unavailable)) << answer.error().message;
}

TEST_P(AnyTransport, TellsATruncatedAnswerFromAWholeOne) {
  const auto by_length = [](const SeenRequest&, Reply& reply) {
    reply.raw("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    reply.close();
  };
  const auto chunked = [](const SeenRequest&, Reply& reply) {
    reply.raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
    reply.close();
  };
  const auto without_length_or_close_notify = [](const SeenRequest&, Reply& reply) {
    reply.raw("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"items\":[]}");
    reply.abort();
  };
  const auto reset = [](const SeenRequest&, Reply& reply) {
    reply.raw("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    reply.reset();
  };
  for (const FaultServer::Handler& handler : std::initializer_list<FaultServer::Handler>{
           by_length, chunked, without_length_or_close_notify, reset}) {
    const Error error = error_from(handler);
    EXPECT_TRUE(error.is(ErrorKind::Unavailable)) << error.message;
    EXPECT_FALSE(error.not_sent);
  }
}

TEST_P(AnyTransport, NeverRepeatsACallOnAFreshConnection) {
  FaultServer server(with_tls(), [](const SeenRequest&, Reply& reply) { reply.close(); });
  const auto answer = to(server)->call(call_of("POST", "{}"), {});
  ASSERT_FALSE(answer);
  EXPECT_FALSE(answer.error().not_sent);
  EXPECT_EQ(server.seen().size(), 1U);
}

// The server processes a call on a kept connection and closes before it answers. BeastTransport
// reports an unknown outcome. http_client sends the call a second time by itself, which nothing can
// switch off: calls that must go out once are not given to it (ApiCluster,
// SendsWhatMustGoOutOnceOverBeast).
TEST_P(AnyTransport, TellsHowOftenAKeptConnectionSendsACall) {
  FaultServer server(with_tls(), [](const SeenRequest& request, Reply& reply) {
    if (request.number == 2) return reply.close();
    reply.respond(201, "{}");
  });
  const auto transport = to(server);
  ASSERT_TRUE(transport->call(call_of("POST", "{}"), {}));
  const auto second = transport->call(call_of("POST", "{}"), {});
  if (GetParam() == Kind::Beast) {
    ASSERT_FALSE(second);
    EXPECT_FALSE(second.error().not_sent);
    EXPECT_EQ(server.seen().size(), 2U);
  } else {
    EXPECT_TRUE(second);
    EXPECT_EQ(server.seen().size(), 3U);
  }
}

TEST_P(AnyTransport, GoesOnAfterTheServerClosedIdleConnections) {
  FaultServer server(with_tls(), [](const SeenRequest&, Reply& reply) {
    reply.respond(200, "{}");
    reply.close();
  });
  const auto transport = to(server);
  for (int i = 0; i < 5; ++i) {
    // The end of the connection may come while the next call is already on its way.
    auto answer = transport->call(call_of("GET"), {});
    if (!answer) answer = transport->call(call_of("GET"), {});
    ASSERT_TRUE(answer) << answer.error().message;
  }
}

TEST_P(AnyTransport, DoesNotFollowARedirectWithOurToken) {
  FaultServer elsewhere(with_tls(), answer_ok);
  const std::string location =
      "Location: https://127.0.0.1:" + std::to_string(elsewhere.port()) + "/steal\r\n";
  FaultServer server(with_tls(),
                     [&](const SeenRequest&, Reply& reply) { reply.respond(302, "", location); });
  HttpCall call = call_of("GET");
  call.headers = {
      {"Authorization", "Bearer secret"}
  };
  const auto answer = to(server)->call(call, {});
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 302);
  EXPECT_EQ(elsewhere.num_connections(), 0);
}

TEST_P(AnyTransport, RefusesServersThatItsCaDoesNotVouchFor) {
  const TestAuthority stranger("stranger");
  struct Row {
    const char* name;
    testing::CertifiedKey certificate;
    const char* reason;
  };
  const Row rows[] = {
      {"wrong address",    authority().issue("127.0.0.1", {"IP:127.0.0.2"}),  "IP address mismatch"       },
      {"name only",        authority().issue("127.0.0.1", {"DNS:localhost"}), "IP address mismatch"       },
      {"common name only", authority().issue("127.0.0.1", {}),                "IP address mismatch"       },
      {"another CA",       stranger.issue("127.0.0.1",    {"IP:127.0.0.1"}),  "unable to get local issuer"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    FaultServer server({row.certificate, "", false, false}, answer_ok);
    const auto answer = to(server)->call(call_of("GET"), {});
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().reason, kTlsFailure);
    EXPECT_TRUE(answer.error().not_sent);
    EXPECT_NE(answer.error().message.find(row.reason), std::string::npos) << answer.error().message;
    EXPECT_TRUE(server.seen().empty());
  }
}

TEST_P(AnyTransport, VerifiesNamesWithoutTheCommonName) {
  for (const bool has_name : {true, false}) {
    const std::vector<std::string> names = {has_name ? "DNS:localhost" : "DNS:other.example"};
    FaultServer server({authority().issue("localhost", names), "", false, false}, answer_ok);
    const ServerUrl url = url_of(server, "localhost");
    const auto answer = make(GetParam(), url, peer_at(url))->call(call_of("GET"), {});
    EXPECT_EQ(answer.has_value(), has_name);
  }
}

TEST_P(AnyTransport, PresentsItsClientCertificate) {
  auto options = with_tls();
  options.client_ca = authority().certificate();
  FaultServer server(options, answer_ok);
  const auto key = authority().issue("gatelift", {});
  HttpCall call = call_of("GET");
  call.tls = std::make_shared<const TlsMaterial>(
      TlsMaterial{authority().certificate(), key.certificate, key.key});
  const auto transport = to(server);
  EXPECT_TRUE(transport->call(call, {}));
  // A change of certificates must not go out over connections that were opened with the old ones.
  call.tls = trust(authority().certificate());
  EXPECT_FALSE(transport->call(call, {}));
}

TEST_P(AnyTransport, SaysWhichCertificateCannotBeRead) {
  FaultServer server(with_tls(), answer_ok);
  HttpCall call = call_of("GET");
  call.tls = trust("no PEM");
  const auto answer = to(server)->call(call, {});
  ASSERT_FALSE(answer);
  EXPECT_TRUE(answer.error().is(ErrorKind::Invalid));
  EXPECT_NE(answer.error().message.find("certificate authority"), std::string::npos);
}

TEST_P(AnyTransport, RefusesHeaderValuesThatWouldBeFurtherHeaders) {
  FaultServer server(with_tls(), answer_ok);
  HttpCall call = call_of("GET");
  call.headers = {
      {"Authorization", "Bearer a\r\nX-Evil: 1"}
  };
  const auto answer = to(server)->call(call, {});
  ASSERT_FALSE(answer);
  EXPECT_TRUE(answer.error().is(ErrorKind::Invalid));
  EXPECT_EQ(server.num_connections(), 0);
}

TEST_P(AnyTransport, BoundsTheBody) {
  const auto by_length = [](const SeenRequest&, Reply& reply) {
    reply.respond(200, std::string(8U << 20U, 'x'));
  };
  const auto endless = [](const SeenRequest&, Reply& reply) {
    reply.raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    while (reply.raw("1000\r\n" + std::string(0x1000, 'x') + "\r\n")) {
    }
  };
  for (const FaultServer::Handler& handler :
       std::initializer_list<FaultServer::Handler>{by_length, endless}) {
    const Error error = error_from(handler, seconds(20), 1U << 20U);
    EXPECT_TRUE(error.is(ErrorKind::Internal)) << error.message;
    EXPECT_NE(error.message.find("too large"), std::string::npos) << error.message;
  }
}

TEST_P(AnyTransport, StopsAtOnceWhenItIsAskedTo) {
  std::stop_source stop;
  FaultServer server(with_tls(), [&](const SeenRequest&, Reply& reply) {
    stop.request_stop();
    reply.stall();
  });
  const auto answer = to(server)->call(call_of("GET"), stop.get_token());
  ASSERT_FALSE(answer);
  EXPECT_TRUE(answer.error().is(ErrorKind::Cancelled)) << answer.error().message;
}

TEST_P(AnyTransport, KnowsThatNothingWasSentWhereNobodyListens) {
  std::unique_ptr<Transport> transport;
  {
    FaultServer server(with_tls(), answer_ok);
    transport = to(server);
  }
  const auto answer = transport->call(call_of("POST", "{}"), {});
  ASSERT_FALSE(answer);
  EXPECT_TRUE(answer.error().is(ErrorKind::Unavailable));
  EXPECT_TRUE(answer.error().not_sent);
}

TEST(CpprestTransport, SaysWhatItCannotReach) {
  EXPECT_TRUE(
      CpprestTransport::can_reach(*parse_server_url("https://10.0.0.1"), {"10.0.0.1", true, true}));
  EXPECT_FALSE(
      CpprestTransport::can_reach(*parse_server_url("https://[::1]:6443"), {"::1", true, true}));
  EXPECT_FALSE(CpprestTransport::can_reach(*parse_server_url("https://10.0.0.1"),
                                           {"kubernetes", false, true}));
  EXPECT_FALSE(CpprestTransport::can_reach(*parse_server_url("https://10.0.0.1"),
                                           {"10.0.0.1", true, false}));
  EXPECT_FALSE(CpprestTransport::can_reach(*parse_server_url("http://127.0.0.1"),
                                           {"127.0.0.1", true, true}));
}

BeastTransport beast_to(const FaultServer& server) {
  const ServerUrl url = url_of(server);
  return BeastTransport(url, peer_at(url));
}

TEST(BeastTransport, ReachesIpv6Addresses) {
  auto options = with_tls();
  options.use_ipv6 = true;
  FaultServer server(options, answer_ok);
  const ServerUrl url = url_of(server, "[::1]");
  BeastTransport transport(url, peer_at(url));
  const auto answer = transport.call(call_of("GET"), {});
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(server.seen().at(0).headers.at("host"), url.authority());
}

TEST(BeastTransport, VerifiesAnotherServerNameAndSkipsVerificationWhenTold) {
  FaultServer server({authority().issue("x", {"DNS:kubernetes"}), "", false, false}, answer_ok);
  const ServerUrl url = url_of(server);
  EXPECT_TRUE(BeastTransport(url, {"kubernetes", false, true}).call(call_of("GET"), {}));
  EXPECT_FALSE(BeastTransport(url, {"other", false, true}).call(call_of("GET"), {}));
  EXPECT_TRUE(BeastTransport(url, {"other", false, false}).call(call_of("GET"), {}));
}

TEST(BeastTransport, SpeaksPlainHttpToLoopback) {
  FaultServer server({}, answer_ok);
  const ServerUrl url = url_of(server, "127.0.0.1", "http");
  EXPECT_TRUE(BeastTransport(url, peer_at(url)).call(call_of("GET"), {}));
}

TEST(BeastTransport, BoundsTheHeaders) {
  FaultServer server(with_tls(), [](const SeenRequest&, Reply& reply) {
    reply.raw("HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 20000 && reply.raw("X-Filler: " + std::string(1000, 'x') + "\r\n"); ++i) {
    }
  });
  const auto answer = beast_to(server).call(call_of("GET"), {});
  ASSERT_FALSE(answer);
  EXPECT_TRUE(answer.error().is(ErrorKind::Internal)) << answer.error().message;
}

TEST(BeastTransport, SurvivesAnswersThatAreNotHttp) {
  for (const char* chunk : {"-1\r\n", "FFFFFFFFFFFFFFFFF\r\n", "zz\r\n"}) {
    FaultServer server(with_tls(), [&](const SeenRequest&, Reply& reply) {
      reply.raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string(chunk));
      reply.stall();
    });
    const auto answer = beast_to(server).call(call_of("GET"), {});
    ASSERT_FALSE(answer) << chunk;
    EXPECT_TRUE(answer.error().is(ErrorKind::Internal)) << answer.error().message;
  }
}

TEST(BeastTransport, WaitsForTheAnswerAfterAnInterimOne) {
  FaultServer server(with_tls(), [](const SeenRequest&, Reply& reply) {
    reply.raw("HTTP/1.1 100 Continue\r\n\r\n");
    reply.respond(201, "{}");
  });
  EXPECT_EQ(beast_to(server).call(call_of("POST", "{}"), {})->status, 201);
}

TEST(BeastTransport, DoesNotKeepAConnectionThatTheServerWillClose) {
  FaultServer server(with_tls(), [](const SeenRequest&, Reply& reply) {
    reply.respond(200, "{}", "Connection: close\r\n");
    reply.close();
  });
  BeastTransport transport = beast_to(server);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(transport.call(call_of("POST", "{}"), {}));
  EXPECT_EQ(server.seen().size(), 5U);
}

constexpr const char* kStreamHead = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

std::string chunk_of(const std::string& text) {
  char size[32];
  std::snprintf(size, sizeof size, "%zx\r\n", text.size());
  return size + text + "\r\n";
}

TEST(BeastStream, HandsOverEachLineBeforeTheNextOneComes) {
  const std::vector<std::string> lines = {"one", "two", "three", "four"};
  std::atomic<std::size_t> num_read = 0;
  FaultServer server(with_tls(), [&](const SeenRequest&, Reply& reply) {
    std::string head = kStreamHead;
    for (std::size_t i = 0; i < lines.size(); ++i) {
      const bool goes_on = reply.raw(std::exchange(head, "") + chunk_of(lines[i] + "\n"));
      while (goes_on && num_read <= i && reply.pause(milliseconds(1))) {
      }
    }
    reply.raw(chunk_of("half"));
    reply.raw(chunk_of(" and half\n") + "0\r\n\r\n");
  });
  auto transport = beast_to(server);
  const auto answer = transport.open(call_of("GET"), seconds(20), {});
  ASSERT_TRUE(answer && answer->lines);
  for (const std::string& line : lines) {
    const auto next = answer->lines->next_line(seconds(20));
    ASSERT_TRUE(next && *next) << line;
    EXPECT_EQ(**next, line);
    ++num_read;
  }
  EXPECT_EQ(*answer->lines->next_line(seconds(20)), "half and half");
  const auto end = answer->lines->next_line(seconds(20));
  ASSERT_FALSE(end);
  EXPECT_TRUE(end.error().is(ErrorKind::Expired));
}

TEST(BeastStream, HandsOverARefusalWithItsBody) {
  FaultServer server(with_tls(),
                     [](const SeenRequest&, Reply& reply) { reply.respond(410, "gone"); });
  auto transport = beast_to(server);
  const auto answer = transport.open(call_of("GET"), seconds(20), {});
  ASSERT_TRUE(answer);
  EXPECT_FALSE(answer->lines);
  EXPECT_EQ(answer->head.status, 410);
  EXPECT_EQ(answer->head.body, "gone");
}

TEST(BeastStream, TellsABrokenStreamFromAnEndedOne) {
  FaultServer server(with_tls(), [](const SeenRequest&, Reply& reply) {
    reply.raw(kStreamHead + chunk_of("one\n"));
    reply.reset();
  });
  auto transport = beast_to(server);
  const auto answer = transport.open(call_of("GET"), seconds(20), {});
  ASSERT_TRUE(answer && answer->lines);
  auto line = answer->lines->next_line(seconds(20));
  if (line) line = answer->lines->next_line(seconds(20));
  ASSERT_FALSE(line);
  EXPECT_TRUE(line.error().is(ErrorKind::Unavailable)) << line.error().message;
}

TEST(BeastStream, TakesALongSilenceForABrokenStream) {
  FaultServer server(with_tls(), [](const SeenRequest&, Reply& reply) {
    reply.raw(kStreamHead);
    reply.stall();
  });
  auto transport = beast_to(server);
  const auto answer = transport.open(call_of("GET"), milliseconds(100), {});
  ASSERT_TRUE(answer && answer->lines);
  const auto line = answer->lines->next_line(seconds(20));
  ASSERT_FALSE(line);
  EXPECT_TRUE(line.error().is(ErrorKind::Unavailable));
}

TEST(BeastStream, WaitsWithoutAnEventAndEndsAtAStop) {
  FaultServer server(with_tls(), [](const SeenRequest&, Reply& reply) {
    reply.raw(kStreamHead);
    reply.stall();
  });
  auto transport = beast_to(server);
  std::stop_source stop;
  const auto answer = transport.open(call_of("GET"), seconds(20), stop.get_token());
  ASSERT_TRUE(answer && answer->lines);
  const auto nothing = answer->lines->next_line(milliseconds(10));
  ASSERT_TRUE(nothing);
  EXPECT_FALSE(nothing->has_value());
  stop.request_stop();
  const auto end = answer->lines->next_line(seconds(20));
  ASSERT_FALSE(end);
  EXPECT_TRUE(end.error().is(ErrorKind::Cancelled));
}

TEST(BeastStream, MakesTheServerWaitForASlowReaderAndLosesNothing) {
  constexpr int kLines = 4000;
  std::atomic<int> num_written = 0;
  FaultServer server(with_tls(), [&](const SeenRequest&, Reply& reply) {
    reply.raw(kStreamHead);
    for (int i = 0; i < kLines; ++i) {
      if (!reply.raw(chunk_of(std::to_string(i) + std::string(8000, 'x') + "\n"))) return;
      ++num_written;
    }
    reply.raw("0\r\n\r\n");
  });
  auto transport = beast_to(server);
  const auto answer = transport.open(call_of("GET"), seconds(60), {});
  ASSERT_TRUE(answer && answer->lines);
  for (int i = 0; i < kLines; ++i) {
    const auto line = answer->lines->next_line(seconds(20));
    ASSERT_TRUE(line && *line) << i;
    ASSERT_EQ(std::stoi(**line), i);
    // 32 MB in all: the queue has 1 MB, the kernel's buffers a few more.
    if (i == 0) {
      EXPECT_LT(num_written, kLines);
    }
  }
  EXPECT_FALSE(answer->lines->next_line(seconds(20)));
}

TEST(BeastStream, OutlivesItsTransport) {
  FaultServer server(with_tls(), [](const SeenRequest&, Reply& reply) {
    reply.raw(kStreamHead + chunk_of("one\n"));
    reply.stall();
  });
  std::unique_ptr<LineStream> lines;
  {
    auto transport = beast_to(server);
    lines = std::move(transport.open(call_of("GET"), seconds(20), {})->lines);
  }
  EXPECT_EQ(*lines->next_line(seconds(20)), "one");
}

}  // namespace
}  // namespace gatelift
