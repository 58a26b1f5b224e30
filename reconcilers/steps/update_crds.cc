// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/steps/update_crd.h"

#include <algorithm>

#include "reconcilers/steps/crd_writer.h"
#include "reconcilers/steps/rewrite.h"

namespace gatelift {
namespace {

std::vector<std::string> version_names(const CrdSummary& crd) {
  std::vector<std::string> names;
  for (const CrdVersion& version : crd.versions) names.push_back(version.name);
  return names;
}

bool same_content(const CrdSummary& live, const CrdSummary& target) {
  return live.digest == target.digest && live.bundle_version == target.bundle_version &&
         live.channel == target.channel;
}

Result<StepOutcome> create_missing(Run& run, const BundleCrd& target) {
  ASSIGN_OR_RETURN(CrdOwner owner, bundle_owner(run));
  RETURN_IF_ERROR(write_crd(run, target.json(), nullptr, owner));
  return StepOutcome::progressed();
}

Result<StepOutcome> write_content(Run& run, const std::string& name, const Json& manifest) {
  ASSIGN_OR_RETURN(Json live, get(run.cluster, resources::kCrds, {"", name}));
  RETURN_IF_ERROR(write_crd(run, manifest, live, crd_owner(live)));
  return StepOutcome::progressed();
}

Result<StepOutcome> put_bridge(Run& run, const BundleCrd& target) {
  ASSIGN_OR_RETURN(Json live, get(run.cluster, resources::kCrds, {"", target.summary.name}));
  RETURN_IF_ERROR(write_crd(run, bridge_manifest(target.json(), live), live, crd_owner(live)));
  return StepOutcome::progressed();
}

}  // namespace

bool crd_is_at_target(const CrdSummary* live, const CrdSummary& target) {
  return live != nullptr && !live->terminating && live->established &&
         same_content(*live, target) &&
         live->stored_versions == std::vector<std::string>{target.storage_version()};
}

Result<std::optional<StepOutcome>> settle_crd(Run& run, const PlannedAction& action) {
  const BundleCrd& target = *run.target->crd(action.crd);
  const CrdSummary* live = run.installed.crd(action.crd);
  CrdProgress& progress = run.progress(action);
  if (live == nullptr) {
    progress.step = "Create";
    return create_missing(run, target);
  }
  if (live->terminating) {
    return StepOutcome::waiting("CRDTerminating",
                                "CustomResourceDefinition/" + action.crd +
                                    " is being deleted by somebody; waiting until it is gone",
                                std::chrono::seconds(2));
  }
  bool lacks_stored = std::any_of(
      live->stored_versions.begin(), live->stored_versions.end(),
      [&](const std::string& version) { return target.summary.version(version) == nullptr; });
  if (lacks_stored && target.summary.version(live->storage_version()) == nullptr) {
    progress.step = "Bridge";
    return put_bridge(run, target);
  }
  if (lacks_stored) return rewrite_and_prune(run, action, *live, version_names(target.summary));
  if (!same_content(*live, target.summary) || !live->established) {
    progress.step = "Replace";
    return write_content(run, action.crd, target.json());
  }
  if (!crd_is_at_target(live, target.summary)) {
    return rewrite_and_prune(run, action, *live, version_names(target.summary));
  }
  return std::nullopt;
}

Result<StepOutcome> update_crd(Run& run, const PlannedAction& action) {
  ASSIGN_OR_RETURN(std::optional<StepOutcome> move, settle_crd(run, action));
  if (move) return *move;
  CrdProgress& progress = run.progress(action);
  // Where the stored versions were minimal from the start, it is for their managedFields that objects are written.
  bool was_minimal = action.stored_versions == std::vector{action.to_storage};
  if (action.rewrites_objects && was_minimal && progress.step != "Rewritten") {
    const CrdSummary& live = *run.installed.crd(action.crd);
    ASSIGN_OR_RETURN(StepOutcome outcome,
                     rewrite_and_prune(run, action, live, version_names(live)));
    if (outcome.kind != StepOutcome::Kind::Progressed) return outcome;
  }
  progress.step = "Done";
  return StepOutcome::progressed();
}

}  // namespace gatelift
