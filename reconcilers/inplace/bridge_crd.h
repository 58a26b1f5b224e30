// SPDX-License-Identifier: Apache-2.0
// The bridge: the CRD that stands between an old bundle's and the target's while objects are moved
// in place. It has the versions of both, all with one schema that takes either shape and both side
// by side, and converts nothing.
#pragma once

#include <optional>
#include <string_view>

#include "reconcilers/bundle/bundle.h"
#include "reconcilers/inplace/union_schema.h"

namespace gatelift {

/// What is served and stored, in the order of an upgrade.
enum class BridgeStage {
  Expand,     // as before; the target's versions are there, not served
  ServeBoth,  // all are served, the target's storage version is stored
  Contract,   // only what the target serves is served
};
std::string_view to_string(BridgeStage stage);

/// The CRDs that a bridge is made of. References: they outlive the call.
struct BridgeCrds {
  const Json& live;    // as it is now; its metadata and status are kept
  const Json& before;  // as it was before the migration, with its status; `live` where it still is
  const Json& target;  // the bundle's manifest
};

/// The one schema of all versions of the bridge: the union over the old versions that are served or
/// stored and the target's, the storage version's last.
///
/// Its spec has a rule of our own where each version requires fields that another does not require:
/// an object has to have all that one of them requires, "(has(self.targetRef) && has(self.tls)) ||
/// (has(self.targetRefs) && has(self.validation))". So neither an empty spec nor half a shape is
/// accepted. There is none where a version requires nothing of its own, or CEL cannot name a field.
///
/// `before` may be a bridge, also one to another target: its rule counts as what it requires. Pure.
SchemaUnion bridge_schema(const Json& before, const Json& target);

/// `live` as the bridge of a stage, to be PUT: its resourceVersion is the precondition.
/// - metadata is that of `live`, with the bundle annotations `marks` (which decide whether an
///   installed safe-upgrades policy accepts the write, and what consumers read). "" leaves one as
///   it is.
/// - spec.versions are the old storage version, the other old ones that are served or stored, then
///   the target's. Each keeps its own printer columns, deprecation and selectable fields; of one
///   that both have it is the target's. Each has the status subresource, whether it had or not.
/// - names are the target's; group and scope are those of `live`.
///
/// `before` may be a bridge to this target, where nothing else is known any more. Of a bridge that
/// is past Expand it cannot be told which of the target's versions were served before: Expand does
/// not serve them then. Of one that is contracted, which of the old ones were: they all are again.
///
/// Error kind Invalid, naming the fields, where the schemas have no union. Pure.
Result<Json> bridge_crd(const BridgeCrds& crds, BridgeStage stage, const BundleRef& marks);

/// The stage of a bridge to this target that was found in the cluster: the last of which all is
/// served and stored as it says, and Expand where a stranger has left neither of the others whole.
/// Metadata, names, printer columns, storedVersions and what schemas say to people are not looked at,
/// so that edits of these do not hide it, and that it is one seen from either end.
///
/// nullopt where `live` is no such bridge: a version of the target is missing, it has none besides
/// the target's, or its versions have not all one schema that takes all the target takes and has
/// all that the target has (union_schema.h). A bridge whose schema a stranger has changed is none
/// either: it is told by spec_digest that it has to be written again. Pure.
std::optional<BridgeStage> bridge_stage_of(const Json& live, const Json& target);

}  // namespace gatelift
