// SPDX-License-Identifier: Apache-2.0
// A cluster that goes wrong at the n-th write, for tests of crashes and lost answers. Writes are counted from 1; reads
// and dry runs are not counted and pass.
#pragma once

#include <map>

#include "client/cluster.h"

namespace gatelift {

/// Thrown where the process would have died. Unwinds to the test, which then starts the program anew; nothing else may
/// catch it.
struct CrashNow {
  int write = 0;
};

enum class Fault {
  FailBefore,   // the call never reaches the server: Unavailable
  FailAfter,    // the server does it, and the answer is lost: Unavailable
  CrashBefore,  // the process dies with the call unsent
  CrashAfter,   // the process dies when the server has done it
};

class FaultyCluster : public Cluster {
 public:
  /// Decorates `inner`, which must outlive it. Without a planned fault it only counts.
  explicit FaultyCluster(Cluster& inner) : inner_(inner) {}

  /// The `nth` write from now on, counted from 1, meets the fault; a second plan for the same write replaces the first.
  void plan(Fault fault, int nth);
  /// From the `nth` write on every write fails before it is sent, as when the API server is gone.
  void fail_all_from(int nth);
  void clear();

  int num_writes() const { return num_writes_; }

  Result<Json> send(const Request& request) override;
  Result<std::unique_ptr<Watch>> watch(const WatchRequest& request) override;

 private:
  Result<Json> send_with(Fault fault, const Request& request);

  Cluster& inner_;
  int num_writes_ = 0;
  int fail_all_from_ = 0;
  std::map<int, Fault> faults_;
};

/// Counts what passes, by verb and by collection.
class CountingCluster : public Cluster {
 public:
  explicit CountingCluster(Cluster& inner) : inner_(inner) {}

  int count(Verb verb) const;
  int count(Verb verb, const Resource& resource) const;
  /// Writes that were not dry runs.
  int num_writes() const { return num_writes_; }
  int num_watches() const { return num_watches_; }

  Result<Json> send(const Request& request) override;
  Result<std::unique_ptr<Watch>> watch(const WatchRequest& request) override;

 private:
  Cluster& inner_;
  std::map<std::pair<Verb, Resource>, int> calls_;
  int num_writes_ = 0;
  int num_watches_ = 0;
};

}  // namespace gatelift
