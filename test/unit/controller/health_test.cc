// SPDX-License-Identifier: Apache-2.0
// Over real sockets on loopback, with limits small enough that nothing has to be waited for.
#include "controller/health.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>

namespace gatelift {
namespace {

/// A plain TCP peer.
class Peer {
 public:
  explicit Peer(std::uint16_t port) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    // A server that never answers fails a test instead of hanging it.
    const timeval patience{20, 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  ~Peer() { close(fd_); }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  bool connected() const { return connected_; }
  void send(std::string_view text) { ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL); }

  /// Everything until the server closes.
  std::string read_to_end() {
    std::string all;
    std::array<char, 4096> chunk{};
    while (true) {
      const ssize_t got = recv(fd_, chunk.data(), chunk.size(), 0);
      if (got <= 0) {
        closed_ = got == 0 || errno == ECONNRESET;
        return all;
      }
      all.append(chunk.data(), static_cast<std::size_t>(got));
    }
  }
  /// Whether read_to_end() met the end, as opposed to losing patience.
  bool was_closed() const { return closed_; }

 private:
  int fd_;
  bool connected_ = false;
  bool closed_ = false;
};

HealthRoutes routes() {
  return {.live =
              [] {
                return HealthAnswer{200, "ok"};
              },
          .ready =
              [] {
                return HealthAnswer{503, "not yet"};
              },
          .metrics = [] { return std::string("gatelift_leader 1\n"); }};
}

std::unique_ptr<HealthServer> start(HealthLimits limits = {}) {
  auto server = HealthServer::start("127.0.0.1:0", routes(), limits);
  EXPECT_TRUE(server) << server.error().message;
  return *std::move(server);
}

/// The answer to one request on a connection of its own.
std::string ask(const HealthServer& server, const std::string& request_line) {
  Peer peer(server.port());
  peer.send(request_line + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  std::string answer = peer.read_to_end();
  EXPECT_TRUE(peer.was_closed());
  return answer;
}

TEST(Health, AnswersProbesAndMetrics) {
  const auto server = start();
  EXPECT_TRUE(ask(*server, "GET /healthz").starts_with("HTTP/1.1 200 "));
  const std::string ready = ask(*server, "GET /readyz?verbose");
  EXPECT_TRUE(ready.starts_with("HTTP/1.1 503 ")) << ready;
  EXPECT_TRUE(ready.ends_with("\r\n\r\nnot yet\n")) << ready;
  const std::string metrics = ask(*server, "GET /metrics");
  EXPECT_TRUE(metrics.ends_with("\r\n\r\ngatelift_leader 1\n")) << metrics;
  EXPECT_NE(metrics.find("version=0.0.4"), std::string::npos);
  EXPECT_TRUE(ask(*server, "GET /").starts_with("HTTP/1.1 404 "));
  EXPECT_TRUE(ask(*server, "GET /healthzz").starts_with("HTTP/1.1 404 "));
}

TEST(Health, AnswersHeadWithTheLengthAndWithoutTheBody) {
  const auto server = start();
  for (const char* path : {"/healthz", "/metrics", "/nothing"}) {
    const std::string answer = ask(*server, std::string("HEAD ") + path);
    EXPECT_TRUE(answer.ends_with("\r\n\r\n")) << answer;
    EXPECT_NE(answer.find("Content-Length: "), std::string::npos) << answer;
    EXPECT_EQ(answer.find("Content-Length: 0"), std::string::npos) << answer;
  }
}

TEST(Health, RefusesOtherMethods) {
  const auto server = start();
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS"}) {
    const std::string answer = ask(*server, std::string(method) + " /healthz");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 405 ")) << answer;
    EXPECT_NE(answer.find("Allow: GET, HEAD"), std::string::npos);
  }
}

TEST(Health, RefusesWhatIsNoRequestAndGoesOn) {
  const auto server = start();
  for (const char* hostile : {"garbage\r\n\r\n", "GET /healthz HTTP/9.9\r\n\r\n",
                              "POST /healthz HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
                              "GET /healthz HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
                              "GET /healthz HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n"}) {
    SCOPED_TRACE(hostile);
    Peer peer(server->port());
    peer.send(hostile);
    const std::string answer = peer.read_to_end();
    EXPECT_TRUE(peer.was_closed());
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 400 ")) << answer;
  }
  Peer flood(server->port());
  flood.send("GET /healthz HTTP/1.1\r\nX: " + std::string(200'000, 'x'));
  flood.read_to_end();
  EXPECT_TRUE(flood.was_closed());
  EXPECT_TRUE(ask(*server, "GET /healthz").starts_with("HTTP/1.1 200 "));
}

TEST(Health, AnswersSeveralRequestsOnOneConnection) {
  const auto server = start();
  Peer peer(server->port());
  peer.send(
      "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
      "GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const std::string answers = peer.read_to_end();
  EXPECT_NE(answers.find("200 OK"), std::string::npos);
  EXPECT_NE(answers.find("gatelift_leader 1"), std::string::npos);
  EXPECT_NE(answers.find("503 "), std::string::npos);
}

TEST(Health, LetsNoIdlePeersKeepAProbeOut) {
  const auto server = start({.request_time = std::chrono::minutes(5), .connections = 3});
  Peer first(server->port());
  first.send("GET /hea");
  Peer second(server->port());
  Peer third(server->port());
  ASSERT_TRUE(first.connected() && second.connected() && third.connected());
  EXPECT_TRUE(ask(*server, "GET /healthz").starts_with("HTTP/1.1 200 "));
  first.read_to_end();
  EXPECT_TRUE(first.was_closed()) << "the oldest makes room";
  second.send("GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(second.read_to_end().starts_with("HTTP/1.1 200 ")) << "the others stay";
}

TEST(Health, EndsAPeerThatDripsItsRequest) {
  const auto server = start({.request_time = std::chrono::milliseconds(50)});
  Peer slow(server->port());
  slow.send("GET /healthz HTTP/1.1\r\nX: ");
  slow.read_to_end();
  EXPECT_TRUE(slow.was_closed());
}

TEST(Health, MetricsThatTakeLongDoNotHoldUpProbes) {
  std::atomic<bool> release{false};
  std::atomic<bool> rendering{false};
  HealthRoutes slow = routes();
  slow.metrics = [&] {
    rendering = true;
    rendering.notify_all();
    release.wait(false);
    return std::string("late\n");
  };
  auto server = HealthServer::start("127.0.0.1:0", std::move(slow));
  ASSERT_TRUE(server);
  Peer scraper((*server)->port());
  scraper.send("GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  rendering.wait(false);
  EXPECT_TRUE(ask(**server, "GET /healthz").starts_with("HTTP/1.1 200 "));
  release = true;
  release.notify_all();
  EXPECT_TRUE(scraper.read_to_end().ends_with("late\n"));
}

TEST(Health, StopsWithPeersConnected) {
  auto server = start();
  Peer idle(server->port());
  Peer half(server->port());
  half.send("GET /he");
  ask(*server, "GET /metrics");
  server.reset();
  idle.read_to_end();
  EXPECT_TRUE(idle.was_closed());
}

TEST(Health, SaysWhyItCannotListen) {
  const auto server = start();
  const std::string address = "127.0.0.1:" + std::to_string(server->port());
  const auto second = HealthServer::start(address, routes());
  ASSERT_FALSE(second);
  EXPECT_TRUE(second.error().is(ErrorKind::Unavailable));
  EXPECT_NE(second.error().message.find(address), std::string::npos) << second.error().message;
}

TEST(Health, ReadsListenAddresses) {
  using Address = std::pair<std::string, std::uint16_t>;
  EXPECT_EQ(parse_listen_address(":8080").value(), Address("", 8080));
  EXPECT_EQ(parse_listen_address("127.0.0.1:0").value(), Address("127.0.0.1", 0));
  EXPECT_EQ(parse_listen_address("[::1]:9").value(), Address("::1", 9));
  for (const char* wrong : {"", "8080", ":", ":x", ":65536", ":-1", "::1:80", ":80 "}) {
    EXPECT_FALSE(parse_listen_address(wrong)) << wrong;
  }
  EXPECT_FALSE(HealthServer::start("localhost:0", routes())) << "a name is not looked up";
}

TEST(Health, ListensOnBothFamiliesWhereNoHostIsNamed) {
  const auto server = HealthServer::start(":0", routes());
  ASSERT_TRUE(server) << server.error().message;
  EXPECT_TRUE(ask(**server, "GET /healthz").starts_with("HTTP/1.1 200 ")) << "over IPv4";
}

}  // namespace
}  // namespace gatelift
