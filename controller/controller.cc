// SPDX-License-Identifier: Apache-2.0
#include "controller/controller.h"

#include <set>
#include <thread>

#include "reconcilers/migration_json.h"

namespace gatelift {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::milliseconds kWatchTick{1000};

const char* outcome_text(PassOutcome outcome) {
  switch (outcome) {
    case PassOutcome::Progressed:
      return "Progressed";
    case PassOutcome::Waiting:
      return "Waiting";
    case PassOutcome::Finished:
      return "Finished";
    case PassOutcome::Gone:
      return "Gone";
  }
  return "";
}

}  // namespace

void Controller::run(std::stop_token stop) {
  // Its own stop source: the watch ends also when this thread stops for another reason than `stop`.
  std::jthread watcher([this](std::stop_token own) { watch(std::move(own)); });
  const std::stop_callback forward(stop, [&watcher] { watcher.request_stop(); });
  const bool leads = !parts_.wait_until_leading || parts_.wait_until_leading(stop);
  if (leads) work(std::move(stop));
}

// Watching.

void Controller::watch(std::stop_token stop) {
  while (!stop.stop_requested()) {
    const auto version = list();
    if (version) {
      synced_ = true;
      const auto ended = follow(*version, stop);
      if (stop.stop_requested()) return;
      // The regular end of a watch, several times an hour: nothing to tell.
      if (ended || ended.error().is(ErrorKind::Expired)) continue;
      parts_.log.warn("the watch broke off", {
                                                 {"error", ended.error().message}
      });
    } else if (!stop.stop_requested()) {
      const bool no_crd = version.error().is(ErrorKind::NotFound);
      parts_.log.warn(no_crd ? "the GatewayAPIMigration CRD is not installed; apply manifests/crd"
                             : "listing migrations failed",
                      {
                          {"error", version.error().message}
      });
    }
    pause(stop, parts_.relist_delay);
  }
}

Result<std::string> Controller::list() {
  std::set<std::string> present;
  Request request;
  request.resource = kMigrations;
  ASSIGN_OR_RETURN(std::string version,
                   for_each_object(parts_.cluster, request, [&](Json&& object) -> Result<void> {
                     present.insert(key_of(object).name);
                     saw(object);
                     return {};
                   }));
  std::set<std::string> gone;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, seen] : seen_) {
      if (!present.contains(name)) gone.insert(name);
    }
  }
  for (const std::string& name : gone) saw_deletion(name);
  return version;
}

Result<void> Controller::follow(const std::string& resource_version, std::stop_token stop) {
  ASSIGN_OR_RETURN(const auto watch, parts_.cluster.watch({kMigrations, "", resource_version, ""}));
  while (!stop.stop_requested()) {
    ASSIGN_OR_RETURN(const auto event, watch->next(kWatchTick));
    if (!event) continue;
    switch (event->type) {
      case WatchEventType::Added:
      case WatchEventType::Modified:
        saw(event->object);
        break;
      case WatchEventType::Deleted:
        saw_deletion(key_of(event->object).name);
        break;
      case WatchEventType::Bookmark:
        break;
    }
  }
  return {};
}

void Controller::saw(const Json& object) {
  if (const auto migration = parse_migration(object)) parts_.metrics.migration(*migration);
  const std::string name = key_of(object).name;
  const Seen now{uid_of(object), int_at(object, 0, "metadata", "generation"),
                 annotation_of(object, kRollbackAnnotation), is_being_deleted(object)};
  const std::lock_guard lock(mutex_);
  Seen& before = seen_[name];
  if (before == now) return;
  before = now;
  queue_.forget(name);  // somebody did something about it: no reason to wait out a back-off
  queue_.add(name, steady_clock::now());
  wake_.notify_all();
}

void Controller::saw_deletion(const std::string& name) {
  parts_.metrics.forget(name);
  const std::lock_guard lock(mutex_);
  seen_.erase(name);
  queue_.add(name, steady_clock::now());
  wake_.notify_all();
}

void Controller::pause(std::stop_token stop, std::chrono::milliseconds duration) {
  std::unique_lock lock(mutex_);
  const auto until = steady_clock::now() + duration;
  wake_.wait_until(lock, stop, until, [until] { return steady_clock::now() >= until; });
}

// Working.

void Controller::work(std::stop_token stop) {
  Instant next_housekeeping = steady_clock::now();
  while (!stop.stop_requested()) {
    if (parts_.housekeeping && steady_clock::now() >= next_housekeeping) {
      parts_.housekeeping();
      next_housekeeping = steady_clock::now() + parts_.housekeeping_interval;
    }
    std::optional<std::string> key;
    {
      std::unique_lock lock(mutex_);
      key = queue_.take(steady_clock::now());
      parts_.metrics.queue_depth(queue_.size());
      if (!key) {
        const Instant until =
            std::min(next_housekeeping, queue_.next_due().value_or(next_housekeeping));
        wake_.wait_until(lock, stop, until, [this, until] {
          const auto due = queue_.next_due();
          return due.has_value() && *due < until;
        });
      }
    }
    if (key && !stop.stop_requested()) handle(*key);
  }
}

void Controller::handle(const std::string& key) {
  const auto begin = steady_clock::now();
  const auto result = parts_.reconcile(key);
  parts_.metrics.reconciled(result ? outcome_text(result->outcome) : "Error",
                            steady_clock::now() - begin);
  conclude(key, result);
}

void Controller::conclude(const std::string& key, const Result<ReconcileResult>& result) {
  if (!result && !result.error().is(ErrorKind::Cancelled)) {
    parts_.log.warn("a pass failed and is repeated later",
                    {
                        {"migration", key                   },
                        {"error",     result.error().message}
    });
  }
  const bool news = result && is_news(key, *result);
  const std::lock_guard lock(mutex_);
  const Instant now = steady_clock::now();
  queue_.done(key);
  if (!result) {
    queue_.add_after_failure(key, now);
    return;
  }
  queue_.forget(key);
  if (result->outcome == PassOutcome::Progressed) {
    queue_.add(key, now, result->requeue_after.value_or(WorkQueue::Delay{0}));
    return;
  }
  if (result->requeue_after && result->outcome != PassOutcome::Gone) {
    queue_.add(key, now, *result->requeue_after);
  }
  // Those that waited for this one may go on. Only when it is news: two finished ones would wake
  // each other for ever.
  if (news && result->outcome != PassOutcome::Progressed) {
    for (const auto& [other, seen] : seen_) {
      if (other != key) queue_.add(other, now);
    }
  }
}

/// Tells of a state that a migration was not in before.
bool Controller::is_news(const std::string& key, const ReconcileResult& result) {
  LogFields fields = {
      LogField{"migration", key}
  };
  if (result.outcome == PassOutcome::Gone) {
    told_.erase(key);
    parts_.log.info("migration deleted", fields);
    return true;
  }
  const std::string phase(to_string(result.phase));
  const std::string state = std::string(outcome_text(result.outcome)) + "/" + phase + "/" +
                            result.reason + "/" + result.message;
  std::string& told = told_[key];
  if (told == state) return false;
  told = state;
  fields.push_back({"phase", phase});
  if (!result.reason.empty()) fields.push_back({"reason", result.reason});
  if (!result.message.empty()) fields.push_back({"message", result.message});
  if (result.stalled) {
    parts_.log.warn("migration needs a person", fields);
  } else {
    parts_.log.info(result.outcome == PassOutcome::Finished ? "migration finished" : "migration",
                    fields);
  }
  return true;
}

}  // namespace gatelift
