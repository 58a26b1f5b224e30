// SPDX-License-Identifier: Apache-2.0
// Leader election over a coordination.k8s.io Lease, as client-go's tools/leaderelection does it:
// what to send next, given what was read and the time. Pure: lease_runner.h sends.
//
// Clocks of two machines are never compared. A holder counts as alive for as long after its record
// was seen to change as the record says, by the local steady clock; its renewTime is only looked at
// for being different.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <variant>

#include "client/json.h"
#include "client/time.h"

namespace gatelift {

/// The times of client-go, which asks that duration > renew_deadline > 1.2 * retry_period.
struct LeaseSettings {
  std::string ns = "gatelift-system";
  std::string name = "gatelift";
  std::string identity;                             // unique to the process
  std::chrono::seconds duration{15};                // others wait this long after our last renewal
  std::chrono::milliseconds renew_deadline{10000};  // we stop working this long after it
  std::chrono::milliseconds retry_period{2000};
};

/// What to send next. The bodies carry the resourceVersion that guards them.
struct ReadLease {};
struct CreateLease {
  Json body;
};
struct ReplaceLease {
  Json body;
};
struct RestUntilRetry {};
using LeaseAction = std::variant<ReadLease, CreateLease, ReplaceLease, RestUntilRetry>;

class LeaseMachine {
 public:
  using Instant = std::chrono::steady_clock::time_point;

  explicit LeaseMachine(LeaseSettings settings) : settings_(std::move(settings)) {}

  /// Begins an attempt: a leader whose record is fresh renews without reading first.
  LeaseAction begin(Instant now, Time wall) const;

  /// After a read; nullopt where there is no Lease.
  LeaseAction observed(const std::optional<Json>& lease, Instant now, Time wall);

  /// After a write of ours was accepted. `sent` is when it was sent: the lease runs from then.
  void accepted(const Json& lease, Instant sent);

  /// After a write of ours failed: the next attempt reads first. Leadership lasts until its
  /// deadline.
  void refused() { must_read_ = true; }

  /// True while we hold the lease and renewed it within the renew deadline.
  bool is_leader(Instant now) const;

  /// True once we led and do not any more: all work has to stop, and this machine never leads
  /// again.
  bool is_lost(Instant now) const;

  /// Who else holds the lease; "" when nobody or we do.
  std::string other_holder() const;

  /// True when another holder has renewed its lease while we looked on: it is at work and not a
  /// left-over.
  bool other_is_alive(Instant now) const;

  /// The body that gives the lease back; nullopt when it is not ours. Send it after all work has
  /// stopped.
  std::optional<Json> release(Instant now, Time wall);

 private:
  Json renewed(Time wall) const;

  LeaseSettings settings_;
  Json record_;           // the Lease as last seen or written
  Instant seen_{};        // when record_ was first seen like this
  bool changed_ = false;  // the other holder's record was seen in two states
  bool leading_ = false;
  bool lost_ = false;
  bool must_read_ = true;
  Instant renewed_{};
};

}  // namespace gatelift
