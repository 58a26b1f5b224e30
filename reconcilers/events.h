// SPDX-License-Identifier: Apache-2.0
// Events (events.k8s.io/v1) about a migration. They are for people watching and are gone after an hour: never the only
// record of anything, and never a reason for a run to fail.
#pragma once

#include <string>

#include "reconcilers/run.h"

namespace gatelift {

enum class EventType { Normal, Warning };

/// `reason` is CamelCase, `action` the phase. The migration is cluster-scoped, so its events are in namespace default.
void record_event(Run& run, EventType type, const std::string& reason, const std::string& note);

}  // namespace gatelift
