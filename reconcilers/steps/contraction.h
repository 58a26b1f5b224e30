// SPDX-License-Identifier: Apache-2.0
// The write that takes the half that leaves out of an object of a bridged kind, with all that we
// have put there.
#pragma once

#include <string>
#include <vector>

#include "reconcilers/convert/halves.h"
#include "reconcilers/run.h"

namespace gatelift {

/// Makes `half`, which is in the place of `before`, one of the object's halves, and marks both as
/// in step: a JSON merge patch under the object's resourceVersion. Pure.
Json half_patch(const Json& object, const Halves& halves, const Json& before, const Json& half);

/// Why one half cannot be made of the other. Error kind Invalid, the reason is the problem's code.
Error error_of(const ConversionProblem& problem);

/// One write, under the object's resourceVersion, at the version of `crd` that is stored:
/// - fields of the half that leaves and our annotation are removed, which makes nobody their owner;
/// - managedFields become those of the version that stays: paths mapped, our own entries gone;
/// - kubectl's note, where it names a version that is not kept, is converted, in the name of the
///   manager that owns it, since a change of it makes its writer one.
/// Where nothing of this is to be done, a write of nothing, which proves that the stored bytes are
/// current. Where the half that leaves was edited since, the other half is written, and the next
/// request contracts. Error kind Invalid where that cannot be. Pure.
Result<Request> contraction_request(const Json& object, const CrdSummary& crd, const Halves& halves,
                                    const std::vector<std::string>& kept_versions);

}  // namespace gatelift
