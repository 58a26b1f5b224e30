// SPDX-License-Identifier: Apache-2.0
// Copies of the target's CRDs under a group of our own, at which objects are tried before anything
// of the user's is written. A copy is there for seconds, holds objects only while their rewriting
// is tried (rewriting_trial.h), and is deleted again with what is in it, also by the next process
// where one has died.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reconcilers/run.h"

namespace gatelift {

/// Not a protected group (*.k8s.io), so that a CRD in it needs no approval (KEP-1111).
inline constexpr std::string_view kScratchGroup = "rehearsal.gatelift.dev";

/// Says whose copy it is: the migration's uid.
inline constexpr std::string_view kScratchLabel = "gatelift.dev/rehearsal";

/// "httproutes.rehearsal.gatelift.dev".
std::string scratch_name(const CrdSummary& target);

/// The copy's collection. It is served at the target's storage version only.
Resource scratch_resource(const CrdSummary& target);

/// The copy's manifest: the target's schema of its storage version, without short names and
/// categories, so that nobody meets it by these, and without subresources, so that status is
/// looked at like the rest. The garbage collector takes it with the migration. Pure.
Json scratch_manifest(const BundleCrd& target, const Migration& migration);

/// Whether one copy is there, and if not, why the API server refuses it.
struct ScratchCopy {
  bool is_served = false;
  std::string refusal;
};

/// Creates the copies, all at once, and returns when they are served, in the order of `targets`.
/// Those that are there already have to be removed first. A CRD of that name that is not ours is
/// left alone and is a refusal. Errors are those that a retry may cure.
Result<std::vector<ScratchCopy>> install_copies(Run& run,
                                                const std::vector<const BundleCrd*>& targets);

enum class CopySchema {
  Targets,
  Open,  // takes everything
};

/// Changes the schema of this migration's copy, which has to be there. The API servers go by it a
/// moment later. The copy as it is then.
Result<CrdSummary> change_schema(Run& run, const BundleCrd& target, CopySchema schema);

enum class CopiesOf { ThisMigration, AnyMigration };

/// Deletes the copies that are there and returns when they are gone, or after 60 s with
/// Unavailable. What does not carry our labels is not ours, whatever its name is. Requires, for
/// AnyMigration, that it is this migration's turn.
Result<void> remove_copies(Run& run, CopiesOf whose);

}  // namespace gatelift
