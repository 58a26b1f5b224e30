// SPDX-License-Identifier: Apache-2.0
#include "test/support/fake_store.h"

#include <cstdio>

namespace gatelift::fake {

std::shared_ptr<const Json> FakeStore::find(const Collection& collection,
                                            const ObjectKey& key) const {
  const Objects& objects = all(collection);
  auto it = objects.find(key);
  return it == objects.end() ? nullptr : it->second;
}

const FakeStore::Objects& FakeStore::all(const Collection& collection) const {
  static const Objects none;
  auto it = objects_.find(collection);
  return it == objects_.end() ? none : it->second;
}

void FakeStore::record(const Collection& collection, const ObjectKey& key, WatchEventType type,
                       std::shared_ptr<const Json> object) {
  changes_.push_back({revision_, collection, key, type, std::move(object)});
}

void FakeStore::put(const Collection& collection, const ObjectKey& key, Json object) {
  object["metadata"]["resourceVersion"] = std::to_string(++revision_);
  auto stored = std::make_shared<const Json>(std::move(object));
  auto [it, added] = objects_[collection].insert_or_assign(key, stored);
  record(collection, key, added ? WatchEventType::Added : WatchEventType::Modified, it->second);
}

void FakeStore::erase(const Collection& collection, const ObjectKey& key) {
  auto& objects = objects_[collection];
  auto it = objects.find(key);
  if (it == objects.end()) return;
  Json last = *it->second;
  objects.erase(it);
  last["metadata"]["resourceVersion"] = std::to_string(++revision_);
  record(collection, key, WatchEventType::Deleted, std::make_shared<const Json>(std::move(last)));
}

std::string FakeStore::new_uid() {
  char text[40];
  std::snprintf(text, sizeof text, "00000000-0000-4000-8000-%012llx",
                static_cast<unsigned long long>(++last_uid_));
  return text;
}

}  // namespace gatelift::fake
