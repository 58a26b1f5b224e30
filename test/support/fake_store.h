// SPDX-License-Identifier: Apache-2.0
// What etcd is to an API server: objects by collection and key, one revision for all of them, and
// the changes in order. Holds what was written; knows nothing of versions and schemas.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "client/cluster.h"
#include "test/support/fake_kinds.h"

namespace gatelift::fake {

struct Change {
  std::int64_t revision = 0;
  Collection collection;
  ObjectKey key;
  WatchEventType type = WatchEventType::Added;
  std::shared_ptr<const Json>
      object;  // for Deleted the last state, at the revision of the deletion
};

class FakeStore {
 public:
  using Objects = std::map<ObjectKey, std::shared_ptr<const Json>>;

  std::int64_t revision() const { return revision_; }
  /// nullptr when there is none.
  std::shared_ptr<const Json> find(const Collection& collection, const ObjectKey& key) const;
  const Objects& all(const Collection& collection) const;
  const std::map<Collection, Objects>& everything() const { return objects_; }

  /// Stores `object` at the next revision, which becomes its resourceVersion.
  void put(const Collection& collection, const ObjectKey& key, Json object);
  void erase(const Collection& collection, const ObjectKey& key);

  const std::vector<Change>& changes() const { return changes_; }
  /// Revisions up to this one cannot be listed or watched from any more.
  std::int64_t compacted() const { return compacted_; }
  void compact() { compacted_ = revision_; }
  std::string new_uid();

 private:
  void record(const Collection& collection, const ObjectKey& key, WatchEventType type,
              std::shared_ptr<const Json> object);

  std::int64_t revision_ = 100;
  std::int64_t compacted_ = 0;
  std::uint64_t last_uid_ = 0;
  std::map<Collection, Objects> objects_;
  std::vector<Change> changes_;
};

}  // namespace gatelift::fake
