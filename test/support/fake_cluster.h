// SPDX-License-Identifier: Apache-2.0
// An API server in memory, for tests: stateful, deterministic, without threads of its own and
// without a wall clock. Held to the same contract suite as a real kube-apiserver 1.36
// (test/contract).
//
// It keeps: resourceVersion, uid, generation, preconditions, finalizers, dry run, strict fields,
// the status subresource; CRDs with establishing, storedVersions, pruning by stored and requested
// version, defaults, deletion with instances; server-side apply with managedFields; paging in one
// snapshot and its expiry; watches and their end; namespaces that terminate; permissions, quota and
// admission as the test sets them.
//
// What it gets wrong, knowingly:
// - CEL rules and formats are not evaluated (refuse_as_invalid stands in for a rule), conversion is
// always None;
// - built-in kinds have open schemas: no validation, no defaults, no strict fields;
// - one API server: no lag between replicas; name conflicts between CRDs are not found;
// - a list is consistent and instantly current; resourceVersionMatch and WatchList do not exist;
// - namespaces never finish terminating, and owners are collected only by run_garbage_collection;
// - no aggregation of Update managers beyond ten, no last-applied upgrade to server-side apply.
//
// Calls may come from several threads; they run one at a time.
#pragma once

#include <deque>
#include <mutex>
#include <set>

#include "client/cluster.h"
#include "test/support/fake_crds.h"
#include "test/support/fake_policy.h"
#include "test/support/manual_clock.h"

namespace gatelift {

/// One call that could have changed something, in order, with what came of it.
struct WriteRecord {
  Verb verb = Verb::Create;
  Resource resource;
  ObjectKey key;
  std::string subresource;
  std::string field_manager;
  bool dry_run = false;
  int http_status = 200;  // of the answer

  bool succeeded() const { return http_status < 300; }
};

class FakeCluster : public Cluster {
 public:
  explicit FakeCluster(ManualClock& clock);
  ~FakeCluster() override;

  Result<Json> send(const Request& request) override;
  Result<std::unique_ptr<Watch>> watch(const WatchRequest& request) override;

  // Setting the scene. These bypass permissions, admission and the journal.

  void add_namespace(const std::string& name);
  void set_namespace_terminating(const std::string& name);
  /// Makes a CRD that is served at once.
  void install_crd(const Json& crd);
  /// Stores an object as it is, with status and managedFields; fills in uid, creationTimestamp and
  /// generation where they are absent. The object's apiVersion is the version it is stored in.
  void seed(const Resource& resource, Json object);
  /// Adds a built-in kind, for instance deployments.
  void add_kind(const Resource& resource, const std::string& kind);
  /// Takes one away, as a server that is too old for it has none.
  void remove_kind(const Resource& resource);

  // Refusals; see FakePolicy for the arguments.

  fake::FakePolicy& policy() { return policy_; }

  // Time and races.

  void set_establish_after(std::chrono::milliseconds time, int reads = 0);
  void set_finalize_after(std::chrono::milliseconds time) { crds_.set_finalize_after(time); }
  /// POSTs to a kind established less than 2 s ago take until then (apiextensions-apiserver,
  /// `justCreated`). On by default.
  void set_create_delay(bool enabled) { create_delay_ = enabled; }
  /// The next `lists` LIST or watch calls of a kind after each change of its CRD answer 429 with
  /// Retry-After 1.
  void set_reinitializing_lists(int lists) { reinitializing_lists_ = lists; }
  /// Called before each call is looked at, also to act as somebody else: calls made from inside do
  /// not call it again.
  void before_call(std::function<void(const Request&)> hook) { hook_ = std::move(hook); }
  /// Everything listed or watched so far can no longer be continued.
  void compact();
  /// Ends every open watch of the collection, as a restart of the API server does.
  void end_watches(const Resource& resource);
  /// Deletes what has only owners that are gone, and finishes orphaning and foreground deletions.
  void run_garbage_collection();

  // Looking.

  const std::vector<WriteRecord>& writes() const { return writes_; }
  void forget_writes() { writes_.clear(); }
  /// The bytes in storage, as nobody's client sees them; nullopt when there are none.
  std::optional<Json> stored(const Resource& resource, const ObjectKey& key) const;
  std::vector<ObjectKey> stored_keys(const Resource& resource) const;
  std::int64_t revision() const { return store_.revision(); }

 private:
  friend class FakeWatch;
  struct Target;

  Result<Json> answer(const Request& request);
  Result<Target> resolve(const Request& request);
  std::shared_ptr<const fake::Kind> kind_at(const fake::Collection& collection);
  std::vector<std::shared_ptr<const fake::Kind>> all_kinds();

  // fake_cluster_read.cc
  Result<Json> view(const fake::Kind& kind, const fake::KindVersion& version,
                    const Json& stored) const;
  Result<Json> get_one(const Target& target);
  Result<Json> list(const Target& target);
  Result<std::vector<std::shared_ptr<const Json>>> page_of(const Target& target, Json& metadata);
  Result<void> check_readable(const fake::Kind& kind);

  // fake_cluster_write.cc
  Result<Json> create(const Target& target);
  Result<Json> modify(const Target& target);
  Result<Json> create_by_apply(const Target& target);
  Result<Json> next_state(const Target& target, const Json& live);
  Result<Json> insert(const Target& target, const ObjectKey& key, Json object);
  Result<Json> update(const Target& target, const Json& stored, const Json& live, Json next);
  Result<void> check_new_content(const Target& target, const ObjectKey& key);
  Result<void> validate(const Target& target, const Json& object, const Json* before) const;
  void delay_create(const Target& target);
  Json encoded(const fake::Kind& kind, const std::string& version, Json object) const;
  void put(const Target& target, const ObjectKey& key, Json object);

  // fake_cluster_delete.cc
  Result<Json> remove(const Target& target);
  void erase(const fake::Collection& collection, const ObjectKey& key);
  bool collect_once();

  ManualClock& clock_;
  fake::FakeStore store_;
  fake::FakeCrds crds_;
  fake::FakePolicy policy_;
  std::map<fake::Collection, std::shared_ptr<const fake::Kind>> built_in_;
  std::map<std::string, std::vector<std::shared_ptr<const Json>>> snapshots_;
  std::map<fake::Collection, std::pair<std::int64_t, int>> reinitializing_;
  std::function<void(const Request&)> hook_;
  std::vector<WriteRecord> writes_;
  int reinitializing_lists_ = 0;
  bool create_delay_ = true;
  bool in_hook_ = false;
  mutable std::recursive_mutex mutex_;
};

/// A call resolved to the kind and version it addresses.
struct FakeCluster::Target {
  const Request& request;
  std::shared_ptr<const fake::Kind> kind;
  const fake::KindVersion* version = nullptr;

  fake::Collection collection() const { return {kind->group, kind->plural}; }
};

}  // namespace gatelift
