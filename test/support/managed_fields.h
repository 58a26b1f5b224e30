// SPDX-License-Identifier: Apache-2.0
// Field ownership: what metadata.managedFields says after a write. Follows apimachinery's
// managedfields package over structured-merge-diff: entries by manager, operation, version and
// subresource; conflicts; `before-first-apply`; the wipe of all entries by an ordinary write once
// one of them names a version that is gone (kubernetes#111937).
#pragma once

#include "client/time.h"
#include "test/support/fake_kinds.h"

namespace gatelift::fake {

/// Who writes, where, and when.
struct WriteScope {
  const Kind& kind;
  const KindVersion& version;
  std::string subresource;
  std::string manager;
  Time now;
};

/// Returns `next` with its managedFields after a create, PUT or patch. `live` is the object before,
/// at the same version; for a create an object without uid. Never fails: where ownership cannot be
/// computed, it is dropped.
Json track_update(const WriteScope& scope, const Json& live, Json next);

/// Merges an applied configuration into `live` and returns the object with its managedFields. Fails
/// with Conflict (one cause FieldManagerConflict per field) unless `force`, and with a 500 where an
/// entry's version is gone or a field is not in the schema.
Result<Json> track_apply(const WriteScope& scope, const Json& live, const Json& config, bool force);

}  // namespace gatelift::fake
