// SPDX-License-Identifier: Apache-2.0
#include "controller/health.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/version.hpp>
#include <charconv>
#include <list>
#include <optional>
#include <thread>
#include <utility>

namespace gatelift {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

constexpr const char* kText = "text/plain; charset=utf-8";
constexpr const char* kPrometheusText = "text/plain; version=0.0.4; charset=utf-8";

using HttpIn = http::request<http::string_body>;
using HttpOut = http::response<http::string_body>;

HttpOut answer(const HttpIn& request, http::status status, std::string body,
               const char* content_type = kText) {
  HttpOut response(status, request.version());
  response.set(http::field::content_type, content_type);
  response.set(http::field::cache_control, "no-store");
  response.keep_alive(request.keep_alive());
  response.body() = std::move(body);
  response.prepare_payload();
  return response;
}

HttpOut answer(const HttpIn& request, const HealthAnswer& health) {
  return answer(request, static_cast<http::status>(health.status), health.body + "\n");
}

std::string_view path_of(const HttpIn& request) {
  const std::string_view target(request.target().data(), request.target().size());
  return target.substr(0, target.find('?'));
}

/// The peer sent something that is no request, as opposed to nothing, too slowly, or half of one
/// and then the end.
bool is_bad_request(const error_code& error) {
  return error.category() == http::make_error_code(http::error::bad_method).category() &&
         error != http::error::end_of_stream && error != http::error::partial_message;
}

class Connections;

/// One peer. Lives on the event thread, in the list of Connections and in its own callbacks.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(tcp::socket socket, Connections& owner) : stream_(std::move(socket)), owner_(owner) {}

  void read();
  void close();
  bool is_waiting_for_request() const { return waiting_; }

  std::list<std::shared_ptr<Connection>>::iterator position;  // in Connections, while open

 private:
  void on_request(error_code error);
  void refuse_unreadable();
  void answer_metrics();
  void write(HttpOut response);

  beast::tcp_stream stream_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  std::optional<HttpOut> response_;
  Connections& owner_;
  bool waiting_ = true;
  bool open_ = true;  // callbacks may still come once it is not
};

/// All peers, oldest first. Everything but the metrics runs on the one event thread.
class Connections {
 public:
  Connections(HealthRoutes routes, HealthLimits limits)
      : routes_(std::move(routes)), limits_(limits) {}

  void admit(tcp::socket socket) {
    if (open_.size() >= limits_.connections && !evict_oldest())
      return;  // the socket closes as it goes
    auto connection = std::make_shared<Connection>(std::move(socket), *this);
    connection->position = open_.insert(open_.end(), connection);
    connection->read();
  }

  void remove(const Connection& connection) { open_.erase(connection.position); }
  void clear() { open_.clear(); }

  const HealthRoutes& routes() const { return routes_; }
  const HealthLimits& limits() const { return limits_; }
  asio::thread_pool& renderers() { return renderers_; }

 private:
  bool evict_oldest() {
    for (const auto& connection : open_) {
      if (!connection->is_waiting_for_request()) continue;
      connection->close();  // takes it out of the list
      return true;
    }
    return false;
  }

  HealthRoutes routes_;
  HealthLimits limits_;
  std::list<std::shared_ptr<Connection>> open_;
  asio::thread_pool renderers_{1};
};

void Connection::read() {
  waiting_ = true;
  parser_.emplace();
  parser_->header_limit(owner_.limits().header_bytes);
  parser_->body_limit(owner_.limits().body_bytes);
  stream_.expires_after(owner_.limits().request_time);
  http::async_read(
      stream_, buffer_, *parser_,
      [self = shared_from_this()](error_code error, std::size_t) { self->on_request(error); });
}

void Connection::close() {
  if (!open_) return;
  open_ = false;
  const auto kept = shared_from_this();
  owner_.remove(*this);
  stream_.close();
}

void Connection::on_request(error_code error) {
  if (!open_) return;
  waiting_ = false;
  if (error) return is_bad_request(error) ? refuse_unreadable() : close();
  const HttpIn& request = parser_->get();
  const std::string_view path = path_of(request);
  const bool is_read = request.method() == http::verb::get || request.method() == http::verb::head;
  if (!is_read) {
    HttpOut refusal = answer(request, http::status::method_not_allowed, "only GET and HEAD\n");
    refusal.set(http::field::allow, "GET, HEAD");
    return write(std::move(refusal));
  }
  if (path == "/healthz") return write(answer(request, owner_.routes().live()));
  if (path == "/readyz") return write(answer(request, owner_.routes().ready()));
  if (path == "/metrics") return answer_metrics();
  write(answer(request, http::status::not_found, "not found\n"));
}

void Connection::refuse_unreadable() {
  HttpIn unreadable;
  unreadable.keep_alive(false);
  write(answer(unreadable, http::status::bad_request, "bad request\n"));
}

void Connection::answer_metrics() {
  asio::post(owner_.renderers(), [self = shared_from_this()] {
    std::string text = self->owner_.routes().metrics();
    asio::post(self->stream_.get_executor(), [self, text = std::move(text)]() mutable {
      if (!self->open_) return;
      self->write(answer(self->parser_->get(), http::status::ok, std::move(text), kPrometheusText));
    });
  });
}

void Connection::write(HttpOut response) {
  // The answer to a HEAD has the length of the body that a GET would have had, and no body (RFC
  // 9110 §9.3.2).
  if (parser_->get().method() == http::verb::head) response.body().clear();
  response_ = std::move(response);
  stream_.expires_after(owner_.limits().request_time);
  http::async_write(stream_, *response_,
                    [self = shared_from_this()](error_code error, std::size_t) {
                      if (!self->open_) return;
                      if (error || self->response_->need_eof() || !self->response_->keep_alive())
                        return self->close();
                      self->read();
                    });
}

tl::unexpected<Error> cannot_listen(const std::string& address, const error_code& error) {
  return fail(ErrorKind::Unavailable, "listening at " + address + ": " + error.message());
}

error_code listen_at(tcp::acceptor& acceptor, const tcp::endpoint& endpoint) {
  error_code error;
  if (acceptor.open(endpoint.protocol(), error)) return error;
  acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (endpoint.address().is_v6()) acceptor.set_option(asio::ip::v6_only(false), error);
  if (acceptor.bind(endpoint, error)) {
    error_code ignored;
    acceptor.close(ignored);
    return error;
  }
  acceptor.listen(tcp::acceptor::max_listen_connections, error);
  return error;
}

}  // namespace

struct HealthServer::State {
  State(HealthRoutes routes, HealthLimits limits) : connections(std::move(routes), limits) {}

  void accept() {
    acceptor.async_accept([this](error_code error, tcp::socket socket) {
      if (error == asio::error::operation_aborted) return;
      if (error) return pause_then_accept();
      connections.admit(std::move(socket));
      accept();
    });
  }

  /// Out of descriptors, most likely: trying again at once would spin.
  void pause_then_accept() {
    retry.expires_after(std::chrono::milliseconds(100));
    retry.async_wait([this](error_code error) {
      if (!error) accept();
    });
  }

  // Connections outlive the event loop's queue, whose callbacks refer to them.
  Connections connections;
  asio::io_context io{1};
  tcp::acceptor acceptor{io};
  asio::steady_timer retry{io};
  std::thread thread;
};

HealthServer::HealthServer(std::unique_ptr<State> state) : state_(std::move(state)) {
  state_->accept();
  state_->thread = std::thread([this] { state_->io.run(); });
}

HealthServer::~HealthServer() {
  state_->io.stop();
  state_->thread.join();
  state_->connections.renderers().join();
  state_->connections.clear();  // sockets must not outlive the event loop
}

Result<std::unique_ptr<HealthServer>> HealthServer::start(const std::string& address,
                                                          HealthRoutes routes,
                                                          HealthLimits limits) {
  ASSIGN_OR_RETURN(const auto parsed, parse_listen_address(address));
  const auto& [host, port] = parsed;
  auto state = std::make_unique<State>(std::move(routes), limits);
  error_code error;
  if (host.empty()) {
    error = listen_at(state->acceptor, tcp::endpoint(tcp::v6(), port));
    // A kernel without IPv6.
    if (error == asio::error::address_family_not_supported) {
      error = listen_at(state->acceptor, tcp::endpoint(tcp::v4(), port));
    }
  } else {
    const auto literal = asio::ip::make_address(host, error);
    if (error) {
      return fail(ErrorKind::Invalid,
                  "listen address \"" + address + "\": the host is no IP address");
    }
    error = listen_at(state->acceptor, tcp::endpoint(literal, port));
  }
  if (error) return cannot_listen(address, error);
  return std::unique_ptr<HealthServer>(new HealthServer(std::move(state)));
}

std::uint16_t HealthServer::port() const {
  error_code error;
  return state_->acceptor.local_endpoint(error).port();
}

Result<std::pair<std::string, std::uint16_t>> parse_listen_address(std::string_view address) {
  const auto bad = [&address](const char* why) {
    return fail(ErrorKind::Invalid, "listen address \"" + std::string(address) + "\": " + why);
  };
  const auto colon = address.rfind(':');
  if (colon == std::string_view::npos) return bad("want HOST:PORT or :PORT");
  const std::string_view digits = address.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (digits.empty() || failure != std::errc() || end != digits.data() + digits.size()) {
    return bad("the port is no number up to 65535");
  }
  std::string_view host = address.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return bad("an IPv6 address goes into brackets");
  }
  return std::pair(std::string(host), port);
}

}  // namespace gatelift
