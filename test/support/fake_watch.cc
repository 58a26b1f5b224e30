// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "test/support/api_error.h"
#include "test/support/fake_cluster.h"
#include "test/support/selectors.h"

namespace gatelift {
namespace {

// The API server sends a bookmark about every minute.
constexpr std::chrono::seconds kBookmarkInterval{60};

std::string describe_watch(const WatchRequest& request) {
  Request list;
  list.verb = Verb::List;
  list.resource = request.resource;
  list.key.ns = request.ns;
  return "WATCH" + describe(list).substr(4);
}

}  // namespace

/// Reads the store's changes from where it stands. The cluster outlives it.
class FakeWatch : public Watch {
 public:
  FakeWatch(FakeCluster& cluster, WatchRequest request, std::int64_t from,
            std::vector<WatchEvent> first)
      : cluster_(cluster),
        request_(std::move(request)),
        opened_at_(cluster.store_.revision()),
        seen_(from),
        last_event_(cluster.clock_.now()),
        pending_(first.begin(), first.end()) {}

  Result<std::optional<WatchEvent>> next(std::chrono::milliseconds timeout) override {
    std::lock_guard lock(cluster_.mutex_);
    cluster_.crds_.advance();
    if (!pending_.empty()) {
      WatchEvent event = std::move(pending_.front());
      pending_.pop_front();
      return event;
    }
    fake::Collection collection = fake::collection_of(request_.resource);
    std::int64_t broken_at = cluster_.crds_.watches_broken_at(collection);
    bool broken = broken_at > opened_at_;
    ASSIGN_OR_RETURN(auto event, next_change(broken ? broken_at : cluster_.store_.revision()));
    if (event) {
      last_event_ = cluster_.clock_.now();
      return event;
    }
    if (broken) return ended("the server ended the watch");
    if (seen_ < cluster_.store_.compacted()) return ended("too old resource version");
    if (cluster_.clock_.now() - last_event_ >= kBookmarkInterval) return bookmark();
    RETURN_IF_ERROR(cluster_.clock_.sleep(timeout));
    return std::optional<WatchEvent>();
  }

 private:
  tl::unexpected<Error> ended(const std::string& why) {
    return fail(fake::answered(fake::expired(why), describe_watch(request_)));
  }

  std::optional<WatchEvent> bookmark() {
    last_event_ = cluster_.clock_.now();
    seen_ = cluster_.store_.revision();
    Json object = {
        {"metadata", {{"resourceVersion", std::to_string(seen_)}}}
    };
    auto kind = cluster_.kind_at(fake::collection_of(request_.resource));
    object["apiVersion"] = request_.resource.api_version();
    object["kind"] = kind == nullptr ? "" : kind->kind;
    return WatchEvent{WatchEventType::Bookmark, std::move(object)};
  }

  Result<std::optional<WatchEvent>> next_change(std::int64_t until) {
    const auto& changes = cluster_.store_.changes();
    auto it = std::upper_bound(
        changes.begin(), changes.end(), seen_,
        [](std::int64_t seen, const fake::Change& c) { return seen < c.revision; });
    for (; it != changes.end() && it->revision <= until; ++it) {
      seen_ = it->revision;
      if (it->collection != fake::collection_of(request_.resource)) continue;
      if (!request_.ns.empty() && it->key.ns != request_.ns) continue;
      ASSIGN_OR_RETURN(bool wanted, fake::selects("", request_.field_selector, *it->object));
      if (!wanted) continue;
      return std::optional<WatchEvent>(WatchEvent{it->type, seen_object(*it->object)});
    }
    return std::optional<WatchEvent>();
  }

  /// As the version asked for; the raw object when its kind is gone by now.
  Json seen_object(const Json& stored) const {
    auto kind = cluster_.kind_at(fake::collection_of(request_.resource));
    const fake::KindVersion* version =
        kind == nullptr ? nullptr : kind->version(request_.resource.version);
    if (version != nullptr) {
      if (auto object = cluster_.view(*kind, *version, stored)) return *object;
    }
    return stored;
  }

  FakeCluster& cluster_;
  WatchRequest request_;
  std::int64_t opened_at_;
  std::int64_t seen_;
  Time last_event_;
  std::deque<WatchEvent> pending_;
};

Result<std::unique_ptr<Watch>> FakeCluster::watch(const WatchRequest& request) {
  std::lock_guard lock(mutex_);
  crds_.advance();
  Request list;
  list.verb = Verb::List;
  list.resource = request.resource;
  list.key.ns = request.ns;
  list.field_selector = request.field_selector;
  auto refused = [&](const Error& error) {
    return fail(fake::answered(error, describe_watch(request)));
  };
  auto target = resolve(list);
  if (!target) return refused(target.error());
  auto allowed = policy_.authorize("watch", *target->kind, "", list.key);
  if (!allowed) return refused(allowed.error());
  if (auto readable = check_readable(*target->kind); !readable) return refused(readable.error());

  std::vector<WatchEvent> first;
  std::int64_t from = store_.revision();
  if (request.resource_version.empty() || request.resource_version == "0") {
    auto all = FakeCluster::list(*target);
    if (!all) return refused(all.error());
    for (Json& item : (*all)["items"]) {
      item["apiVersion"] = request.resource.api_version();
      item["kind"] = target->kind->kind;
      first.push_back({WatchEventType::Added, std::move(item)});
    }
  } else {
    from = std::stoll(request.resource_version);
    std::int64_t oldest =
        std::max(store_.compacted(), crds_.watches_broken_at(target->collection()));
    if (from < oldest) {
      return refused(fake::expired("too old resource version: " + request.resource_version + " (" +
                                   std::to_string(oldest) + ")"));
    }
  }
  return std::make_unique<FakeWatch>(*this, request, from, std::move(first));
}

}  // namespace gatelift
