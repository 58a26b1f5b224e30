// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/steps/in_place.h"

#include <algorithm>
#include <utility>

#include "reconcilers/convert/convert.h"
#include "reconcilers/events.h"
#include "reconcilers/steps/api_servers.h"
#include "reconcilers/steps/bridge_write.h"
#include "reconcilers/steps/contraction.h"
#include "reconcilers/steps/crd_writer.h"
#include "reconcilers/steps/projection.h"
#include "reconcilers/steps/rewrite.h"
#include "reconcilers/steps/update_crds.h"

namespace gatelift {
namespace {

/// Between two writes of the bridge, where somebody else changes it as well.
constexpr std::chrono::seconds kNoFight{30};
constexpr std::chrono::seconds kHeldPass{2};
/// Watches of a version that is not served any more go on for over a second: the API server lets
/// requests that are under way come to their end (apiextensions-apiserver, crdHandler.tearDown).
/// What they are sent is what a client of that version goes by.
constexpr std::chrono::seconds kWatchesEnd{3};
constexpr std::chrono::seconds kWatchesGivenUp{60};
constexpr std::chrono::milliseconds kWatchPoll{10};
/// In which an event that has happened is surely shown, where nothing is late.
constexpr std::chrono::milliseconds kToNow{50};
/// Between two looks at everything while some objects are refused.
constexpr std::chrono::seconds kBesideAProblem{5};
constexpr std::int64_t kNoGeneration = 0;
/// Looks that were missed: what came and went meanwhile is not known.
constexpr int kMissedLooks = 3;

/// Of the version whose shape leaves and the one that stays; nullopt where no shape leaves.
std::optional<Halves> halves_between(const CrdSummary& live, const CrdSummary& target) {
  const std::string to = target.storage_version();
  for (const CrdVersion& version : live.versions) {
    auto halves = Halves::between(live.group, live.kind, version.name, to);
    if (halves) return halves;
  }
  return std::nullopt;
}

class InPlace {
 public:
  InPlace(Run& run, const PlannedAction& action, const CrdSummary& live, const BundleCrd& target,
          const Halves& halves)
      : run_(run), action_(action), live_(live), target_(target), halves_(halves) {}

  Result<StepOutcome> move(const VerifiedBackup& backup) {
    RETURN_IF_ERROR(read_crd(backup));
    const auto stage = bridge_stage_of(crd_, target_.json());
    if (!stage) return begin();
    switch (*stage) {
      case BridgeStage::Expand:
        return expand();
      case BridgeStage::ServeBoth:
        return serve_both();
      case BridgeStage::Contract:
        return contract();
    }
    return StepOutcome::progressed();
  }

  /// When it is worth to come again; nullopt where there is nothing to follow.
  Result<std::optional<std::chrono::milliseconds>> keep_in_step(const VerifiedBackup& backup) {
    RETURN_IF_ERROR(read_crd(backup));
    const auto stage = bridge_stage_of(crd_, target_.json());
    if (!stage) {
      ASSIGN_OR_RETURN(const StepOutcome put_back, begin());
      return put_back.retry_after;
    }
    if (*stage != BridgeStage::ServeBoth) return std::nullopt;
    std::shared_ptr<FollowedKind> followed = remembered();
    // What it finds is in the record; something else is to be said first.
    if (!is_followed()) RETURN_IF_ERROR(look_at_all(followed));
    return follow_beside(*followed, kHeldPass);
  }

 private:
  Result<void> read_crd(const VerifiedBackup& backup) {
    ASSIGN_OR_RETURN(crd_, get(run_.cluster, resources::kCrds, {"", live_.name}));
    RETURN_IF_ERROR(backup.for_each(BackupRole::Crd, live_.name,
                                    [&](const BackupEntry&, Json&& crd) -> Result<void> {
                                      before_ = std::move(crd);
                                      return {};
                                    }));
    if (before_.is_null()) before_ = crd_;
    return {};
  }

  void enter(const char* step) { run_.progress(action_).step = step; }

  /// Recorded first: should a stranger write the CRD, what is put back goes by the record. A write
  /// that was refused has changed nothing.
  Result<void> enter_by_write(const char* step, BridgeStage stage) {
    const std::string before = run_.progress(action_).step;
    enter(step);
    RETURN_IF_ERROR(write_record(run_));
    auto written = write(stage);
    if (!written && !is_transient(written.error().kind)) run_.progress(action_).step = before;
    return written;
  }

  BridgedKind kind(bool serves_from, WritersOfVersion* writers = nullptr) const {
    return {action_, live_, halves_, serves_from, serves_from && is_held(), writers};
  }

  /// A rollback is the way out, and the version that it returns to is the one that was in use.
  bool is_held() const {
    if (run_.spec().suspend) return true;
    return run_.spec().hold != Hold::None && run_.migration.record.operation == Operation::Upgrade;
  }

  Result<StepOutcome> begin() {
    const CrdProgress* progress = run_.record().crd(live_.name);
    const std::string step = progress == nullptr ? "" : progress->step;
    const auto seen = run_.crds_seen.find(live_.name);
    // Of the target's write it is known what was written.
    const bool was_bridge =
        seen != run_.crds_seen.end() && seen->second.written_at != Time{} && !seen->second.written;
    if (was_bridge && run_.clock.now() - seen->second.written_at < kNoFight) return changed_back();
    if (was_bridge || !(step.empty() || step == "Expand")) return put_back(step);
    if (live_.digest != action_.from_digest) return changed_by_others(step);
    enter("Expand");
    RETURN_IF_ERROR(write(BridgeStage::Expand));
    return StepOutcome::progressed();
  }

  /// Objects are written under a CRD that does not have both shapes, so there is no time to lose.
  /// What each stage needs of the objects was so when the step began.
  Result<StepOutcome> put_back(const std::string& step) {
    const std::string text = "CustomResourceDefinition/" + live_.name + " was the bridge, and " +
                             who_changed_it() + " put something else in its place; it is put back";
    run_.log("warn", text);
    record_event(run_, EventType::Warning, "BridgePutBack", text);
    BridgeStage stage = BridgeStage::Expand;
    if (step == "ServeBoth" || step == "Hold") stage = BridgeStage::ServeBoth;
    if (step == "Contract" || step == "Rewrite" || step == "Rewritten") {
      stage = BridgeStage::Contract;
    }
    RETURN_IF_ERROR(write(stage));
    return StepOutcome::progressed();
  }

  std::string who_changed_it() const { return "field manager " + crd_owner(crd_).manager; }

  StepOutcome changed_back() const {
    return StepOutcome::stalled(
        "CRDReverted",
        "CustomResourceDefinition/" + live_.name + ": spec.versions is the bridge's no more, " +
            who_changed_it() +
            " has changed it; objects that are written meanwhile can lose one of their shapes; it "
            "is put back 30 seconds after it was written last; next: stop who does that until "
            "this run is over (kubectl get crd " +
            live_.name + " --show-managed-fields -o yaml says who else writes it)",
        std::chrono::seconds(5));
  }

  StepOutcome changed_by_others(const std::string& step) const {
    if (step.empty()) {
      run_.log("warn", live_.name + " changed since it was planned for; planning again");
      drop_plan(run_);
      return StepOutcome::progressed();
    }
    return StepOutcome::stalled(
        "CRDChanged",
        "CustomResourceDefinition/" + live_.name +
            " is neither what was planned from, nor a bridge, nor the target: somebody else "
            "changed it during the run; next: find out who (kubectl get crd " +
            live_.name +
            " --show-managed-fields -o yaml), stop it, and put back the content it had (it is in "
            "the backup)");
  }

  Result<void> write(BridgeStage stage) {
    ASSIGN_OR_RETURN(const BundleRef marks, bridge_marks(run_.cluster, target_.summary));
    const Json target = target_.json();
    const CrdOwner owner = crd_owner(before_);
    ASSIGN_OR_RETURN(const Json bridge,
                     bridge_to_write({crd_, before_, target}, stage, marks, owner));
    ASSIGN_OR_RETURN(const Json answer, write_crd_over(run_, bridge, crd_, owner));
    if (bridge_stage_of(answer, target) == stage) return {};
    return fail(ErrorKind::Invalid,
                "CustomResourceDefinition/" + live_.name +
                    " is not what was written: other field managers, or a webhook, change it; "
                    "next: see who owns spec (kubectl get crd " +
                    live_.name + " --show-managed-fields -o yaml), and stop what changes it");
  }

  Result<StepOutcome> expand() {
    if (run_.spec().suspend) {
      return StepOutcome::stalled("Suspended", "spec.suspend is true; next: set it to false");
    }
    enter("Project");
    RETURN_IF_ERROR(wait_until_settled(run_, {&live_}));
    std::string list;
    ASSIGN_OR_RETURN(const auto problem, bring_into_step(run_, kind(true), list));
    if (problem) return *problem;
    // What is written meanwhile is brought over up to now, so that nothing is served without a
    // half.
    const auto watch = run_.cluster.watch({live_.resource(), "", list, ""});
    if (!watch && watch.error().is(ErrorKind::Expired)) return StepOutcome::progressed();
    if (!watch) return fail(watch.error());
    ASSIGN_OR_RETURN(const bool is_in_step, follow_to_now(**watch));
    if (!is_in_step) return StepOutcome::progressed();
    RETURN_IF_ERROR(enter_by_write("ServeBoth", BridgeStage::ServeBoth));
    InPlaceRecord& record = run_.record().in_place.emplace();
    record.crd = live_.name;
    record.both_served_since = run_.clock.now();
    RETURN_IF_ERROR(wait_until_served(run_, target_.summary.resource()));
    RETURN_IF_ERROR(follow_to_now(**watch));
    return StepOutcome::progressed();
  }

  /// False where everything has to be looked at again.
  Result<bool> follow_to_now(Watch& watch) {
    const auto outcome = follow(run_, kind(true), watch, kToNow);
    if (!outcome && !outcome.error().is(ErrorKind::Expired)) return fail(outcome.error());
    return outcome.has_value();
  }

  /// Of this kind, whether its watch goes on or not; may be null.
  std::shared_ptr<FollowedKind> remembered() const {
    const bool is_any = run_.followed != nullptr && *run_.followed != nullptr;
    return is_any && (*run_.followed)->crd == live_.name ? *run_.followed : nullptr;
  }

  bool is_followed() const {
    const auto followed = remembered();
    return followed != nullptr && followed->generation == live_.generation;
  }

  /// Everything has to be looked at again. What was found out about clients goes on to count.
  void forget_watch() {
    if (const auto followed = remembered()) followed->generation = kNoGeneration;
  }

  /// An API server that has not heard of the bridge yet may write as before: everything is looked
  /// at again once it must have, and from then on followed.
  Result<StepOutcome> serve_both() {
    enter(is_held() ? "Hold" : "ServeBoth");
    ASSIGN_OR_RETURN(const Settling unsettled, settling(run_, {&live_}));
    const bool was_followed = is_followed();
    std::shared_ptr<FollowedKind> followed = remembered();
    // Of a write that was not made: it would be taken for somebody's.
    if (followed != nullptr) followed->last_watch.reset();
    if (!was_followed || unsettled.time.count() > 0) {
      ASSIGN_OR_RETURN(const auto problem, look_at_all(followed));
      if (problem) return beside(*problem, *followed);
    }
    if (unsettled.time.count() > 0) {
      RETURN_IF_ERROR(follow_for(*followed, unsettled.time));
      return unsettled.behind.empty() ? StepOutcome::progressed() : is_behind(unsettled);
    }
    if (is_held()) {
      RETURN_IF_ERROR(follow_for(*followed, kHeldPass));
      ASSIGN_OR_RETURN(const bool is_over, hold_is_over(*followed));
      if (!is_over) return held();
    }
    if (was_followed) {
      ASSIGN_OR_RETURN(const auto problem, look_at_all(followed));
      if (problem) return beside(*problem, *followed);
    }
    ASSIGN_OR_RETURN(followed->last_watch,
                     run_.cluster.watch({live_.resource_at(halves_.from_version()), "",
                                         followed->resource_version, ""}));
    RETURN_IF_ERROR(enter_by_write("Contract", BridgeStage::Contract));
    RETURN_IF_ERROR(wait_for_the_end(*followed));
    return StepOutcome::progressed();
  }

  /// Objects that are refused do not keep the others from being followed.
  Result<StepOutcome> beside(StepOutcome problem, FollowedKind& followed) {
    ASSIGN_OR_RETURN(problem.retry_after, follow_beside(followed, kBesideAProblem));
    return problem;
  }

  /// When to go on. At once, but where it ended early, since somebody wrote an object that is
  /// refused: everything has to be looked at then.
  Result<std::chrono::milliseconds> follow_beside(FollowedKind& followed,
                                                  std::chrono::milliseconds time) {
    const Time until = run_.clock.now() + time;
    RETURN_IF_ERROR(follow_for(followed, time));
    return run_.clock.now() < until ? kHeldPass : std::chrono::milliseconds(0);
  }

  static StepOutcome is_behind(const Settling& unsettled) {
    return StepOutcome::waiting("APIServerBehind",
                                unsettled.behind + "; nothing is taken away before it does",
                                std::chrono::milliseconds(0));
  }

  Result<bool> hold_is_over(FollowedKind& followed) {
    if (run_.spec().hold != Hold::UntilUnused || run_.spec().suspend) return false;
    in_place_record(run_, live_.name);
    const Time now = run_.clock.now();
    const auto not_looked = now - followed.looks.last;
    if (not_looked > kMissedLooks * between_looks(run_.spec())) followed.looks.since = now;
    // What was seen a while ago ends no hold.
    if (not_looked >= between_looks(run_.spec()) || is_unused_long_enough(run_)) {
      followed.looks.last = now;
      RETURN_IF_ERROR(look_for_use(run_, live_.name, live_.resource_at(halves_.from_version()),
                                   followed.writers));
    }
    const auto looked = run_.clock.now() - followed.looks.since;
    return is_unused_long_enough(run_) && looked >= looks_at_least(run_.spec());
  }

  /// A watch of the version that leaves, opened while it was served, stands for those of others.
  Result<void> wait_for_the_end(FollowedKind& followed) {
    const Time until = run_.clock.now() + kWatchesGivenUp;
    while (run_.clock.now() < until) {
      const auto event = followed.last_watch->next(std::chrono::milliseconds(0));
      if (!event && event.error().is(ErrorKind::Cancelled)) return fail(event.error());
      if (!event) {
        followed.last_watch.reset();
        return {};
      }
      if (!*event) RETURN_IF_ERROR(follow_late_edits(followed, kWatchPoll));
    }
    return fail(
        ErrorKind::Unavailable,
        "CustomResourceDefinition/" + live_.name + ": a watch of " + halves_.from_version() +
            ", which is not served any more, has not ended after 60 s, and objects keep "
            "both shapes until then; it is tried again; next: where that goes on, see "
            "whether an API server lags behind (kubectl get --raw /readyz?verbose at each)");
  }

  /// Whoever still wrote the old shape when its version went, through an API server that heard late
  /// of that, may go on at the new one within seconds: by then it has to be brought over.
  Result<void> follow_late_edits(FollowedKind& followed, std::chrono::milliseconds time) {
    auto outcome = follow(run_, kind(false), *followed.watch, time);
    if (outcome || outcome.error().is(ErrorKind::Cancelled)) return outcome;
    return run_.clock.sleep(time);  // all is looked at afterwards
  }

  /// Until no API server serves the old version, and no watch of it goes on.
  Result<void> wait_for_the_last() {
    const auto followed = run_.followed == nullptr ? nullptr : *run_.followed;
    if (followed == nullptr) return {};
    if (followed->last_watch) RETURN_IF_ERROR(wait_for_the_end(*followed));
    const Time until = run_.clock.now() + kWatchesGivenUp;
    while (run_.clock.now() < until) {
      ASSIGN_OR_RETURN(const Settling left, settling(run_, {&live_}));
      if (left.time.count() == 0) break;
      RETURN_IF_ERROR(follow_late_edits(*followed, left.time));
    }
    return {};
  }

  Result<std::optional<StepOutcome>> look_at_all(std::shared_ptr<FollowedKind>& followed) {
    const LooksForUse looks = followed == nullptr ? LooksForUse{} : followed->looks;
    forget_watch();
    followed = std::make_shared<FollowedKind>();
    followed->crd = live_.name;
    followed->generation = live_.generation;
    followed->looks = looks;
    ASSIGN_OR_RETURN(auto problem, bring_into_step(run_, kind(true, &followed->writers),
                                                   followed->resource_version));
    ASSIGN_OR_RETURN(followed->watch,
                     run_.cluster.watch({live_.resource(), "", followed->resource_version, ""}));
    if (problem) followed->generation = kNoGeneration;
    if (run_.followed != nullptr) *run_.followed = followed;
    return problem;
  }

  Result<void> follow_for(FollowedKind& followed, std::chrono::milliseconds time) {
    auto outcome = follow(run_, kind(true, &followed.writers), *followed.watch, time);
    if (outcome) return {};
    forget_watch();
    if (outcome.error().is(ErrorKind::Expired)) return {};
    return outcome;
  }

  StepOutcome held() const {
    const std::string both = live_.kind + ": " + halves_.from_version() + " and " +
                             halves_.to_version() +
                             " are both served, and every object is whole at both; ";
    if (run_.spec().suspend) {
      return StepOutcome::waiting("Suspended",
                                  both + "spec.suspend is true, so that neither goes, and edits " +
                                      "are brought over meanwhile; next: set it to false",
                                  std::chrono::milliseconds(0));
    }
    // Without a hold spec.inPlace.unusedFor is refused.
    const char* none = run_.spec().hold == Hold::UntilUnused
                           ? "{\"hold\":\"None\",\"unusedFor\":null}"
                           : "{\"hold\":\"None\"}";
    return StepOutcome::waiting("Held",
                                both + what_ends_it() + "; next: replace what uses " +
                                    halves_.from_version() + end_of_advice() +
                                    "kubectl patch gwm " + run_.migration.name +
                                    " --type=merge -p '{\"spec\":{\"inPlace\":" + none + "}}'",
                                std::chrono::milliseconds(0));
  }

  std::string what_ends_it() const {
    if (run_.spec().hold == Hold::UntilUnused) return use_text(run_, halves_.from_version());
    return halves_.from_version() + " goes when spec.inPlace.hold is None";
  }

  const char* end_of_advice() const {
    return run_.spec().hold == Hold::UntilUnused ? ", or end the hold: " : ", and then ";
  }

  Result<StepOutcome> contract() {
    CrdProgress& progress = run_.progress(action_);
    const bool is_pruned = live_.stored_versions == std::vector{target_.summary.storage_version()};
    if (progress.step != "Rewritten" || !is_pruned) {
      enter("Contract");
      std::string list;
      ASSIGN_OR_RETURN(const auto late, bring_into_step(run_, kind(false), list));
      if (late) return *late;
      RETURN_IF_ERROR(wait_for_the_last());
      RETURN_IF_ERROR(wait_since_settled(run_, live_, kWatchesEnd));
      if (run_.followed != nullptr) run_.followed->reset();
      ASSIGN_OR_RETURN(const auto problem, bring_into_step(run_, kind(false), list));
      if (problem) return *problem;
      Rewriting rewriting{action_, live_, {}};
      for (const CrdVersion& version : target_.summary.versions) {
        rewriting.kept_versions.push_back(version.name);
      }
      rewriting.request = [&](const Json& object) {
        return contraction_request(object, live_, halves_, rewriting.kept_versions);
      };
      ASSIGN_OR_RETURN(StepOutcome outcome, rewrite_and_prune(run_, {rewriting}));
      if (outcome.kind != StepOutcome::Kind::Progressed) return outcome;
    }
    const CrdOwner owner = crd_owner(before_);
    RETURN_IF_ERROR(write_crds(run_, {
                                         {target_, &live_, CrdWrite::To::Target, owner}
    }));
    return StepOutcome::progressed();
  }

  Run& run_;
  const PlannedAction& action_;
  const CrdSummary& live_;
  const BundleCrd& target_;
  const Halves& halves_;
  Json crd_;     // as it is now
  Json before_;  // as it was before the run
};

StepOutcome is_gone(const CrdSummary& target) {
  return StepOutcome::stalled("CRDChanged",
                              "CustomResourceDefinition/" + target.name +
                                  " was deleted by somebody during the run, and its objects with "
                                  "it; next: gatelift rollback brings them back from the backup");
}

}  // namespace

bool serves_both(const Record& record) {
  return record.phase == Phase::Migrate && std::ranges::any_of(record.crds, [](const auto& crd) {
           return crd.step == "ServeBoth" || crd.step == "Hold";
         });
}

Result<StepOutcome> beside_following(Run& run, Result<StepOutcome> stopped) {
  if (stopped && stopped->kind == StepOutcome::Kind::Progressed) return stopped;
  if (!stopped && is_transient(stopped.error().kind)) return stopped;
  if (!serves_both(run.record()) || run.backup == nullptr) return stopped;
  const auto action =
      std::ranges::find(run.plan().actions, ActionKind::ConvertInPlace, &PlannedAction::kind);
  if (action == run.plan().actions.end()) return stopped;
  const BundleCrd& target = *run.target->crd(action->crd);
  const CrdSummary* live = run.installed.crd(action->crd);
  if (live == nullptr || live->terminating) return stopped;
  const auto halves = halves_between(*live, target.summary);
  if (!halves) return stopped;
  ASSIGN_OR_RETURN(const auto again,
                   InPlace(run, *action, *live, target, *halves).keep_in_step(*run.backup));
  if (!again) return stopped;
  if (!stopped) {
    const Error& error = stopped.error();
    return StepOutcome::stalled(std::string(to_string(error.kind)), error.message, *again);
  }
  stopped->retry_after = std::min(stopped->retry_after, *again);
  return stopped;
}

Result<StepOutcome> convert_in_place(Run& run, const PlannedAction& action,
                                     const VerifiedBackup& backup) {
  const BundleCrd& target = *run.target->crd(action.crd);
  const CrdSummary* live = run.installed.crd(action.crd);
  const BackupEntry* before = backup.entry(BackupRole::Crd, action.crd, {"", action.crd});
  const bool is_another = live != nullptr && before != nullptr && before->uid != live->uid;
  if (live == nullptr || is_another) return is_gone(target.summary);
  if (live->terminating) {
    return StepOutcome::stalled("CRDTerminating", "CustomResourceDefinition/" + action.crd +
                                                      " is being deleted by somebody");
  }
  const auto halves = halves_between(*live, target.summary);
  if (halves) return InPlace(run, action, *live, target, *halves).move(backup);
  // No version of another shape is left: it is the target's, or differs from it as any CRD may.
  ASSIGN_OR_RETURN(const std::optional<StepOutcome> settled, settle_crds(run, {&action}));
  if (settled) return *settled;
  run.progress(action).step = "Done";
  return StepOutcome::progressed();
}

}  // namespace gatelift
