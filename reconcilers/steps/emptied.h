// SPDX-License-Identifier: Apache-2.0
// Objects of a bridged kind that lost both their shapes. An API server keeps of an object what the
// schema has of the version that it is written at: where somebody puts a CRD with the real schemas
// in the place of the bridge, each write of an object, also of a label, takes away the other half,
// and then what is stored under another version's name is read without the rest.
#pragma once

#include "reconcilers/convert/halves.h"
#include "reconcilers/steps/projection.h"

namespace gatelift {

/// The ruled fields of both halves that an object without any had when they were last in step, from
/// the root: a backup has them, and the object's annotation says that it has these. nullopt where
/// none does.
Result<std::optional<Json>> halves_before_emptied(const Run& run, const BridgedKind& kind,
                                                  const Json& object);

/// A JSON patch that gives an object without managedFields those that a backup has of it; nullopt
/// where it has some, or none are known. An API server drops all of them in a write of an object
/// that it cannot read by the schema of a version that they name; everything then belongs to
/// nobody, and the next apply of whoever owned it is a conflict.
Result<std::optional<Json>> owners_put_back(const Run& run, const BridgedKind& kind,
                                            const Json& object);

/// Why an object stays as it is where there is no such backup. Code "Emptied".
ConversionProblem emptied_problem(const Run& run, const BridgedKind& kind);

}  // namespace gatelift
