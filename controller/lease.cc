// SPDX-License-Identifier: Apache-2.0
#include "controller/lease.h"

#include "client/object.h"

namespace gatelift {
namespace {

std::string holder_of(const Json& lease) { return string_at(lease, "spec", "holderIdentity"); }

std::chrono::seconds duration_of(const Json& lease) {
  return std::chrono::seconds(int_at(lease, 0, "spec", "leaseDurationSeconds"));
}

const Json& spec_of(const Json& lease) {
  static const Json none;
  const Json* spec = find(lease, "spec");
  return spec != nullptr ? *spec : none;
}

}  // namespace

LeaseAction LeaseMachine::begin(Instant now, Time wall) const {
  if (is_lost(now)) return RestUntilRetry{};
  if (must_read_ || !is_leader(now)) return ReadLease{};
  return ReplaceLease{renewed(wall)};
}

LeaseAction LeaseMachine::observed(const std::optional<Json>& lease, Instant now, Time wall) {
  if (is_lost(now)) lost_ = true;
  if (!lease) {
    record_ = Json();
    changed_ = false;
    if (lost_) return RestUntilRetry{};
    return CreateLease{renewed(wall)};
  }
  if (spec_of(*lease) != spec_of(record_)) {
    changed_ = holder_of(record_) == holder_of(*lease) && !holder_of(*lease).empty();
    seen_ = now;
  }
  record_ = *lease;
  const std::string holder = holder_of(record_);
  const bool ours = holder == settings_.identity;
  if (leading_ && !ours) lost_ = true;
  if (lost_) return RestUntilRetry{};
  if (!ours && !holder.empty() && now < seen_ + duration_of(record_)) return RestUntilRetry{};
  return ReplaceLease{renewed(wall)};
}

void LeaseMachine::accepted(const Json& lease, Instant sent) {
  if (is_lost(sent)) lost_ = true;
  record_ = lease;
  seen_ = sent;
  renewed_ = sent;
  leading_ = true;
  changed_ = false;
  must_read_ = false;
}

bool LeaseMachine::is_leader(Instant now) const {
  return leading_ && !lost_ && now < renewed_ + settings_.renew_deadline;
}

bool LeaseMachine::is_lost(Instant now) const { return leading_ && !is_leader(now); }

std::string LeaseMachine::other_holder() const {
  const std::string holder = holder_of(record_);
  return holder == settings_.identity ? std::string() : holder;
}

bool LeaseMachine::other_is_alive(Instant now) const {
  return changed_ && !other_holder().empty() && now < seen_ + duration_of(record_);
}

std::optional<Json> LeaseMachine::release(Instant now, Time wall) {
  const bool ours = is_leader(now);
  leading_ = false;
  if (!ours) return std::nullopt;
  Json body = record_;
  body["spec"]["holderIdentity"] = "";
  body["spec"]["leaseDurationSeconds"] = 1;
  body["spec"]["renewTime"] = format_micro_time(wall);
  return body;
}

Json LeaseMachine::renewed(Time wall) const {
  const bool ours = holder_of(record_) == settings_.identity;
  const std::string now = format_micro_time(wall);
  Json body = record_;
  if (body.is_null()) {
    body = {
        {"apiVersion", "coordination.k8s.io/v1"                               },
        {"kind",       "Lease"                                                },
        {"metadata",   {{"namespace", settings_.ns}, {"name", settings_.name}}}
    };
  }
  Json& spec = body["spec"];
  if (!ours) {
    const std::int64_t transitions = int_at(record_, -1, "spec", "leaseTransitions");
    spec["acquireTime"] = now;
    spec["leaseTransitions"] = transitions + 1;
  }
  spec["holderIdentity"] = settings_.identity;
  spec["leaseDurationSeconds"] = settings_.duration.count();
  spec["renewTime"] = now;
  return body;
}

}  // namespace gatelift
