// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/steps/update_crds.h"

#include "reconcilers/steps/api_servers.h"
#include "reconcilers/steps/carry.h"
#include "reconcilers/steps/crd_writer.h"
#include "reconcilers/steps/rewrite.h"

namespace gatelift {
namespace {

enum class Move { None, Wait, Create, Bridge, Replace, Rewrite };

Move next_move(const CrdSummary* live, const CrdSummary& target) {
  if (live == nullptr) return Move::Create;
  if (live->terminating) return Move::Wait;
  if (!target.lacking(live->stored_versions).empty()) {
    return target.version(live->storage_version()) == nullptr ? Move::Bridge : Move::Rewrite;
  }
  if (!same_content(*live, target) || !live->established) return Move::Replace;
  return crd_is_at_target(live, target) ? Move::None : Move::Rewrite;
}

StepOutcome wait_for_deletion_of(const std::string& crd) {
  return StepOutcome::waiting(
      "CRDTerminating",
      "CustomResourceDefinition/" + crd + " is being deleted by somebody; waiting until it is gone",
      std::chrono::seconds(2));
}

/// A CRD that this run has written, and that has another content since, or is gone. Writing it
/// again would be a fight: GitOps tools and providers' addon managers do not tire.
bool is_reverted(const Run& run, const CrdSummary* live, const CrdSummary& target) {
  constexpr std::chrono::minutes kObserved{10};
  const auto seen = run.crds_seen.find(target.name);
  if (seen == run.crds_seen.end() || !seen->second.written) return false;
  const bool differs = live == nullptr || !same_content(*live, target);
  return differs && same_content(*seen->second.written, target) &&
         run.clock.now() - seen->second.written_at < kObserved;
}

StepOutcome reverted(const std::string& crd, const CrdSummary* live) {
  const std::string what = live == nullptr ? "deleted it" : "changed it back";
  const std::string how = live == nullptr
                              ? "the API server's audit log says it"
                              : "kubectl get crd " + crd + " --show-managed-fields -o yaml";
  return StepOutcome::stalled(
      "CRDReverted",
      "CustomResourceDefinition/" + crd + " was brought to the target, and somebody else has " +
          what + " since; it is not written again for 10 minutes; next: find out who (" + how +
          "), and put the target into what they apply, or stop them",
      std::chrono::seconds(30));
}

Rewriting rewriting_of(const PlannedAction& action, const CrdSummary& live,
                       const CrdSummary& target) {
  Rewriting rewriting{action, live, {}};
  for (const CrdVersion& version : target.versions) rewriting.kept_versions.push_back(version.name);
  return rewriting;
}

/// True once carry_fields has come to its end.
bool is_carried(const CrdProgress& progress) {
  return progress.step == "Carried" || progress.step == "Rewrite" || progress.step == "Rewritten" ||
         progress.step == "Done";
}

std::string step_of(Move move) {
  if (move == Move::Create) return "Create";
  return move == Move::Bridge ? "Bridge" : "Replace";
}

/// What is to be done next, of all CRDs.
struct Moves {
  std::vector<CrdWrite> writes;
  std::vector<Rewriting> rewritings;
  std::vector<const PlannedAction*> secured;  // to be in the backup before their CRD is written
  std::vector<const PlannedAction*> carried;  // whose CRD is written
  std::optional<StepOutcome> wait;

  void add(Run& run, const PlannedAction& action) {
    const BundleCrd& target = *run.target->crd(action.crd);
    const CrdSummary* live = run.installed.crd(action.crd);
    const Move move = next_move(live, target.summary);
    const bool writes_target = move == Move::Create || move == Move::Replace;
    if (writes_target && is_reverted(run, live, target.summary)) {
      wait = reverted(action.crd, live);
      return;
    }
    CrdProgress& progress = run.progress(action);
    const bool carries = action.kind == ActionKind::Carry && !is_carried(progress);
    const bool is_write = writes_target || move == Move::Bridge;
    if (carries && (move == Move::None || move == Move::Rewrite)) carried.push_back(&action);
    if (is_write && live != nullptr && live->digest == action.from_digest &&
        action.changed_objects > 0) {
      secured.push_back(&action);
    }
    if (is_write && !is_carried(progress)) progress.step = step_of(move);
    switch (move) {
      case Move::None:
        break;
      case Move::Wait:
        if (!wait) wait = wait_for_deletion_of(action.crd);
        break;
      case Move::Create:
      case Move::Replace:
        writes.push_back({target, live, CrdWrite::To::Target, std::nullopt});
        break;
      case Move::Bridge:
        writes.push_back({target, live, CrdWrite::To::Bridge, std::nullopt});
        break;
      case Move::Rewrite:
        rewritings.push_back(rewriting_of(action, *live, target.summary));
        break;
    }
  }
};

/// Fields move as soon as the new ones can be written, before anything else of any kind: a kind
/// that cannot go on does not keep the others from it.
Result<std::optional<StepOutcome>> carry_all(Run& run,
                                             const std::vector<const PlannedAction*>& actions) {
  std::optional<StepOutcome> unfinished;
  std::optional<Error> failed;
  for (const PlannedAction* action : actions) {
    const CrdSummary& live = *run.installed.crd(action->crd);
    RETURN_IF_ERROR(wait_until_settled(run, {&live}));
    auto outcome = carry_fields(run, *action, live);
    if (!outcome) {
      failed = std::move(outcome).error();
    } else if (outcome->kind != StepOutcome::Kind::Progressed) {
      unfinished = *std::move(outcome);
    } else {
      run.progress(*action).step = "Carried";
    }
  }
  if (failed) return fail(*std::move(failed));
  return unfinished;
}

}  // namespace

bool crd_is_at_target(const CrdSummary* live, const CrdSummary& target) {
  return live != nullptr && !live->terminating && live->established &&
         same_content(*live, target) &&
         live->stored_versions == std::vector<std::string>{target.storage_version()};
}

Result<std::optional<StepOutcome>> settle_crds(Run& run,
                                               const std::vector<const PlannedAction*>& actions) {
  Moves moves;
  for (const PlannedAction* action : actions) moves.add(run, *action);
  ASSIGN_OR_RETURN(std::optional<StepOutcome> carrying, carry_all(run, moves.carried));
  if (!moves.writes.empty()) {
    for (const PlannedAction* action : moves.secured) {
      ASSIGN_OR_RETURN(std::optional<StepOutcome> problem,
                       secure_fields(run, *action, *run.installed.crd(action->crd)));
      if (problem) return problem;
    }
    // Whoever reads the record after the write must know that fields are on their way; and where
    // the resource has changed, the pass ends before there are any.
    if (run.record().is_carrying()) RETURN_IF_ERROR(write_record(run));
    RETURN_IF_ERROR(write_crds(run, std::move(moves.writes)));
    return StepOutcome::progressed();
  }
  if (carrying) return carrying;
  const bool is_stalled = moves.wait && moves.wait->kind == StepOutcome::Kind::Stalled;
  if (!moves.rewritings.empty() && !is_stalled) return rewrite_and_prune(run, moves.rewritings);
  return moves.wait;
}

Result<StepOutcome> update_crds(Run& run, const std::vector<const PlannedAction*>& actions) {
  ASSIGN_OR_RETURN(std::optional<StepOutcome> move, settle_crds(run, actions));
  if (move) return *move;
  std::vector<Rewriting> rewritings;
  for (const PlannedAction* action : actions) {
    // Where the stored versions were minimal from the start, it is for their managedFields that
    // objects are written.
    const bool was_minimal = action->stored_versions == std::vector{action->to_storage};
    if (!action->rewrites_objects || !was_minimal) continue;
    if (run.progress(*action).step == "Rewritten") continue;
    const CrdSummary& live = *run.installed.crd(action->crd);
    rewritings.push_back(rewriting_of(*action, live, live));
  }
  if (!rewritings.empty()) {
    ASSIGN_OR_RETURN(StepOutcome outcome, rewrite_and_prune(run, rewritings));
    if (outcome.kind != StepOutcome::Kind::Progressed) return outcome;
  }
  for (const PlannedAction* action : actions) {
    CrdProgress& progress = run.progress(*action);
    const bool untouched = !action->rewrites_objects && action->kind != ActionKind::Carry;
    if (untouched) progress.objects.unchanged = progress.objects.found;
    progress.step = "Done";
  }
  return StepOutcome::progressed();
}

}  // namespace gatelift
