// SPDX-License-Identifier: Apache-2.0
// The writes that bring one object back, and the comparison that says it is back. Pure.
#pragma once

#include <optional>
#include <string>

#include "client/request.h"
#include "reconcilers/bundle/crd.h"

namespace gatelift {

/// How objects are created.
enum class CreateBy {
  Apply,  // server-side apply: served at once after a CRD is Established
  Post,   // refuses an existing object, but the API server delays it by 2 s for 2 s after a CRD is Established, so
          // that all servers of a cluster may learn of the CRD: right where there are several
};

/// The object without what the server sets.
Json creation_body(const Json& intended);

/// Creates the object. By Apply in the name of the manager that applied it, so that where one applier owned everything
/// its managedFields are right at once; in our own name where there is none.
Request create_request(const Json& intended, const Resource& resource, CreateBy by);

/// Writes its status in the name of the controller that wrote it; nullopt where it had none. observedGeneration is
/// clamped to `generation`, which starts again at 1 with the new object.
std::optional<Request> status_request(const Json& intended, const Resource& resource,
                                      std::int64_t generation);

/// Replaces managedFields where `live`'s differ from the intended ones by more than times; nullopt where they do not.
/// A change of managedFields alone makes nobody an owner.
std::optional<Request> managed_fields_request(const Json& intended, const Json& live,
                                              const Resource& resource);

/// The manager in whose name an object's spec, or a subresource of it, is written: who applied it, or
/// else who updated it first; "" where nobody is known to have.
std::string main_manager(const Json& object, std::string_view subresource);

/// The first path at which `live` is not what was intended, or "": every field of spec, labels, annotations,
/// ownerReferences and finalizers is there with its value. The server may have added defaults.
std::string first_difference(const Json& intended, const Json& live);

}  // namespace gatelift
