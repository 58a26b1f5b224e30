// SPDX-License-Identifier: Apache-2.0
// The controllers that live in the API server and work on CRDs: accepting names, establishing,
// deleting instances. They have no thread of their own; `advance` does whatever is due at the
// clock's time.
#pragma once

#include <map>
#include <memory>
#include <optional>

#include "client/time.h"
#include "test/support/fake_store.h"

namespace gatelift::fake {

class FakeCrds {
 public:
  FakeCrds(FakeStore& store, const Clock& clock) : store_(store), clock_(clock) {}

  /// A new CRD is served once this time has passed and it has been read this often.
  void set_establish_after(std::chrono::milliseconds time, int reads);
  /// A deleted CRD begins to delete its instances after this time.
  void set_finalize_after(std::chrono::milliseconds time) { finalize_after_ = time; }
  /// Makes the CRD served at once.
  void establish(const std::string& name);

  /// The kind served at this collection; nullptr when no established CRD defines it.
  std::shared_ptr<const Kind> kind(const Collection& collection);

  /// Says that a CRD was read, created, changed or removed.
  void note_read(const std::string& name) { ++lives_[name].reads; }
  void note_written(const std::string& name, const Json* before, const Json* after);
  /// Watches of this collection that began before the returned revision have ended.
  std::int64_t watches_broken_at(const Collection& collection) const;
  void break_watches(const Collection& collection);
  /// When the kind was last established; the epoch when no CRD defines it.
  Time established_at(const Collection& collection) const;

  void advance();

 private:
  struct Life {
    Time since{};
    int reads = 0;
    std::optional<Time> established;
    std::optional<Time> deleted_instances_at;
  };
  struct Known {
    std::shared_ptr<const Json> crd;
    std::shared_ptr<const Kind> kind;
  };

  void accept_names(const std::string& name, Json crd);
  void finalize(const std::string& name, const Json& crd, Life& life);
  bool delete_instances(const Kind& kind);
  void note_deletion(const std::string& name, const std::string& status, const std::string& reason,
                     const std::string& message);
  void finish(const std::string& name);

  FakeStore& store_;
  const Clock& clock_;
  std::chrono::milliseconds establish_after_{100};
  std::chrono::milliseconds finalize_after_{40};
  int establish_reads_ = 0;
  std::map<std::string, Life> lives_;
  std::map<std::string, Known> known_;
  std::map<Collection, std::int64_t> broken_;
};

inline Collection crd_collection() { return collection_of(resources::kCrds); }

}  // namespace gatelift::fake
