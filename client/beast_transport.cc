// SPDX-License-Identifier: Apache-2.0
// One Exchange per call: take an idle connection or resolve, connect and shake hands; write; read
// head and body. All of it runs on the network thread as a chain of callbacks, each of which ends
// in the next step or in finish(). A timer per exchange is the deadline; when it fires, or a stop
// is asked for, the socket is closed and finish() answers at once, whatever callback is still on
// its way. No coroutines: g++ 12 miscompiles them.
#include "client/beast_transport.h"

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/connect.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "client/receiver.h"

namespace gatelift {
namespace {

namespace net = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;
using net::ip::tcp;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kMaxIdleConnections = 32;
constexpr std::chrono::seconds kMaxIdleAge{50};
constexpr std::uint32_t kMaxHeaderBytes = 64U << 10U;
constexpr std::size_t kChunkBytes = 64U << 10U;
// Beast 1.74 takes "no limit" for a limit of nothing where the answer has a Content-Length.
constexpr std::uint64_t kNoBound = std::numeric_limits<std::uint64_t>::max();

/// A socket with TLS over it, or without for loopback test servers. One type, so that Beast is
/// instantiated once.
class Connection {
 public:
  using executor_type = tcp::socket::executor_type;

  Connection(net::io_context& io, std::shared_ptr<net::ssl::context> context)
      : socket_(io), context_(std::move(context)) {
    if (context_) tls_.emplace(socket_, *context_);
  }

  executor_type get_executor() { return socket_.get_executor(); }
  tcp::socket& socket() { return socket_; }
  boost::beast::flat_buffer& buffer() { return buffer_; }
  net::ssl::stream<tcp::socket&>* tls() { return tls_ ? &*tls_ : nullptr; }
  const std::shared_ptr<net::ssl::context>& context() const { return context_; }

  template <typename Buffers, typename Callback>
  void async_read_some(const Buffers& buffers, Callback&& callback) {
    if (tls_) {
      tls_->async_read_some(buffers, std::forward<Callback>(callback));
    } else {
      socket_.async_read_some(buffers, std::forward<Callback>(callback));
    }
  }
  template <typename Buffers, typename Callback>
  void async_write_some(const Buffers& buffers, Callback&& callback) {
    if (tls_) {
      tls_->async_write_some(buffers, std::forward<Callback>(callback));
    } else {
      socket_.async_write_some(buffers, std::forward<Callback>(callback));
    }
  }

  void close() {
    error_code ignored;
    socket_.close(ignored);
  }

  /// Nothing must be readable on an idle connection: an end of file, a TLS alert or a stray answer
  /// all mean no.
  bool is_reusable() {
    char byte = 0;
    const auto count = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    const bool is_silent = count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
    return is_silent && Clock::now() - idle_since_ < kMaxIdleAge;
  }
  void mark_idle() { idle_since_ = Clock::now(); }

 private:
  tcp::socket socket_;
  std::shared_ptr<net::ssl::context> context_;
  std::optional<net::ssl::stream<tcp::socket&>> tls_;
  boost::beast::flat_buffer buffer_;
  Clock::time_point idle_since_;
};

bool is_closed_by_peer(const error_code& error) {
  return error == net::error::eof || error == net::error::connection_reset ||
         error == net::error::broken_pipe || error == net::ssl::error::stream_truncated ||
         error == http::error::end_of_stream || error == http::error::partial_message;
}

Fault fault_of_reading(const error_code& error) {
  if (is_closed_by_peer(error)) return Fault::Truncated;
  if (error == http::error::header_limit || error == http::error::body_limit ||
      error == http::error::buffer_overflow) {
    return Fault::TooLarge;
  }
  const bool is_http = error.category() == make_error_code(http::error::bad_version).category();
  return is_http ? Fault::Protocol : Fault::Io;
}

void keep_alive(tcp::socket& socket) {
  error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  socket.set_option(net::socket_base::keep_alive(true), ignored);
  const int seconds = 30;
  ::setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_KEEPIDLE, &seconds, sizeof seconds);
  ::setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_KEEPINTVL, &seconds, sizeof seconds);
}

}  // namespace

/// The network thread with what it owns. Streams keep it alive; exchanges live on it and only refer
/// to it.
class BeastNetwork {
 public:
  BeastNetwork(ServerUrl url, TlsPeer tls_peer)
      : server(std::move(url)), peer(std::move(tls_peer)), thread_([this] { io.run(); }) {}

  ~BeastNetwork() {
    io.stop();
    thread_.join();
  }
  BeastNetwork(const BeastNetwork&) = delete;
  BeastNetwork& operator=(const BeastNetwork&) = delete;

  /// The TLS context for this material; null for plain connections. Thread-safe.
  Result<std::shared_ptr<net::ssl::context>> context_for(
      const std::shared_ptr<const TlsMaterial>& material) {
    if (!server.is_tls) return std::shared_ptr<net::ssl::context>();
    const std::lock_guard lock(context_mutex_);
    if (context_ && material == material_) return context_;
    ASSIGN_OR_RETURN(const auto identity, TlsIdentity::parse(*material));
    auto context = std::make_shared<net::ssl::context>(net::ssl::context::tls_client);
    identity->configure(context->native_handle(), peer);
    material_ = material;
    context_ = std::move(context);
    return context_;
  }

  /// The youngest idle connection that is fit for use, or null.
  std::unique_ptr<Connection> take_idle(const std::shared_ptr<net::ssl::context>& context) {
    while (!idle_.empty()) {
      auto connection = std::move(idle_.back());
      idle_.pop_back();
      if (connection->context() == context && connection->is_reusable()) return connection;
    }
    return nullptr;
  }

  void give_back(std::unique_ptr<Connection> connection) {
    if (idle_.size() >= kMaxIdleConnections) idle_.erase(idle_.begin());
    connection->mark_idle();
    idle_.push_back(std::move(connection));
  }

  const ServerUrl server;
  const TlsPeer peer;
  net::io_context io{1};

 private:
  std::mutex context_mutex_;
  std::shared_ptr<const TlsMaterial> material_;
  std::shared_ptr<net::ssl::context> context_;
  std::vector<std::unique_ptr<Connection>> idle_;
  net::executor_work_guard<net::io_context::executor_type> work_{io.get_executor()};
  std::thread thread_;  // last: it runs from here on
};

namespace {

class Exchange : public std::enable_shared_from_this<Exchange> {
 public:
  struct Bounds {
    Clock::time_point deadline;  // of everything, or of the head where `idle` is set
    std::optional<std::chrono::milliseconds> idle;  // longest silence within the body
    std::uint64_t max_body_bytes = 0;
  };

  Exchange(BeastNetwork& network, std::string text, std::shared_ptr<net::ssl::context> context,
           Bounds bounds, std::shared_ptr<Receiver> receiver)
      : network_(network),
        text_(std::move(text)),
        context_(std::move(context)),
        bounds_(bounds),
        receiver_(std::move(receiver)),
        timer_(network.io),
        resolver_(network.io) {}

  void start() {
    if (is_done_) return;
    arm(bounds_.deadline);
    connection_ = network_.take_idle(context_);
    if (connection_) {
      write();
    } else {
      resolve();
    }
  }

  void cancel() { abort(Fault::Cancelled, ""); }

  void resume() {
    if (!is_done_ && std::exchange(is_paused_, false)) read_body();
  }

 private:
  void resolve() {
    resolver_.async_resolve(
        network_.server.host, network_.server.port,
        [self = shared_from_this()](const error_code& error, tcp::resolver::results_type found) {
          if (self->is_done_) return;
          if (error) return self->abort(Fault::Resolve, error.message());
          self->connect(std::move(found));
        });
  }

  void connect(tcp::resolver::results_type addresses) {
    connection_ = std::make_unique<Connection>(network_.io, context_);
    net::async_connect(connection_->socket(), std::move(addresses),
                       [self = shared_from_this()](const error_code& error, const tcp::endpoint&) {
                         if (self->is_done_) return;
                         if (error) return self->abort(Fault::Connect, error.message());
                         keep_alive(self->connection_->socket());
                         if (self->connection_->tls() == nullptr) return self->write();
                         self->shake_hands();
                       });
  }

  void shake_hands() {
    auto* tls = connection_->tls();
    request_name(tls->native_handle(), network_.peer);
    tls->async_handshake(net::ssl::stream_base::client,
                         [self = shared_from_this()](const error_code& error) {
                           if (self->is_done_) return;
                           if (error) return self->refuse_peer(error);
                           self->write();
                         });
  }

  void refuse_peer(const error_code& error) {
    const std::string reason = verification_failure(connection_->tls()->native_handle());
    abort(Fault::Tls, reason.empty() ? error.message() : reason);
  }

  void write() {
    sent_ = Sent::Maybe;
    net::async_write(*connection_, net::buffer(text_),
                     [self = shared_from_this()](const error_code& error, std::size_t) {
                       if (self->is_done_) return;
                       if (error) return self->abort(fault_of_reading(error), error.message());
                       self->read_head();
                     });
  }

  void read_head() {
    parser_.emplace();
    parser_->header_limit(kMaxHeaderBytes);
    parser_->body_limit(bounds_.max_body_bytes);
    http::async_read_header(*connection_, connection_->buffer(), *parser_,
                            [self = shared_from_this()](const error_code& error, std::size_t) {
                              if (!self->is_done_) self->on_head(error);
                            });
  }

  void on_head(const error_code& error) {
    if (error) return abort(fault_of_reading(error), error.message());
    const auto& message = parser_->get();
    if (message.result_int() < 200) return read_head();  // 100 Continue and the like come before
    HttpResponse head;
    head.status = static_cast<int>(message.result_int());
    for (const auto& field : message) {
      head.headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
    }
    receiver_->on_head(std::move(head));
    // An eager parser reads on until the next chunk has come, and would keep each event back for
    // the one after it.
    parser_->eager(!bounds_.idle);
    read_body();
  }

  void read_body() {
    if (parser_->is_done()) return complete();
    if (bounds_.idle) arm(Clock::now() + *bounds_.idle);
    parser_->get().body().data = chunk_.data();
    parser_->get().body().size = chunk_.size();
    http::async_read_some(*connection_, connection_->buffer(), *parser_,
                          [self = shared_from_this()](const error_code& error, std::size_t) {
                            if (!self->is_done_) self->on_body(error);
                          });
  }

  void on_body(const error_code& error) {
    const std::size_t count = chunk_.size() - parser_->get().body().size;
    if (count > 0) {
      const auto flow = receiver_->on_data(std::string_view(chunk_.data(), count));
      if (!flow) return finish(flow.error());
      is_paused_ = *flow == Receiver::Flow::Pause;
    }
    if (error && error != http::error::need_buffer) {
      return abort(fault_of_reading(error), error.message());
    }
    if (!is_paused_) return read_body();
    timer_.cancel();  // the silence is ours
  }

  void arm(Clock::time_point when) {
    timer_.expires_at(when);
    timer_.async_wait([self = shared_from_this()](const error_code& error) {
      // A handler that was already due when the timer was set again comes without an error.
      if (error || self->is_done_ || Clock::now() < self->timer_.expiry()) return;
      self->abort(Fault::Timeout, "");
    });
  }

  void complete() {
    const bool is_clean = parser_->keep_alive() && connection_->buffer().size() == 0;
    if (is_clean) network_.give_back(std::move(connection_));
    finish(std::nullopt);
  }

  void abort(Fault fault, std::string_view detail) {
    finish(transport_error(fault, sent_, detail));
  }

  void finish(std::optional<Error> error) {
    if (is_done_) return;
    is_done_ = true;
    timer_.cancel();
    resolver_.cancel();
    // Callbacks that are still on their way refer to it: it is closed here and goes with the last
    // of them.
    if (connection_) connection_->close();
    receiver_->on_end(std::move(error));
  }

  BeastNetwork& network_;
  const std::string text_;
  const std::shared_ptr<net::ssl::context> context_;
  const Bounds bounds_;
  const std::shared_ptr<Receiver> receiver_;
  net::steady_timer timer_;
  tcp::resolver resolver_;
  std::unique_ptr<Connection> connection_;
  std::optional<http::response_parser<http::buffer_body>> parser_;
  std::array<char, kChunkBytes> chunk_{};
  Sent sent_ = Sent::No;
  bool is_paused_ = false;
  bool is_done_ = false;
};

/// Runs a member function of the exchange on the network thread.
void tell(BeastNetwork& network, const std::shared_ptr<Exchange>& exchange,
          void (Exchange::*what)()) {
  net::post(network.io, [exchange, what] { (exchange.get()->*what)(); });
}

class CancelOnStop {
 public:
  CancelOnStop(BeastNetwork& network, std::shared_ptr<Exchange> exchange)
      : network_(network), exchange_(std::move(exchange)) {}
  void operator()() const { tell(network_, exchange_, &Exchange::cancel); }

 private:
  BeastNetwork& network_;
  std::shared_ptr<Exchange> exchange_;
};

class BeastLineStream : public LineStream {
 public:
  BeastLineStream(std::shared_ptr<BeastNetwork> network, std::shared_ptr<Exchange> exchange,
                  std::shared_ptr<StreamReceiver> receiver, const std::stop_token& stop)
      : network_(std::move(network)),
        exchange_(std::move(exchange)),
        receiver_(std::move(receiver)),
        on_stop_(stop, CancelOnStop(*network_, exchange_)) {}

  ~BeastLineStream() override { tell(*network_, exchange_, &Exchange::cancel); }
  BeastLineStream(const BeastLineStream&) = delete;
  BeastLineStream& operator=(const BeastLineStream&) = delete;

  Result<std::optional<std::string>> next_line(std::chrono::milliseconds timeout) override {
    auto line = receiver_->lines.pop(timeout);
    if (receiver_->lines.take_resumption()) tell(*network_, exchange_, &Exchange::resume);
    return line;
  }

 private:
  std::shared_ptr<BeastNetwork> network_;
  std::shared_ptr<Exchange> exchange_;
  std::shared_ptr<StreamReceiver> receiver_;
  std::stop_callback<CancelOnStop> on_stop_;  // first to go: it refers to the others
};

}  // namespace

BeastTransport::BeastTransport(ServerUrl server, TlsPeer peer)
    : network_(std::make_shared<BeastNetwork>(std::move(server), std::move(peer))) {}

BeastTransport::~BeastTransport() = default;

Result<HttpResponse> BeastTransport::call(const HttpCall& call, const std::stop_token& stop) {
  RETURN_IF_ERROR(check_headers(call));
  ASSIGN_OR_RETURN(auto context, network_->context_for(call.tls));
  const auto receiver = std::make_shared<UnaryReceiver>();
  auto answer = receiver->answer.get_future();
  const Exchange::Bounds bounds{call.deadline, std::nullopt, call.max_body_bytes};
  const auto exchange = std::make_shared<Exchange>(*network_, wire_text(call, network_->server),
                                                   std::move(context), bounds, receiver);
  tell(*network_, exchange, &Exchange::start);
  const std::stop_callback on_stop(stop, CancelOnStop(*network_, exchange));
  return answer.get();
}

Result<StreamAnswer> BeastTransport::open(const HttpCall& call, std::chrono::milliseconds idle,
                                          const std::stop_token& stop) {
  RETURN_IF_ERROR(check_headers(call));
  ASSIGN_OR_RETURN(auto context, network_->context_for(call.tls));
  const auto receiver = std::make_shared<StreamReceiver>();
  auto answer = receiver->answer.get_future();
  const Exchange::Bounds bounds{call.deadline, idle, kNoBound};
  auto exchange = std::make_shared<Exchange>(*network_, wire_text(call, network_->server),
                                             std::move(context), bounds, receiver);
  tell(*network_, exchange, &Exchange::start);
  auto lines = std::make_unique<BeastLineStream>(network_, std::move(exchange), receiver, stop);
  ASSIGN_OR_RETURN(HttpResponse head, answer.get());
  const bool is_stream = head.status >= 200 && head.status < 300;
  return StreamAnswer{std::move(head), is_stream ? std::move(lines) : nullptr};
}

}  // namespace gatelift
