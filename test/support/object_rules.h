// SPDX-License-Identifier: Apache-2.0
// What an API server does with every object it is sent, whatever its kind: decoding, identity,
// optimistic locks, and the metadata that only the server writes. Pure. Rules: apiserver,
// registry/rest and apimachinery, api/validation.
#pragma once

#include "client/request.h"
#include "test/support/fake_kinds.h"

namespace gatelift::fake {

/// An object of the same type with nothing in it: what a create is compared with.
Json blank_object(const Json& object);

/// Prunes and fills in defaults; refuses unknown fields where asked to (400, or 422 for a patch).
Result<void> decode(const Kind& kind, const KindVersion& version, FieldValidation validation,
                    Verb verb, Json& object);

/// Type, name and namespace of a body must be those of the call.
Result<void> check_identity(const Kind& kind, const KindVersion& version, const ObjectKey& key,
                            const Json& object);

/// resourceVersion and uid in a body are locks.
Result<void> check_locks(const Kind& kind, const Request& request, const Json& live,
                         const Json& next);

/// The object after a merge patch or JSON patch.
Result<Json> patched(const Json& live, const Request& request);

/// Copies into `next` what a writer cannot change: uid, creationTimestamp, generation,
/// deletionTimestamp.
void keep_server_fields(const Json& live, Json& next);

/// True when the two differ in what metadata.generation counts.
bool content_differs(const Json& live, const Json& next, bool has_status);

std::vector<Cause> check_metadata(const Json& object, const Json* before);
/// Secrets and ConfigMaps hold at most 1 MiB.
std::vector<Cause> check_payload(const Kind& kind, const Json& object);

}  // namespace gatelift::fake
