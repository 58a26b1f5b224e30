// SPDX-License-Identifier: Apache-2.0
#include "controller/lease_runner.h"

#include <unistd.h>

#include <array>
#include <cstdio>
#include <random>
#include <utility>

namespace gatelift {
namespace {

using std::chrono::steady_clock;

Time wall_now() {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

/// Of the time that others give us, a call may use up to one retry period.
Request request_of(const LeaseSettings& settings, Verb verb) {
  Request request;
  request.verb = verb;
  request.resource = resources::kLeases;
  request.key = {settings.ns, verb == Verb::Create ? std::string() : settings.name};
  request.deadline = settings.renew_deadline / 2;
  return request;
}

/// Between attempts: the retry period, and for those who wait up to 1.2 of it more, so that they do
/// not race in step.
std::chrono::milliseconds pause(const LeaseSettings& settings, bool leading) {
  const std::chrono::milliseconds period = settings.retry_period;
  if (leading) return period;
  static thread_local std::minstd_rand random{std::random_device{}()};
  std::uniform_int_distribution<std::chrono::milliseconds::rep> jitter(0, period.count() * 12 / 10);
  return period + std::chrono::milliseconds(jitter(random));
}

}  // namespace

LeaseRunner::LeaseRunner(Cluster& cluster, LeaseSettings settings,
                         std::function<void(const View&)> changed)
    : cluster_(cluster),
      settings_(settings),
      changed_(std::move(changed)),
      machine_(std::move(settings)) {}

LeaseRunner::~LeaseRunner() = default;

void LeaseRunner::start() {
  thread_ = std::jthread([this](std::stop_token stop) { run(std::move(stop)); });
}

LeaseRunner::View LeaseRunner::view() const {
  const std::lock_guard lock(mutex_);
  return view_locked();
}

LeaseRunner::View LeaseRunner::view_locked() const {
  const auto now = steady_clock::now();
  return {machine_.is_leader(now), machine_.is_lost(now), machine_.other_holder(),
          machine_.other_is_alive(now), problem_};
}

bool LeaseRunner::may_write() const { return view().leading; }

bool LeaseRunner::wait_until_leading(std::stop_token stop) {
  std::unique_lock lock(mutex_);
  wake_.wait(lock, stop, [this] {
    const View view = view_locked();
    return view.leading || view.lost;
  });
  return view_locked().leading;
}

void LeaseRunner::release() {
  if (thread_.joinable()) {
    thread_.request_stop();
    wake_.notify_all();
    thread_.join();
  }
  std::optional<Json> body;
  {
    const std::lock_guard lock(mutex_);
    body = machine_.release(steady_clock::now(), wall_now());
  }
  if (!body) return;
  Request request = request_of(settings_, Verb::Replace);
  request.body = *std::move(body);
  // Nothing depends on it: if it fails, the others wait until the lease runs out.
  static_cast<void>(cluster_.send(request));
}

void LeaseRunner::run(std::stop_token stop) {
  View last;
  while (!stop.stop_requested()) {
    attempt();
    const View now = view();
    const bool differs = now.leading != last.leading || now.lost != last.lost ||
                         now.other_holder != last.other_holder ||
                         now.other_is_alive != last.other_is_alive || now.problem != last.problem;
    if (differs && changed_) changed_(now);
    last = now;
    wake_.notify_all();
    if (now.lost) return;
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, stop, pause(settings_, now.leading), [] { return false; });
  }
}

void LeaseRunner::attempt() {
  LeaseAction action;
  {
    const std::lock_guard lock(mutex_);
    action = machine_.begin(steady_clock::now(), wall_now());
  }
  if (std::holds_alternative<ReadLease>(action)) {
    auto read = cluster_.send(request_of(settings_, Verb::Get));
    const std::lock_guard lock(mutex_);
    std::optional<Json> lease;
    if (read) {
      lease = *std::move(read);
    } else if (!read.error().is(ErrorKind::NotFound)) {
      problem_ = read.error().message;
      return;
    }
    problem_.clear();
    action = machine_.observed(lease, steady_clock::now(), wall_now());
  }
  perform(action);
}

void LeaseRunner::perform(const LeaseAction& action) {
  const auto sent = steady_clock::now();
  if (const auto* created = std::get_if<CreateLease>(&action)) {
    Request request = request_of(settings_, Verb::Create);
    request.body = created->body;
    write(std::move(request), sent);
  } else if (const auto* replaced = std::get_if<ReplaceLease>(&action)) {
    Request request = request_of(settings_, Verb::Replace);
    request.body = replaced->body;
    write(std::move(request), sent);
  }
}

void LeaseRunner::write(Request request, LeaseMachine::Instant sent) {
  const auto answer = cluster_.send(request);
  const std::lock_guard lock(mutex_);
  if (answer) {
    problem_.clear();
    machine_.accepted(*answer, sent);
    return;
  }
  machine_.refused();
  const bool lost_a_race =
      answer.error().is(ErrorKind::Conflict) || answer.error().is(ErrorKind::AlreadyExists);
  problem_ = lost_a_race ? std::string() : answer.error().message;
}

std::string lease_identity() {
  std::array<char, 256> host{};
  if (gethostname(host.data(), host.size() - 1) != 0 || host[0] == '\0') {
    std::snprintf(host.data(), host.size(), "unknown");
  }
  std::random_device random;
  std::array<char, 40> suffix{};
  std::snprintf(suffix.data(), suffix.size(), "%08x-%08x", random(), random());
  return std::string(host.data()) + "_" + suffix.data();
}

}  // namespace gatelift
