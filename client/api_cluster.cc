// SPDX-License-Identifier: Apache-2.0
#include "client/api_cluster.h"

#include <algorithm>
#include <condition_variable>
#include <optional>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "client/beast_transport.h"
#include "client/cpprest_transport.h"
#include "client/response.h"
#include "client/retry.h"
#include "client/watch_decoder.h"

namespace gatelift {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kMaxObjectBytes = 16U << 20U;
constexpr std::size_t kMaxListBytes = 64U << 20U;  // a page of 500 objects has 1 to 8 MB
constexpr std::size_t kMaxWarnings = 256;
// A watch ends after this, so that its load moves to other API servers in time (client-go does the
// same), and is taken for dead when nothing came for longer: bookmarks come about every minute.
constexpr std::chrono::seconds kMinWatchTime{240};
constexpr std::chrono::seconds kWatchTimeSpread{60};
constexpr std::chrono::seconds kWatchGrace{30};

// A refusal this soon after the API server has shown that it knows the roles is one of theirs, or
// of admission.
constexpr std::chrono::seconds kRolesStayKnown{1};

Request permission_question() {
  Request question;
  question.verb = Verb::Create;
  question.resource = resources::kSelfSubjectAccessReviews;
  question.body["apiVersion"] = "authorization.k8s.io/v1";
  question.body["kind"] = "SelfSubjectAccessReview";
  question.body["spec"]["resourceAttributes"] = Json{
      {"verb",     "get" },
      {"resource", "pods"}
  };
  return question;
}

std::string default_user_agent() {
#if defined(__aarch64__)
  return "gatelift/" GATELIFT_VERSION " (linux/arm64)";
#else
  return "gatelift/" GATELIFT_VERSION " (linux/amd64)";
#endif
}

/// From [0, 1).
double random_share() {
  thread_local std::minstd_rand generator(std::random_device{}());
  return std::uniform_real_distribution<double>(0, 1)(generator);
}

/// False when a stop was asked for meanwhile.
bool sleep_unless_stopped(std::chrono::milliseconds duration, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, stop, duration, [] { return false; });
  return !stop.stop_requested();
}

/// What a server said that denies everything. It has not looked at the call.
Error starting(Error error) {
  error.kind = ErrorKind::Unavailable;
  error.not_sent = true;
  error.message += "; the server denies everything, as one does that has just started";
  return error;
}

Error cancelled(const Request& request) {
  Error error;
  error.kind = ErrorKind::Cancelled;
  error.message = describe(request) + ": cancelled";
  return error;
}

class ApiWatch : public Watch {
 public:
  ApiWatch(std::unique_ptr<LineStream> lines, std::string call)
      : lines_(std::move(lines)), call_(std::move(call)) {}

  Result<std::optional<WatchEvent>> next(std::chrono::milliseconds timeout) override {
    auto line = lines_->next_line(timeout);
    if (!line) return fail(wrap(std::move(line).error(), call_));
    if (!*line) return std::optional<WatchEvent>();
    ASSIGN_OR_RETURN(WatchEvent event, decode_watch_line(**line, call_));
    return std::optional<WatchEvent>(std::move(event));
  }

 private:
  std::unique_ptr<LineStream> lines_;
  std::string call_;
};

/// Hands out the calls of a batch and takes their answers, one thread at a time.
class BatchTurn {
 public:
  BatchTurn(const Batch& batch, const std::stop_token& stop) : batch_(batch), stop_(stop) {}

  /// The next call to send, or nullopt when none is left.
  std::optional<std::pair<std::size_t, Request>> next() {
    const std::lock_guard lock(mutex_);
    for (; next_ < batch_.size && stop_.stop_requested(); ++next_) {
      batch_.done(next_, fail(ErrorKind::Cancelled, "not sent: a stop was asked for"));
    }
    if (next_ == batch_.size) return std::nullopt;
    const std::size_t i = next_++;
    return std::pair(i, batch_.request(i));
  }

  void done(std::size_t i, Result<Json> answer) {
    const std::lock_guard lock(mutex_);
    batch_.done(i, std::move(answer));
  }

 private:
  const Batch& batch_;
  const std::stop_token& stop_;
  std::mutex mutex_;
  std::size_t next_ = 0;
};

}  // namespace

ApiCluster::ApiCluster(Endpoint endpoint, ApiClusterOptions options)
    : endpoint_(std::move(endpoint)), options_(std::move(options)) {
  const TlsPeer peer = peer_of(endpoint_);
  if (options_.backend == HttpBackend::Cpprest &&
      CpprestTransport::can_reach(endpoint_.server, peer)) {
    calls_ = std::make_shared<CpprestTransport>(endpoint_.server, peer);
  }
  streams_ = std::make_shared<BeastTransport>(endpoint_.server, peer);
}

ApiCluster::~ApiCluster() = default;

Result<std::unique_ptr<ApiCluster>> ApiCluster::connect(Endpoint endpoint,
                                                        ApiClusterOptions options) {
  const std::string origin = endpoint.origin;
  if (options.user_agent.empty()) options.user_agent = default_user_agent();
  auto identity = endpoint.identity->current();
  if (!identity) return fail(wrap(std::move(identity).error(), origin));
  if (endpoint.server.is_tls) {
    if (auto tls = TlsIdentity::parse(*identity->tls); !tls) {
      return fail(wrap(std::move(tls).error(), origin));
    }
  }
  return std::unique_ptr<ApiCluster>(new ApiCluster(std::move(endpoint), std::move(options)));
}

Result<std::shared_ptr<Transport>> ApiCluster::transport_for(const Request& request) {
  if (!request.server.empty()) return transport_to(request.server);
  if (request.fresh_connection) {
    return std::shared_ptr<Transport>(
        std::make_shared<BeastTransport>(endpoint_.server, peer_of(endpoint_)));
  }
  const bool is_single = request.verb != Verb::List && is_repeatable(request);
  return calls_ && is_single ? calls_ : std::shared_ptr<Transport>(streams_);
}

/// It has to prove itself by the name that all of them are known by.
Result<std::shared_ptr<Transport>> ApiCluster::transport_to(const std::string& server) {
  const std::lock_guard lock(others_mutex_);
  std::shared_ptr<Transport>& found = others_[server];
  if (found == nullptr) {
    const char* scheme = endpoint_.server.is_tls ? "https://" : "http://";
    ASSIGN_OR_RETURN(ServerUrl url, parse_server_url(scheme + server));
    url.path = endpoint_.server.path;
    found = std::make_shared<BeastTransport>(std::move(url), peer_of(endpoint_));
  }
  return found;
}

Error ApiCluster::locate(const Request& request, Error error) const {
  if (error.http_status != 0) return error;  // answers name their call themselves
  const std::string server = request.server.empty() ? endpoint_.server.authority() : request.server;
  return wrap(std::move(error), describe(request) + ": server " + server);
}

HttpCall ApiCluster::prepare(const Request& request, HttpRequest http,
                             const Attempt& attempt) const {
  HttpCall call;
  call.request = std::move(http);
  call.headers = endpoint_.headers;
  call.headers.emplace_back("User-Agent", options_.user_agent);
  if (!attempt.identity.authorization.empty()) {
    call.headers.emplace_back("Authorization", attempt.identity.authorization);
  }
  call.tls = attempt.identity.tls;
  call.deadline = attempt.deadline;
  call.max_body_bytes = request.verb == Verb::List ? kMaxListBytes : kMaxObjectBytes;
  return call;
}

void ApiCluster::report_warnings(const HttpResponse& response) {
  if (!options_.on_warning) return;
  for (const std::string& text : warnings_of(response)) {
    {
      const std::lock_guard lock(warnings_mutex_);
      if (warnings_.size() >= kMaxWarnings || !warnings_.insert(text).second) continue;
    }
    options_.on_warning(text);
  }
}

/// An API server answers before it has read the roles, for some seconds when the machine is busy,
/// and then denies everything, also what every account may do (system:basic-user): to ask what it
/// may do. Such a refusal is nothing for a person to see to, and nothing to roll a run back for.
bool ApiCluster::knows_roles(const Request& request, const Attempt& attempt) {
  Request question = permission_question();
  question.server = request.server;
  const auto answer = send_once(question, attempt);
  const bool is_denied = !answer && (answer.error().is(ErrorKind::Forbidden) ||
                                     answer.error().is(ErrorKind::Unavailable));
  if (!is_denied && request.server.empty()) roles_known_ = SteadyClock::now();
  return !is_denied;
}

bool ApiCluster::knew_roles_at(const Request& request, SteadyClock::time_point time) const {
  if (!request.server.empty()) return false;
  const auto since = time - roles_known_.load();
  return since >= SteadyClock::duration::zero() && since < kRolesStayKnown;
}

template <typename T>
Result<T> ApiCluster::repeat(const Request& request,
                             const std::function<Result<T>(const Attempt&)>& once) {
  const auto deadline = SteadyClock::now() + request.deadline.value_or(options_.deadline);
  bool has_reread = false;
  bool knew_roles = false;
  for (int attempts = 1;; ++attempts) {
    if (options_.stop.stop_requested()) return fail(cancelled(request));
    auto identity = endpoint_.identity->current();
    if (!identity) return fail(wrap(std::move(identity).error(), describe(request)));
    const Attempt attempt{*std::move(identity), deadline};
    const auto sent_at = SteadyClock::now();
    auto answer = once(attempt);
    if (answer) return answer;
    knew_roles = knew_roles || knew_roles_at(request, sent_at);
    if (answer.error().is(ErrorKind::Forbidden) && !knew_roles) {
      knew_roles = knows_roles(request, attempt);
      if (knew_roles) continue;  // by now: what it said before does not count
      answer = fail(starting(std::move(answer).error()));
    }
    const Error& error = answer.error();
    const bool is_unauthorized = error.is(ErrorKind::Unauthorized);
    // After a TLS failure too: the CA may have been renewed.
    if (is_unauthorized || error.reason == kTlsFailure)
      endpoint_.identity->refuse(attempt.identity);
    if (is_unauthorized && !std::exchange(has_reread, true)) continue;
    const auto delay = retry_delay(request, error, attempts, random_share());
    if (!delay || SteadyClock::now() + *delay >= deadline) return answer;
    if (!sleep_unless_stopped(*delay, options_.stop)) return fail(cancelled(request));
  }
}

Result<Json> ApiCluster::send_once(const Request& request, const Attempt& attempt) {
  const HttpCall call = prepare(request, http_request_of(request), attempt);
  const std::stop_token stop = is_write(request.verb) ? std::stop_token() : options_.stop;
  ASSIGN_OR_RETURN(const std::shared_ptr<Transport> transport, transport_for(request));
  auto response = transport->call(call, stop);
  if (!response) return fail(locate(request, std::move(response).error()));
  report_warnings(*response);
  if (request.as_text) return read_text(*response, describe(request));
  return read_response(*response, describe(request));
}

Result<Json> ApiCluster::send(const Request& request) {
  RETURN_IF_ERROR(check_request(request));
  return repeat<Json>(request, [&](const Attempt& attempt) { return send_once(request, attempt); });
}

void ApiCluster::send_each(const Batch& batch, int in_flight) {
  BatchTurn turn(batch, options_.stop);
  const auto work = [&] {
    while (auto call = turn.next()) turn.done(call->first, send(call->second));
  };
  const std::size_t num_threads =
      std::min(batch.size, static_cast<std::size_t>(std::max(in_flight, 1)));
  std::vector<std::jthread> others;
  for (std::size_t i = 1; i < num_threads; ++i) others.emplace_back(work);
  work();
}

Result<std::unique_ptr<Watch>> ApiCluster::open_watch(const Request& call, const HttpRequest& http,
                                                      std::chrono::seconds server_timeout,
                                                      const Attempt& attempt) {
  auto answer =
      streams_->open(prepare(call, http, attempt), server_timeout + kWatchGrace, options_.stop);
  if (!answer) return fail(locate(call, std::move(answer).error()));
  const std::string name = "WATCH " + describe(call).substr(std::string_view("LIST ").size());
  if (answer->lines) {
    return std::unique_ptr<Watch>(std::make_unique<ApiWatch>(std::move(answer->lines), name));
  }
  auto refusal = read_response(answer->head, name);
  if (!refusal) return fail(std::move(refusal).error());
  return fail(ErrorKind::Internal, name + ": the answer is not a stream");
}

Result<std::unique_ptr<Watch>> ApiCluster::watch(const WatchRequest& request) {
  Request call;  // for its name and for the rules of repetition
  call.verb = Verb::List;
  call.resource = request.resource;
  call.key.ns = request.ns;
  const auto spread = random_share() * static_cast<double>(kWatchTimeSpread.count());
  const auto server_timeout =
      kMinWatchTime + std::chrono::seconds(static_cast<std::chrono::seconds::rep>(spread));
  HttpRequest http;
  http.method = "GET";
  http.target = target_of(request, server_timeout);
  http.accept = "application/json";
  return repeat<std::unique_ptr<Watch>>(call, [&](const Attempt& attempt) {
    return open_watch(call, http, server_timeout, attempt);
  });
}

}  // namespace gatelift
