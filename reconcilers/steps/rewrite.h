// SPDX-License-Identifier: Apache-2.0
// Storage migration: every object is written once, unchanged, so that the API server encodes it in
// the current storage version; then, and only then, the CRD's stored versions are pruned.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "reconcilers/run.h"

namespace gatelift {

/// One kind's objects, to be rewritten at the storage version of `crd` (as it is live).
struct Rewriting {
  const PlannedAction& action;
  const CrdSummary& crd;
  std::vector<std::string>
      kept_versions;  // managedFields and kubectl's note may go on naming these
  /// What is written instead of rewrite_request, made of whole objects; where empty, that. An error
  /// is a failure of the object.
  std::function<Result<Request>(const Json&)> request = {};
};

/// A write under the object's resourceVersion that changes nothing: the server encodes it anew, in
/// the storage version. Pure.
Request write_of_nothing(const Json& object, const CrdSummary& crd);

/// The smallest write that makes the server encode `object` anew, under its resourceVersion;
/// `object` may be metadata only. Pure.
Request rewrite_request(const Json& object, const Rewriting& rewriting);

/// kubectl's note where it names no kept version, at `version`, and the manager who owns it;
/// nullopt where it stays as it is. Pure.
struct RewrittenNote {
  std::string note;
  std::string manager;
};
std::optional<RewrittenNote> rewritten_note(const Json& object, const std::string& version,
                                            const std::vector<std::string>& kept_versions);

/// Rewrites every object until a whole pass changes nothing: a write that leaves the
/// resourceVersion as it was proves that the stored bytes are current (in the source of the API
/// server: a write of equal bytes is skipped). No pass begins before every API server can be
/// expected to go by the CRD as it is (wait_until_settled). In the same write managedFields entries
/// and a last-applied-configuration that name no kept version are brought to the storage version.
/// Then sets each status.storedVersions to the storage version alone, under the CRD's
/// resourceVersion. An object that cannot be written makes a failure in the record and a Stalled
/// outcome; its kind is not pruned then.
Result<StepOutcome> rewrite_and_prune(Run& run, const std::vector<Rewriting>& rewritings);

/// What a rewriting leaves of `object`: equal but for its
/// kubectl.kubernetes.io/last-applied-configuration, where that names no kept version. Pure.
Json as_rewritten(Json object, const std::string& storage_version,
                  const std::vector<std::string>& kept_versions);

}  // namespace gatelift
