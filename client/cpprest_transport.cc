// SPDX-License-Identifier: Apache-2.0
// cpprest's tasks end in a Pending that the caller waits for with a deadline. A task that failed
// and was never looked at would end the process, so that every chain ends in a continuation that
// looks. Cancelling is done on the pool's only thread: from any other it races with a TLS operation
// under way.
#include <utility>  // Boost 1.74 forgets it

#include "client/cpprest_transport.h"

#include <cpprest/http_client.h>
#include <pplx/threadpool.h>

#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <optional>

namespace gatelift {
namespace {

using HttpClient = web::http::client::http_client;

// Per leg (connect, handshake, each block); the total is the call's deadline.
constexpr std::chrono::seconds kLegTimeout{80};
// How long a cancelled call may take to end before its caller stops waiting; only a name lookup
// takes longer.
constexpr std::chrono::seconds kCancellationGrace{2};

/// Thrown into http_client from its progress callback, which is the one way to stop a body that is
/// too large.
struct BodyTooLarge {};

/// Where a call's outcome arrives. Outlives the caller when it has given up.
class Pending {
 public:
  void set(Result<HttpResponse> outcome) {
    const std::lock_guard lock(mutex_);
    outcome_ = std::move(outcome);
    arrived_.notify_all();
  }

  bool wait_until(std::chrono::steady_clock::time_point time) {
    std::unique_lock lock(mutex_);
    return arrived_.wait_until(lock, time, [&] { return outcome_.has_value() || is_stopped_; });
  }

  void stop() {
    const std::lock_guard lock(mutex_);
    is_stopped_ = true;
    arrived_.notify_all();
  }

  bool is_stopped() {
    const std::lock_guard lock(mutex_);
    return is_stopped_;
  }

  std::optional<Result<HttpResponse>> wait_for_outcome(std::chrono::milliseconds duration) {
    std::unique_lock lock(mutex_);
    arrived_.wait_for(lock, duration, [&] { return outcome_.has_value(); });
    return std::exchange(outcome_, std::nullopt);
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::optional<Result<HttpResponse>> outcome_;
  bool is_stopped_ = false;
};

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

/// http_client mixes values of several error categories in one, so that the text has to help.
Error error_of(const web::http::http_exception& exception, TlsRefusal& refusal) {
  const std::string_view what = exception.what();
  if (contains(what, "Error resolving")) return transport_error(Fault::Resolve, Sent::No, "");
  if (contains(what, "Failed to connect")) return transport_error(Fault::Connect, Sent::No, "");
  if (contains(what, "SSL handshake")) {
    return transport_error(Fault::Tls, Sent::No, refusal.take());
  }
  switch (exception.error_code().value()) {
    case 110:
      return transport_error(Fault::Timeout, Sent::Maybe, "");
    case 125:
      return transport_error(Fault::Cancelled, Sent::Maybe, "");
    case 1:
    case 2:
    case 32:
    case 104:
      return transport_error(Fault::Truncated, Sent::Maybe, what);
    case 0:
      return transport_error(Fault::Protocol, Sent::Maybe, what);
    default:
      return transport_error(Fault::Io, Sent::Maybe, what);
  }
}

web::http::http_request to_cpprest(const HttpCall& call, const std::string& path) {
  const HttpRequest& request = call.request;
  web::http::http_request out(request.method);
  out.set_request_uri(web::uri(path + request.target));
  out.headers().add("Accept", request.accept);
  for (const auto& [name, value] : call.headers) out.headers().add(name, value);
  if (!request.content_type.empty()) out.set_body(request.body, request.content_type);
  out.set_progress_handler(
      [limit = call.max_body_bytes](web::http::message_direction::direction direction,
                                    utility::size64_t bytes) {
        if (direction == web::http::message_direction::download && bytes > limit)
          throw BodyTooLarge();
      });
  return out;
}

HttpResponse from_cpprest(const web::http::http_response& response, std::string body) {
  HttpResponse out;
  out.status = response.status_code();
  for (const auto& [name, value] : response.headers()) out.headers.emplace_back(name, value);
  out.body = std::move(body);
  return out;
}

pplx::task<HttpResponse> read_body(const web::http::http_response& response) {
  return response.extract_utf8string(true).then(
      [response](std::string body) { return from_cpprest(response, std::move(body)); });
}

Result<HttpResponse> outcome_of(const pplx::task<HttpResponse>& task, TlsRefusal& refusal) {
  try {
    return task.get();
  } catch (const web::http::http_exception& exception) {
    return fail(error_of(exception, refusal));
  } catch (const BodyTooLarge&) {
    return fail(transport_error(Fault::TooLarge, Sent::Maybe, ""));
  } catch (const pplx::task_canceled&) {
    return fail(transport_error(Fault::Cancelled, Sent::Maybe, ""));
  } catch (const std::exception& exception) {
    return fail(transport_error(Fault::Protocol, Sent::Maybe, exception.what()));
  }
}

constexpr const char* kNoRoots = "/nonexistent/gatelift-trusts-the-cluster-ca-only";

/// Written once by prepare_process(), before any thread.
std::vector<ChangedVariable>& changes() {
  static std::vector<ChangedVariable> instance;
  return instance;
}

void cancel_on_pool(const pplx::cancellation_token_source& source) {
  crossplat::threadpool::shared_instance().service().post([source] { source.cancel(); });
}

}  // namespace

void prepare_process() {
  static std::once_flag once;
  std::call_once(once, [] {
    for (const char* name : {"SSL_CERT_FILE", "SSL_CERT_DIR"}) {
      const char* before = std::getenv(name);
      changes().push_back(
          {name, before == nullptr ? std::nullopt : std::optional<std::string>(before)});
      ::setenv(name, kNoRoots, 1);
    }
    try {
      crossplat::threadpool::initialize_with_threads(1);
    } catch (const std::exception&) {
      // The pool was started by somebody else; it works with its own number of threads.
    }
    // Made on first use otherwise, by whichever thread comes first, behind a lock that TSan cannot
    // see in a library that it has not compiled.
    static_cast<void>(pplx::get_ambient_scheduler());
  });
}

std::vector<ChangedVariable> changed_variables() { return changes(); }

/// One http_client per set of certificates, since it is told these once.
class CpprestTransport::Client {
 public:
  Client(ServerUrl server, TlsPeer peer) : server_(std::move(server)), peer_(std::move(peer)) {}

  Result<std::shared_ptr<HttpClient>> get(const std::shared_ptr<const TlsMaterial>& material) {
    const std::lock_guard lock(mutex_);
    if (http_ && material == material_) return http_;
    ASSIGN_OR_RETURN(auto identity, TlsIdentity::parse(*material));
    web::http::client::http_client_config config;
    config.set_timeout(kLegTimeout);
    config.set_max_redirects(0);
    config.set_validate_certificates(true);
    config.set_tlsext_sni_enabled(!peer_.is_ip);
    config.set_ssl_context_callback(
        [identity, peer = peer_, refusal = refusal_](boost::asio::ssl::context& context) {
          identity->configure(context.native_handle(), peer);
          note_refusals(context.native_handle(), refusal);
        });
    material_ = material;
    http_ = std::make_shared<HttpClient>(web::uri("https://" + server_.authority()), config);
    return http_;
  }

  const std::string& path() const { return server_.path; }
  const std::shared_ptr<TlsRefusal>& refusal() const { return refusal_; }

 private:
  const ServerUrl server_;
  const TlsPeer peer_;
  const std::shared_ptr<TlsRefusal> refusal_ = std::make_shared<TlsRefusal>();
  std::mutex mutex_;
  std::shared_ptr<const TlsMaterial> material_;
  std::shared_ptr<HttpClient> http_;
};

bool CpprestTransport::can_reach(const ServerUrl& server, const TlsPeer& peer) {
  return server.is_tls && !server.is_ipv6 && peer.is_verified && peer.name == server.host;
}

CpprestTransport::CpprestTransport(ServerUrl server, TlsPeer peer)
    : client_(std::make_unique<Client>(std::move(server), std::move(peer))) {
  prepare_process();
}

CpprestTransport::~CpprestTransport() = default;

Result<HttpResponse> CpprestTransport::call(const HttpCall& call, const std::stop_token& stop) {
  RETURN_IF_ERROR(check_headers(call));
  ASSIGN_OR_RETURN(const auto http, client_->get(call.tls));
  const auto pending = std::make_shared<Pending>();
  const auto refusal = client_->refusal();
  const pplx::cancellation_token_source source;
  try {
    http->request(to_cpprest(call, client_->path()), source.get_token())
        .then(read_body)
        .then([pending, refusal, http](const pplx::task<HttpResponse>& task) {
          pending->set(outcome_of(task, *refusal));
        });
  } catch (const std::exception& exception) {  // web::uri_exception
    return fail(ErrorKind::Invalid, std::string("not sent: ") + exception.what());
  }
  const std::stop_callback on_stop(stop, [&] { pending->stop(); });
  const bool is_in_time = pending->wait_until(call.deadline);
  if (is_in_time && !pending->is_stopped()) {
    if (auto outcome = pending->wait_for_outcome(std::chrono::milliseconds(0))) return *outcome;
  }
  cancel_on_pool(source);
  auto outcome = pending->wait_for_outcome(kCancellationGrace);
  if (outcome && *outcome) return *outcome;  // it came all the same
  const Sent sent = outcome && outcome->error().not_sent ? Sent::No : Sent::Maybe;
  return fail(transport_error(is_in_time ? Fault::Cancelled : Fault::Timeout, sent, ""));
}

}  // namespace gatelift
