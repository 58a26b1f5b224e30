// SPDX-License-Identifier: Apache-2.0
#include "test/support/fault_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstdlib>

namespace gatelift::testing {
namespace {

using Clock = std::chrono::steady_clock;

X509* read_certificate(const std::string& pem) {
  BIO* bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  X509* certificate = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
  BIO_free(bio);
  return certificate;
}

SSL_CTX* make_context(const FaultServer::Options& options) {
  if (!options.certificate) return nullptr;
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  X509* certificate = read_certificate(options.certificate->certificate);
  BIO* bio = BIO_new_mem_buf(options.certificate->key.data(),
                             static_cast<int>(options.certificate->key.size()));
  EVP_PKEY* key = PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
  BIO_free(bio);
  SSL_CTX_use_certificate(context, certificate);
  SSL_CTX_use_PrivateKey(context, key);
  X509_free(certificate);
  EVP_PKEY_free(key);
  if (!options.client_ca.empty()) {
    X509* ca = read_certificate(options.client_ca);
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context), ca);
    X509_free(ca);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  return context;
}

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

SeenRequest parse_head(const std::string& head) {
  SeenRequest request;
  const std::size_t first_line = head.find("\r\n");
  const std::size_t method_end = head.find(' ');
  const std::size_t target_end = head.find(' ', method_end + 1);
  request.method = head.substr(0, method_end);
  request.target = head.substr(method_end + 1, target_end - method_end - 1);
  for (std::size_t at = first_line + 2; at < head.size();) {
    const std::size_t end = head.find("\r\n", at);
    const std::size_t colon = head.find(':', at);
    if (end == std::string::npos || end == at || colon == std::string::npos) break;
    const std::size_t value = std::min(head.find_first_not_of(' ', colon + 1), end);
    request.headers[lower(head.substr(at, colon - at))] = head.substr(value, end - value);
    at = end + 2;
  }
  return request;
}

/// One accepted socket, plain or with TLS, non-blocking underneath: every wait also waits for the
/// server's end.
class Wire : public Reply {
 public:
  Wire(int socket, int stop_event, SSL_CTX* context) : socket_(socket), stop_event_(stop_event) {
    const int on = 1;
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::fcntl(socket_, F_SETFL, O_NONBLOCK);
    if (context == nullptr) return;
    ssl_ = SSL_new(context);
    SSL_set_fd(ssl_, socket_);
  }
  ~Wire() override {
    SSL_free(ssl_);
    if (socket_ >= 0) ::close(socket_);
  }
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  bool shake_hands() {
    return ssl_ == nullptr || repeat([&] { return SSL_accept(ssl_); }) > 0;
  }

  std::optional<SeenRequest> read_request() {
    std::size_t end = std::string::npos;
    while ((end = input_.find("\r\n\r\n")) == std::string::npos) {
      if (!read_more()) return std::nullopt;
    }
    SeenRequest request = parse_head(input_.substr(0, end + 2));
    input_.erase(0, end + 4);
    const auto length = request.headers.find("content-length");
    const std::size_t size = length == request.headers.end() ? 0 : std::stoul(length->second);
    while (input_.size() < size) {
      if (!read_more()) return std::nullopt;
    }
    request.body = input_.substr(0, size);
    input_.erase(0, size);
    return request;
  }

  bool is_open() const { return is_open_; }

  bool raw(std::string_view bytes) override {
    while (is_open_ && !bytes.empty()) {
      const long count = repeat([&] {
        return ssl_ != nullptr
                   ? SSL_write(ssl_, bytes.data(),
                               static_cast<int>(std::min<std::size_t>(bytes.size(), 1U << 20U)))
                   : static_cast<int>(::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL));
      });
      if (count <= 0) return is_open_ = false;
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return is_open_;
  }

  bool pause(std::chrono::milliseconds duration) override {
    const auto end = Clock::now() + duration;
    while (is_open_) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
      if (left.count() <= 0) return true;
      // Only the end of the client is of interest, not what it may send.
      if (wait(POLLRDHUP, static_cast<int>(std::min<long>(left.count(), 1000)))) is_open_ = false;
    }
    return false;
  }

  void close() override {
    if (ssl_ != nullptr && is_open_) SSL_shutdown(ssl_);
    abort();
  }
  void abort() override {
    is_open_ = false;
    ::shutdown(socket_, SHUT_WR);
  }
  void reset() override {
    is_open_ = false;
    const linger now{1, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    ::close(socket_);
    socket_ = -1;
  }

  /// After a close: waits until the client has read it, so that the kernel does not turn it into a
  /// reset.
  void drain() {
    std::array<char, 4096> chunk{};
    while (socket_ >= 0 && wait(POLLIN, 2000) && !is_stopped_ &&
           ::recv(socket_, chunk.data(), chunk.size(), 0) > 0) {
    }
  }

 private:
  /// True when the socket has the event or is broken, or the server stops.
  bool wait(short events, int timeout_ms) {
    std::array<pollfd, 2> fds{
        {{socket_, events, 0}, {stop_event_, POLLIN, 0}}
    };
    ::poll(fds.data(), fds.size(), timeout_ms);
    is_stopped_ = is_stopped_ || fds[1].revents != 0;
    return fds[0].revents != 0 || is_stopped_;
  }

  template <typename Operation>
  int repeat(const Operation& operation) {
    while (true) {
      ERR_clear_error();
      const int count = operation();
      if (count > 0) return count;
      short events = 0;
      if (ssl_ != nullptr) {
        const int error = SSL_get_error(ssl_, count);
        if (error == SSL_ERROR_WANT_READ) events = POLLIN;
        if (error == SSL_ERROR_WANT_WRITE) events = POLLOUT;
      } else if (count < 0 && errno == EAGAIN) {
        events = POLLIN | POLLOUT;
      }
      if (events == 0) return -1;
      if (ssl_ == nullptr) events = is_reading_ ? POLLIN : POLLOUT;
      wait(events, 10'000);
      if (is_stopped_) return -1;
    }
  }

  bool read_more() {
    std::array<char, 16384> chunk{};
    is_reading_ = true;
    const int count = repeat([&] {
      return ssl_ != nullptr ? SSL_read(ssl_, chunk.data(), static_cast<int>(chunk.size()))
                             : static_cast<int>(::recv(socket_, chunk.data(), chunk.size(), 0));
    });
    is_reading_ = false;
    if (count <= 0) return is_open_ = false;
    input_.append(chunk.data(), static_cast<std::size_t>(count));
    return true;
  }

  int socket_;
  const int stop_event_;
  SSL* ssl_ = nullptr;
  std::string input_;
  bool is_open_ = true;
  bool is_reading_ = false;
  bool is_stopped_ = false;
};

int listen_on_loopback(bool use_ipv6) {
  const int socket = ::socket(use_ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int bound = -1;
  if (use_ipv6) {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_addr = in6addr_loopback;
    bound = ::bind(socket, reinterpret_cast<sockaddr*>(&address), sizeof address);
  } else {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bound = ::bind(socket, reinterpret_cast<sockaddr*>(&address), sizeof address);
  }
  if (bound != 0 || ::listen(socket, 128) != 0) std::abort();
  return socket;
}

int port_of(int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
  // The port stands at the same place for both families.
  return ntohs(reinterpret_cast<sockaddr_in*>(&address)->sin_port);
}

}  // namespace

struct FaultServer::State {
  Options options;
  Handler handler;
  SSL_CTX* context = nullptr;
  int listener = -1;
  int stop_event = -1;
  mutable std::mutex mutex;
  std::vector<SeenRequest> seen;
  int num_connections = 0;
  std::vector<std::thread> connections;
  std::thread acceptor;

  void accept_all() {
    while (true) {
      std::array<pollfd, 2> fds{
          {{listener, POLLIN, 0}, {stop_event, POLLIN, 0}}
      };
      ::poll(fds.data(), fds.size(), -1);
      if (fds[1].revents != 0) return;
      const int socket = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
      if (socket < 0) continue;
      const std::lock_guard lock(mutex);
      connections.emplace_back(
          [this, socket, number = ++num_connections] { serve(socket, number); });
    }
  }

  void serve(int socket, int number) {
    Wire wire(socket, stop_event, context);
    if (options.skips_handshake) return wire.stall();
    if (!wire.shake_hands()) return wire.drain();
    while (wire.is_open()) {
      auto request = wire.read_request();
      if (!request) return;
      request->connection = number;
      {
        const std::lock_guard lock(mutex);
        request->number = static_cast<int>(seen.size()) + 1;
        seen.push_back(*request);
      }
      handler(*request, wire);
    }
    wire.drain();
  }
};

void Reply::respond(int status, std::string_view body, std::string_view headers) {
  std::string text = "HTTP/1.1 " + std::to_string(status) + " X\r\n";
  text.append(headers);
  text += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
  text.append(body);
  raw(text);
}

FaultServer::FaultServer(Options options, Handler handler) : state_(std::make_unique<State>()) {
  std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes without MSG_NOSIGNAL
  state_->options = std::move(options);
  state_->handler = std::move(handler);
  state_->context = make_context(state_->options);
  state_->listener = listen_on_loopback(state_->options.use_ipv6);
  state_->stop_event = ::eventfd(0, EFD_CLOEXEC);
  state_->acceptor = std::thread([this] { state_->accept_all(); });
}

FaultServer::~FaultServer() {
  ::eventfd_write(state_->stop_event, 1);
  state_->acceptor.join();
  for (std::thread& connection : state_->connections) connection.join();
  ::close(state_->listener);
  ::close(state_->stop_event);
  SSL_CTX_free(state_->context);
}

int FaultServer::port() const { return port_of(state_->listener); }

int FaultServer::num_connections() const {
  const std::lock_guard lock(state_->mutex);
  return state_->num_connections;
}

std::vector<SeenRequest> FaultServer::seen() const {
  const std::lock_guard lock(state_->mutex);
  return state_->seen;
}

}  // namespace gatelift::testing
