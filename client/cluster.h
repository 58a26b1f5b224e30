// SPDX-License-Identifier: Apache-2.0
// The cluster as the reconcilers see it: calls in, answers out. There is a real one (ApiCluster), decorators over it
// (dry run, counting, fault injection) and an in-memory one for tests; all keep to the contract suite in test/contract.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/request.h"

namespace gatelift {

enum class WatchEventType { Added, Modified, Deleted, Bookmark };

struct WatchEvent {
  WatchEventType type = WatchEventType::Added;
  Json object;  // for Deleted: the last state
};

/// An open watch. Used by one thread; destroying it ends the watch.
class Watch {
 public:
  virtual ~Watch() = default;

  /// Waits up to `timeout` for the next event; nullopt when none came in that time. A watch that the server ended
  /// answers Expired: list again and open another (Kubernetes API concepts, "Efficient detection of changes").
  virtual Result<std::optional<WatchEvent>> next(std::chrono::milliseconds timeout) = 0;
};

struct WatchRequest {
  Resource resource;
  std::string ns;                // "" for all namespaces
  std::string resource_version;  // from the list that the watch continues
  std::string field_selector;
};

/// Many calls that do not depend on each other. `request(i)` is asked for once per call, in order of i, just before it
/// is sent; `done(i, answer)` is called once per call, in any order. Neither is ever called twice at once, but they may
/// be called on other threads than the caller's.
struct Batch {
  std::size_t size = 0;
  std::function<Request(std::size_t)> request;
  std::function<void(std::size_t, Result<Json>)> done;
};

class Cluster {
 public:
  virtual ~Cluster() = default;

  /// Sends one call and waits for its answer: the object, the list, or the Status of a deletion. Repeats what is safe
  /// to repeat (client/retry.h). May be called from several threads.
  virtual Result<Json> send(const Request& request) = 0;

  /// Sends a batch with at most `in_flight` calls under way, and returns when each has been answered. After a stop was
  /// asked for, calls not yet begun are answered Cancelled. The default sends one by one.
  virtual void send_each(const Batch& batch, int in_flight);

  virtual Result<std::unique_ptr<Watch>> watch(const WatchRequest& request) = 0;
};

// The verbs, as calls.

Result<Json> get(Cluster& cluster, const Resource& resource, const ObjectKey& key);
/// Like get, with an absent object as nullopt. A collection that is not served at all answers nullopt as well.
Result<std::optional<Json>> get_if_exists(Cluster& cluster, const Resource& resource,
                                          const ObjectKey& key);
Result<Json> create(Cluster& cluster, const Resource& resource, Json object);
Result<Json> replace(Cluster& cluster, const Resource& resource, Json object);
Result<Json> merge_patch(Cluster& cluster, const Resource& resource, const ObjectKey& key,
                         Json patch, std::string subresource = {});

/// Sends a batch and returns its answers, in the order of the calls.
std::vector<Result<Json>> send_all(Cluster& cluster, std::size_t size,
                                   const std::function<Request(std::size_t)>& request, int in_flight);

/// Visits every object of a collection (of one namespace, or of all where `list.key.ns` is ""), page by page from one
/// snapshot, and returns the snapshot's resourceVersion. `list.verb` is List; `list.limit` 0 means 500. When the
/// snapshot expires half-way it fails with Expired, since the visitor has seen a part only: start again from nothing.
/// Items of built-in kinds, which a list leaves without apiVersion and kind, are given the list's. The visitor returns an error to stop early; that error is returned.
Result<std::string> for_each_object(Cluster& cluster, Request list,
                                    const std::function<Result<void>(Json&&)>& visit);

}  // namespace gatelift
