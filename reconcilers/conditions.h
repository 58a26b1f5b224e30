// SPDX-License-Identifier: Apache-2.0
// What people and tools read off a migration: conditions by kstatus' rules (sigs.k8s.io/cli-utils, pkg/kstatus): Ready,
// Reconciling and Stalled, and Planned and BackedUp besides. The only writer of conditions. Pure.
#pragma once

#include "reconcilers/run.h"

namespace gatelift {

/// How a pass ended, in one value.
struct Verdict {
  enum class Kind { Working, Waiting, Stalled, Ready };
  Kind kind = Kind::Working;
  std::string reason;
  std::string message;
};

/// "converted 40 objects of 1 kind, wrote 10 CRDs; absent for 0.4s; backup to-v1-1-1a2b3c4d".
std::string summary_of(const Record& record);

/// How a migration that is over ended.
Verdict resting_verdict(const Record& record);

/// Sets every condition of `record`; a transition time moves only when a status does.
void set_conditions(Record& record, std::int64_t generation, const Verdict& verdict, Time now);

}  // namespace gatelift
