// SPDX-License-Identifier: Apache-2.0
// The Verify phase: nothing is believed, everything is read again.
#pragma once

#include <string>
#include <vector>

#include "reconcilers/run.h"

namespace gatelift {

/// What became of one object, for the report.
struct ObjectReport {
  std::string object;   // "Kind/ns/name"
  std::string outcome;  // "converted", "rewritten", "skipped", "missing", "differs"
  std::string detail;
};

struct Verification {
  std::vector<ObjectReport> objects;
  std::vector<Failure> failures;
};

/// Reads every object that the plan wrote and compares it with what was intended; sets the final counts. An object that
/// its owner deleted since, or changed since (another generation), is reported as such and is no failure.
Result<Verification> verify(Run& run);

}  // namespace gatelift
