// SPDX-License-Identifier: Apache-2.0
// Objects as server-side apply compares and merges them (structured-merge-diff: typed/compare.go,
// merge.go, tofieldset.go, remove.go), for values whose type is a structural schema.
#pragma once

#include "test/support/field_set.h"

namespace gatelift::fake {

struct Comparison {
  FieldSet added;
  FieldSet modified;
  FieldSet removed;

  /// Without everything at or below the paths of `ignored`.
  Comparison without(const FieldSet& ignored) const;
};

Comparison compare(const Json& before, const Json& after, const Json& schema);

/// The paths that an applied configuration claims.
FieldSet field_set_of(const Json& value, const Json& schema);

/// `config` laid over `live`: maps and keyed lists merge, sets unite, everything else is replaced.
Json merge(const Json& live, const Json& config, const Json& schema);

/// `value` without the items of `paths`. A container that loses everything but is not itself in
/// `paths` becomes null, as it does on the real server.
Json without_items(const Json& value, const FieldSet& paths, const Json& schema);

}  // namespace gatelift::fake
