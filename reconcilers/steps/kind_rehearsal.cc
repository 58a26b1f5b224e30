// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/steps/kind_rehearsal.h"

#include <algorithm>
#include <unordered_set>
#include <utility>
#include <vector>

#include "reconcilers/convert/convert.h"
#include "reconcilers/convert/intention.h"
#include "reconcilers/convert/pruning.h"
#include "reconcilers/plan/actions.h"
#include "reconcilers/steps/intended_items.h"
#include "reconcilers/steps/rewrite.h"
#include "reconcilers/steps/rewriting_trial.h"
#include "reconcilers/steps/trial.h"

namespace gatelift {
namespace {

using Evidence = RehearsalProtocol::Evidence;

constexpr std::size_t kAtOnce = 100;  // objects that are held in memory
/// Objects of a kind that are stored at the copy, and are held as long.
constexpr std::size_t kMostStored = 500;

class KindRehearsal {
 public:
  KindRehearsal(Run& run, const RehearsedKind& kind, const ScratchCopy& copy,
                const RehearsalWays& ways, RehearsalProtocol& protocol)
      : run_(run),
        kind_(kind),
        copy_(copy),
        ways_(ways),
        protocol_(protocol),
        rewriting_{kind.action, kind.live, {}},
        asks_each_(kind.is_judged || !kind.at_copy) {
    if (kind.target == nullptr) return;
    for (const CrdVersion& version : kind.target->summary.versions) {
      rewriting_.kept_versions.push_back(version.name);
    }
    if (!kind.at_copy) return;
    items_.emplace(run, kind.action);
    schema_ = schema_of(kind.target->json(), kind.target->summary.storage_version());
    at_ = scratch_resource(kind.target->summary);
  }

  Result<std::optional<StepOutcome>> rehearse() {
    if (items_) RETURN_IF_ERROR(items_->prepare());
    std::vector<ObjectTrial> trials;
    // Trials take longer than reading, so that the list may be compacted away meanwhile.
    for (bool is_over = false; !is_over;) {
      const std::size_t num_seen = seen_.size();
      const Result<void> listed = list_unseen(trials);
      if (!problem_.empty()) return plan_anew();
      is_over = listed.has_value();
      const bool goes_on =
          is_over || (listed.error().is(ErrorKind::Expired) && seen_.size() > num_seen);
      if (!goes_on) return fail(wrap(listed.error(), "rehearsing " + kind_.action.crd));
    }
    RETURN_IF_ERROR(finish(trials));
    RETURN_IF_ERROR(try_what_is_refused());
    report_kind();
    return std::nullopt;
  }

 private:
  Result<void> list_unseen(std::vector<ObjectTrial>& trials) {
    Request list;
    list.verb = Verb::List;
    list.resource = kind_.live.resource();
    list.metadata_only = !kind_.at_copy;
    RETURN_IF_ERROR(for_each_object(run_.cluster, list, [&](Json&& object) -> Result<void> {
      if (!problem_.empty() || !seen_.insert(uid_of(object)).second) return {};
      ASSIGN_OR_RETURN(ObjectTrial trial, begin(std::move(object)));
      if (!problem_.empty()) return {};
      trials.push_back(std::move(trial));
      return trials.size() < kAtOnce ? Result<void>() : finish(trials);
    }));
    return {};
  }

  bool is_deleted() const {
    return kind_.action.kind == ActionKind::Convert || kind_.action.kind == ActionKind::Remove;
  }

  /// Whether all of it is written anew, so that no field of it is forgiven.
  bool is_remade() const { return is_conversion(kind_.action.kind); }

  /// Whether the run writes the object as it is now: a new kind's objects come beside the old ones.
  bool is_written(const ObjectTrial& trial) const {
    return is_deleted() || kind_.action.rewrites_objects ||
           (trial.needs_write && kind_.action.kind != ActionKind::Rename);
  }

  std::string name_of(const ObjectTrial& trial) const {
    return display_name(kind_.live.kind, key_of(trial.object));
  }

  StepOutcome plan_anew() {
    run_.log("warn", "planning again: " + problem_);
    drop_plan(run_);
    return StepOutcome::progressed();
  }

  Result<ObjectTrial> begin(Json&& object) {
    ObjectTrial trial;
    trial.object = std::move(object);
    if (is_being_deleted(trial.object)) trial.passed_over = "it is being deleted";
    if (!kind_.at_copy || !trial.passed_over.empty()) return trial;
    std::optional<BackupItem> changed;
    ASSIGN_OR_RETURN(const std::vector<ConversionProblem> problems,
                     items_->of(trial.object, changed));
    if (!problems.empty()) {
      problem_ = name_of(trial) + ": " + problems.front().message;
      return trial;
    }
    if (changed) {
      trial.needs_write = true;
      trial.body = trial_body(changed->object, at_);
    } else if (is_remade()) {
      trial.not_made = "a consent leaves it in the backup";
      return trial;
    } else if (kind_.action.kind == ActionKind::Rename) {
      trial.passed_over = "there is one at the new kind already";
      return trial;
    } else {
      trial.body = trial_body(as_it_stays(trial.object), at_);
    }
    if (!copy_.is_served) trial.untried = copy_.refusal;
    return trial;
  }

  /// The object as the target serves it where nobody writes it.
  Json as_it_stays(const Json& object) const {
    // Versions of one shape convert without a problem.
    Json seen = convert_object(object, kind_.target->summary.storage_version()).object;
    prune(schema_, seen);
    return seen;
  }

  /// Tries what was begun, and forgets it.
  Result<void> finish(std::vector<ObjectTrial>& trials) {
    if (kind_.at_copy && copy_.is_served) {
      const auto made = [](const ObjectTrial& trial) { return trial.not_made.empty(); };
      RETURN_IF_ERROR(try_at_copy(run_, at_, ways_.create_by, open_ones(trials, made)));
    }
    if (kind_.by_own_write) RETURN_IF_ERROR(ask_for_own_writes(trials));
    for (ObjectTrial& trial : trials) {
      if (!needs_rewriting_trial(trial)) {
        conclude(trial);
      } else if (refused_.size() < kMostStored) {
        refused_.push_back(std::move(trial));
      } else {
        trial.unproven =
            std::to_string(kMostStored) + " objects of this kind are tried and no more";
        conclude(trial);
      }
    }
    num_done_ += static_cast<int>(trials.size());
    run_.report(kind_.action.crd, "Rehearse", num_done_, kind_.action.objects);
    trials.clear();
    return {};
  }

  Result<void> ask_for_own_writes(std::vector<ObjectTrial>& trials) {
    const auto asked = [&](const ObjectTrial& trial) {
      const bool is_tried = kind_.at_copy && trial.not_made.empty() && trial.untried.empty();
      return is_written(trial) && !trial.is_asked && (asks_each_ || !is_tried);
    };
    if (!asks_each_ && !asked_once_) {
      const auto written = [&](const ObjectTrial& trial) { return is_written(trial); };
      ObjectTrials first = open_ones(trials, written);
      if (first.empty()) return {};
      first.resize(1);
      asked_once_ = true;
      RETURN_IF_ERROR(try_own_writes(run_, own_writes(), first));
      asks_each_ = !first[0]->denial.empty() || !first[0]->unasked.empty();
    }
    return try_own_writes(run_, own_writes(), open_ones(trials, asked));
  }

  /// Whether the object stays unless the API server does not forgive the run's own write.
  bool needs_rewriting_trial(const ObjectTrial& trial) const {
    return trial.is_invalid && trial.passed_over.empty() && is_written(trial) &&
           std::ranges::all_of(trial.refusals, [&](const Refusal& refusal) {
             return stake_of(trial, refusal) == Stake::Stays;
           });
  }

  Result<void> try_what_is_refused() {
    std::vector<RewritingTrial> rewritings;
    for (const ObjectTrial& trial : refused_) {
      RewritingTrial rewriting;
      rewriting.after = trial.body;
      rewriting.before =
          trial.needs_write ? trial_body(as_it_stays(trial.object), at_) : trial.body;
      rewriting.changes_metadata =
          kind_.action.rewrites_objects &&
          rewrite_request(trial.object, rewriting_).verb == Verb::JsonPatch;
      rewritings.push_back(std::move(rewriting));
    }
    if (!rewritings.empty()) RETURN_IF_ERROR(try_rewritings(run_, *kind_.target, rewritings));
    for (std::size_t i = 0; i < refused_.size(); ++i) {
      refused_[i].unforgiven = std::move(rewritings[i].refusals);
      refused_[i].unproven = std::move(rewritings[i].unproven);
      conclude(refused_[i]);
    }
    refused_.clear();
    return {};
  }

  template <typename Wanted>
  static ObjectTrials open_ones(std::vector<ObjectTrial>& trials, const Wanted& wanted) {
    ObjectTrials open;
    for (ObjectTrial& trial : trials) {
      if (trial.passed_over.empty() && wanted(trial)) open.push_back(&trial);
    }
    return open;
  }

  OwnWrites own_writes() const {
    OwnWrites writes;
    writes.resource = kind_.live.resource();
    writes.reads_metadata_only = !kind_.at_copy;
    // No write changes a field that the schema looks at, and no schema is asked about deletions.
    writes.knows_schema = !kind_.at_copy || is_deleted() || ways_.forgives_unchanged_fields;
    writes.request = [&](const ObjectTrial& trial) {
      if (!is_deleted()) return rewrite_request(trial.object, rewriting_);
      Request request;
      request.verb = Verb::Delete;
      request.resource = kind_.live.resource();
      request.key = key_of(trial.object);
      request.preconditions.uid = uid_of(trial.object);
      return request;
    };
    return writes;
  }

  // What it comes to.

  Stake stake_of(const ObjectTrial& trial, const Refusal& refusal) const {
    if (is_remade()) return Stake::Remade;
    if (kind_.action.kind == ActionKind::Rename) return Stake::Written;
    const bool is_forgiven = !refusal.hides_others && is_unchanged(trial, refusal.field);
    if (trial.needs_write && !is_forgiven) return Stake::Written;
    if (!is_written(trial)) return ways_.forgives_unchanged_fields ? Stake::Stays : Stake::Frozen;
    const bool is_taken = ways_.forgives_unchanged_fields && trial.unproven.empty();
    return is_taken ? Stake::Stays : Stake::Written;
  }

  /// Whether the write that an object needs leaves what is around the field as it is.
  bool is_unchanged(const ObjectTrial& trial, const std::string& field) const {
    return is_same_around(field, as_it_stays(trial.object), trial.body);
  }

  /// What is said against the object, with what is at stake. The API server may forgive one field
  /// and not another, and come to one that it did not look at before.
  std::vector<Refusal> judged(const ObjectTrial& trial) const {
    std::vector<Refusal> all = trial.unforgiven;
    for (Refusal& refusal : all) refusal.stake = Stake::Written;
    for (Refusal refusal : trial.refusals) {
      if (std::ranges::find(trial.unforgiven, refusal.field, &Refusal::field) !=
          trial.unforgiven.end()) {
        continue;
      }
      refusal.stake = stake_of(trial, refusal);
      if (refusal.stake == Stake::Written) refusal.unproven = trial.unproven;
      all.push_back(std::move(refusal));
    }
    return all;
  }

  void conclude(ObjectTrial& trial) {
    const std::string name = name_of(trial);
    const bool is_for_copy = kind_.at_copy && trial.not_made.empty();
    const bool was_tried_at_copy = is_for_copy && trial.untried.empty();
    const bool was_asked = trial.is_asked && trial.unasked.empty();
    if (trial.has_no_namespace) {
      if (!is_remade()) return protocol_.pass_over(name, "its namespace goes away");
      trial.refusals.push_back({"metadata.namespace", "its namespace goes away"});
    }
    if (!trial.untried.empty() && num_untried_++ == 0) untried_because_ = trial.untried;
    if (!trial.unasked.empty() && num_unasked_++ == 0) unasked_because_ = trial.unasked;
    if (!trial.passed_over.empty()) return protocol_.pass_over(name, trial.passed_over);
    const Evidence evidence = was_tried_at_copy ? Evidence::Copy
                              : was_asked       ? Evidence::DryRun
                                                : Evidence::None;
    std::vector<Check> checks;
    for (const Refusal& refusal : judged(trial)) {
      checks.push_back(refusal_check(name, kind_.target->summary.kind, refusal));
    }
    if (!trial.denial.empty()) checks.push_back(denial_check(name, trial.denial));
    if (!checks.empty()) {
      protocol_.refuse(name, evidence, std::move(checks));
    } else if (evidence == Evidence::None || (is_for_copy && !was_tried_at_copy)) {
      protocol_.pass_over(name, is_for_copy ? trial.untried : trial.unasked);
    } else {
      protocol_.accept(name, evidence, trial.added);
    }
  }

  void report_kind() {
    const Stake stake = is_remade() ? Stake::Remade : Stake::Stays;
    if (num_untried_ > 0) {
      protocol_.add(unrehearsed_check(kind_.action.crd, stake, num_untried_, untried_because_));
    }
    if (num_unasked_ > 0) {
      protocol_.add(unasked_check(kind_.action.crd, num_unasked_, unasked_because_));
    }
  }

  Run& run_;
  const RehearsedKind& kind_;
  const ScratchCopy& copy_;
  const RehearsalWays& ways_;
  RehearsalProtocol& protocol_;
  std::optional<IntendedItems> items_;
  Json schema_;  // the target's
  Resource at_;  // the copy's collection
  Rewriting rewriting_;
  bool asks_each_;  // for the own write, also where the copy was
  bool asked_once_ = false;
  std::unordered_set<std::string> seen_;  // uids
  std::vector<ObjectTrial> refused_;      // whose rewriting is still to be tried
  std::string problem_;                   // why the plan does not hold any more
  std::string untried_because_;
  std::string unasked_because_;
  int num_untried_ = 0;
  int num_unasked_ = 0;
  int num_done_ = 0;
};

}  // namespace

Result<std::optional<StepOutcome>> rehearse_kind(Run& run, const RehearsedKind& kind,
                                                 const ScratchCopy& copy, const RehearsalWays& ways,
                                                 RehearsalProtocol& protocol) {
  return KindRehearsal(run, kind, copy, ways, protocol).rehearse();
}

}  // namespace gatelift
