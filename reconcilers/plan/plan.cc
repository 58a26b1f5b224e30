// SPDX-License-Identifier: Apache-2.0
// One plan: what each CRD needs, what its objects and its surroundings say about that, and a digest
// over all of it.
#include "reconcilers/plan/plan.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "reconcilers/bundle/digest.h"
#include "reconcilers/bundle/version.h"
#include "reconcilers/convert/convert.h"
#include "reconcilers/plan/actions.h"
#include "reconcilers/plan/admission_checks.h"
#include "reconcilers/plan/bridge_checks.h"
#include "reconcilers/plan/client_checks.h"
#include "reconcilers/plan/crd_checks.h"
#include "reconcilers/plan/dependent_checks.h"
#include "reconcilers/plan/estimate.h"
#include "reconcilers/plan/findings.h"
#include "reconcilers/plan/installed_state.h"
#include "reconcilers/plan/object_checks.h"
#include "reconcilers/plan/owner_checks.h"
#include "reconcilers/plan/permission_checks.h"
#include "reconcilers/plan/server_checks.h"
#include "reconcilers/plan/strategy_comparison.h"
#include "reconcilers/steps/crd_writer.h"

namespace gatelift {
namespace {

/// What was not looked for depends on who looks, and on which aggregated API servers answer.
bool is_about_us(const Check& check) { return check.code == "Dependents" && check.object.empty(); }

std::string in_effect_message(int num, const std::string& to_version) {
  const std::string count = num == 1
                                ? "1 POLICY IS IN EFFECT: its backends"
                                : std::to_string(num) + " POLICIES ARE IN EFFECT: their backends";
  return "**" + count + " will be spoken to in PLAINTEXT** from the first deletion until a " +
         "controller that reads " + to_version + " serves, since implementations send plaintext " +
         "while a BackendTLSPolicy is absent";
}

class Planner {
 public:
  Planner(Cluster& cluster, const PlanInputs& inputs)
      : cluster_(cluster),
        inputs_(inputs),
        recogniser_(inputs.sources),
        state_(recognise(inputs.installed, &inputs.target, recogniser_)) {}

  Result<Plan> make() {
    plan_.operation = inputs_.operation;
    plan_.from = state_.from;
    plan_.installed = state_.crds;
    check_mixed(state_, findings_);
    plan_.to = inputs_.target.ref;
    plan_.bundle_digest = inputs_.target.digest;
    plan_.actions = plan_actions(inputs_.installed, inputs_.target, inputs_.spec.strategy);
    RETURN_IF_ERROR(look_at_kept_crds());
    moves_ = reference_moves(plan_.actions, inputs_.target);
    RETURN_IF_ERROR(look_at_crds());
    ASSIGN_OR_RETURN(std::vector<Check> obstacles, obstacles_to(cluster_, namespace_moves_));
    for (Check& check : obstacles) findings_.add(std::move(check));
    ASSIGN_OR_RETURN(denied_crds_, check_admission(cluster_, inputs_, plan_.actions, findings_));
    check_hold();
    ASSIGN_OR_RETURN(facts_.dependents,
                     check_dependents(cluster_, owner_uids_, inputs_.spec.mode, findings_));
    if (!plan_.is_empty()) RETURN_IF_ERROR(check_controllers(cluster_, inputs_, findings_));
    RETURN_IF_ERROR(check_api_servers(cluster_, inputs_, plan_.actions, findings_));
    if (!plan_.is_empty()) RETURN_IF_ERROR(try_writes());
    look_at_bundle();
    std::move(findings_).move_to(plan_, inputs_.spec.accept);
    seal();
    return std::move(plan_);
  }

 private:
  bool has_action(ActionKind kind) const {
    return std::ranges::any_of(plan_.actions,
                               [&](const PlannedAction& action) { return action.kind == kind; });
  }

  bool has_conversion() const {
    return std::ranges::any_of(
        plan_.actions, [](const PlannedAction& action) { return is_conversion(action.kind); });
  }

  /// A hold lasts as long as people need, and the policy would be away for all of it.
  void check_hold() {
    const bool is_held = inputs_.spec.hold != Hold::None && inputs_.operation == Operation::Upgrade;
    if (!is_held || !has_action(ActionKind::ConvertInPlace) ||
        !has_action(ActionKind::SuspendPolicy)) {
      return;
    }
    findings_.add({"PolicyAwayInHold", Severity::Blocker, "", "spec.inPlace.hold",
                   "an admission policy has to be away for the run, and the run is to be held",
                   "set spec.inPlace.hold to None, or go first to a bundle that the policy allows",
                   false});
  }

  PlannedAction* action_of(const std::string& crd) {
    const auto it = std::ranges::find_if(
        plan_.actions, [&](const PlannedAction& action) { return action.crd == crd; });
    return it == plan_.actions.end() ? nullptr : &*it;
  }

  Result<void> look_at_crds() {
    if (has_conversion()) {
      ASSIGN_OR_RETURN(terminating_namespaces_, terminating_namespaces(cluster_));
    }
    for (const BundleCrd& target : inputs_.target.crds) {
      const CrdSummary* live = inputs_.installed.crd(target.summary.name);
      if (live != nullptr) RETURN_IF_ERROR(look_at_crd(*live, target));
    }
    return {};
  }

  /// CRDs that the target does not have: their objects are made anew at another kind, stay, or go.
  Result<void> look_at_kept_crds() {
    for (PlannedAction& action : plan_.actions) {
      if (action.kind != ActionKind::Keep) continue;
      const CrdSummary& live = *inputs_.installed.crd(action.crd);
      const Renaming* renaming = renaming_of(
          action.crd, [&](std::string_view crd) { return inputs_.target.crd(crd) != nullptr; });
      const bool may_go = wants_removal(action);
      // What stays may be in any state.
      if ((renaming != nullptr || may_go) && !check_state(action, live, findings_)) continue;
      std::optional<ObjectScan> scan;
      if (live.established && !live.terminating) {
        ASSIGN_OR_RETURN(scan, look_at_kept_objects(action, live, renaming));
      }
      const bool makes = scan && scan->to_make > 0;
      findings_.add(orphan_check(action, makes));
      if (makes) {
        become_renaming(action, *renaming, *scan);
      } else if (scan && may_go) {
        become_removal(action, *scan);
      }
    }
    return {};
  }

  bool wants_removal(const PlannedAction& action) const {
    const Check orphan = orphan_check(action, false);
    return !orphan.resolutions.empty() &&
           std::ranges::any_of(inputs_.spec.accept,
                               [&](const Consent& consent) { return covers(consent, orphan); });
  }

  /// nullopt where we may not look.
  Result<std::optional<ObjectScan>> look_at_kept_objects(PlannedAction& action,
                                                         const CrdSummary& live,
                                                         const Renaming* renaming) {
    PlannedAction looked_at = action;
    const std::set<std::string> none;
    ObjectScanInputs inputs{&looked_at, live, nullptr, none, inputs_.spec.accept, renaming};
    if (renaming != nullptr) {
      looked_at.kind = ActionKind::Rename;
      inputs.target = inputs_.target.crd(renaming->to_crd);
      ASSIGN_OR_RETURN(inputs.made, objects_of(std::string(renaming->to_crd)));
    }
    inputs.intention_sink = &inputs_.intention_sink;
    auto scan = scan_objects(cluster_, inputs);
    if (!scan) {
      if (!scan.error().is(ErrorKind::Forbidden)) return fail(std::move(scan).error());
      if (renaming != nullptr || live.kind == "BackendTLSPolicy") report_unreadable(live);
      return std::nullopt;
    }
    action.objects = scan->objects;
    findings_.add_all(std::move(scan->findings));
    return std::optional(*std::move(scan));
  }

  Result<std::map<ObjectKey, Json>> objects_of(const std::string& crd) {
    std::map<ObjectKey, Json> objects;
    const CrdSummary* live = inputs_.installed.crd(crd);
    if (live == nullptr || live->terminating || !live->established) return objects;
    Request list;
    list.verb = Verb::List;
    list.resource = live->resource();
    RETURN_IF_ERROR(for_each_object(cluster_, list, [&](Json&& object) -> Result<void> {
      const ObjectKey key = key_of(object);
      objects[key] = std::move(object);
      return {};
    }));
    return objects;
  }

  /// A policy that is in effect is not offered for removal.
  static Check orphan_check(const PlannedAction& action, bool makes_anew) {
    Check check{"OrphanCRD",
                Severity::Note,
                crd_display(action.crd),
                "",
                "the target does not have it; it and its " + std::to_string(action.objects) +
                    " objects stay as they are" +
                    (makes_anew ? ", beside those that are made anew; once those are in use, "
                                  "another migration can remove the old ones"
                                : ""),
                "",
                false};
    if (makes_anew || action.object_kind == "BackendTLSPolicy") return check;
    check.next =
        "where nobody needs it any more, accept this check with resolution Remove: its objects are "
        "backed up, and they and the CRD are deleted; what names them as its owner is "
        "garbage-collected";
    check.resolutions = {"Remove"};
    check.by_object = true;
    return check;
  }

  void become_removal(PlannedAction& action, const ObjectScan& scan) {
    action.kind = ActionKind::Remove;
    action.reason = "the target does not have it, and spec.accept asks for its removal";
    object_digests_[action.crd] = scan.digest;
    if (scan.hanging.empty()) return;
    findings_.add({"Finalizer", Severity::Blocker, scan.hanging, "metadata.finalizers",
                   "it has a finalizer or is being deleted, so that its removal would hang",
                   "let the controller behind it finish, or take the consent to the removal of its "
                   "CRD out of spec.accept",
                   false});
  }

  void become_renaming(PlannedAction& action, const Renaming& renaming, const ObjectScan& scan) {
    const CrdSummary& target = inputs_.target.crd(renaming.to_crd)->summary;
    action.kind = ActionKind::Rename;
    action.to_crd = target.name;
    action.to_storage = target.storage_version();
    action.to_digest = target.digest;
    action.reason = "the target has " + target.kind + " in its place";
    action.changed_objects = scan.to_make;
    object_digests_[action.crd] = scan.digest;
  }

  Result<void> look_at_crd(const CrdSummary& live, const BundleCrd& target) {
    PlannedAction* action = action_of(live.name);
    if (action != nullptr) {
      if (!check_state(*action, live, findings_)) {
        unusable_.insert(live.name);
        return {};
      }
      if (live.digest != target.summary.digest) check_content(live, target.summary);
    }
    ObjectScanInputs inputs{action, live, &target, terminating_namespaces_, inputs_.spec.accept};
    inputs.moves = moves_;
    inputs.intention_sink = &inputs_.intention_sink;
    auto scan = scan_objects(cluster_, inputs);
    if (!scan) {
      if (!scan.error().is(ErrorKind::Forbidden)) return fail(std::move(scan).error());
      report_unreadable(live);
      return {};
    }
    if (action == nullptr) {
      add_for_objects(live, target.summary, *std::move(scan));
      return {};
    }
    take_scan(*action, live, *std::move(scan));
    return {};
  }

  void check_content(const CrdSummary& live, const CrdSummary& target) {
    const auto crd = std::ranges::find(state_.crds, live.name, &InstalledCrd::crd);
    check_known(*crd, findings_);
    check_foreign_versions(live, target, recogniser_, findings_);
  }

  void report_unreadable(const CrdSummary& live) {
    Access access{"list", live.group, live.plural, "", "", Severity::Blocker};
    findings_.add(
        {"MissingPermission", Severity::Blocker, access.display(), access.verb,
         "we may not list " + access.display() + ", so that nothing can be said about its objects",
         "add the rule " + access.rule() + " to a ClusterRole that is bound to our ServiceAccount",
         false});
    unreadable_.insert(live.name);
  }

  /// Actions on a CRD whose content is right, for what is in its objects.
  void add_for_objects(const CrdSummary& live, const CrdSummary& target, ObjectScan scan) {
    if (!scan.stale_managers && scan.carried == 0) return;
    PlannedAction action = reencoding(live, target);
    action.reason =
        "managedFields of its objects name versions that the target does not have, which would "
        "break every later server-side apply";
    if (scan.carried > 0) {
      action.kind = ActionKind::Carry;
      action.rewrites_objects = scan.stale_managers;
      action.changed_objects = scan.changed;
      action.reason = "objects name a kind that is renamed or removed";
    }
    action.objects = scan.objects;
    findings_.add_all(std::move(scan.findings));
    plan_.actions.push_back(std::move(action));
    object_digests_[live.name] = scan.digest;
  }

  void take_scan(PlannedAction& action, const CrdSummary& live, ObjectScan scan) {
    action.objects = scan.objects;
    object_digests_[live.name] = std::move(scan.digest);
    findings_.add_all(std::move(scan.findings));
    action.changed_objects = scan.changed;
    if (scan.stale_managers && action.kind == ActionKind::Update) action.rewrites_objects = true;
    const bool in_place = action.kind == ActionKind::Update || action.kind == ActionKind::Reencode;
    if (scan.carried > 0 && in_place) action.kind = ActionKind::Carry;
    if (is_conversion(action.kind)) note_conversion(action, live, scan.conversion);
    if (action.kind == ActionKind::ConvertInPlace) warn_without_hold(scan.conversion.in_effect);
    if (action.kind != ActionKind::Convert) return;
    namespace_moves_.insert(namespace_moves_.end(), scan.moves.begin(), scan.moves.end());
    owner_uids_.insert(owner_uids_.end(), scan.uids.begin(), scan.uids.end());
    if (facts_.is_mixed) report_mixed_shapes(live);
    if (scan.conversion.in_effect > 0 && live.kind == "BackendTLSPolicy") {
      findings_.add(
          {"PlaintextWhileAbsent", Severity::Warning, crd_display(live.name), "",
           in_effect_message(scan.conversion.in_effect, action.to_storage),
           "set spec.strategy to InPlace, which deletes nothing; or run it when these backends may "
           "be spoken to in plaintext or are not spoken to at all, and start the controller that "
           "reads " +
               action.to_storage + " at once afterwards",
           false});
    }
  }

  /// Whoever has accepted them reads the version that leaves, and most controllers cannot start on
  /// the new one before it is served. A rollback goes to the version that they read.
  void warn_without_hold(int in_effect) {
    const bool is_held = inputs_.spec.hold != Hold::None;
    if (in_effect == 0 || is_held || inputs_.operation == Operation::Rollback) return;
    findings_.add(
        {"NoHold", Severity::Warning, crd_display(facts_.crd), "spec.inPlace.hold",
         std::to_string(in_effect) + (in_effect == 1 ? " policy is" : " policies are") +
             " in effect by controllers that read " + joined(facts_.leaving) +
             ", and nothing holds it served while they are replaced: they see no further change "
             "afterwards, and no policy after a restart",
         "set spec.inPlace.hold to Approval or UntilUnused (--hold), and replace them while both "
         "versions are served",
         false});
  }

  void note_conversion(const PlannedAction& action, const CrdSummary& live,
                       const ConversionCounts& counts) {
    const auto shape_moves = [&](const std::string& version) {
      return shape_changes(live.group, live.kind, version, action.to_storage);
    };
    facts_.crd = live.name;
    facts_.kind = live.kind;
    facts_.objects = action.objects;
    for (const CrdVersion& version : live.versions) {
      if (shape_moves(version.name)) facts_.leaving.push_back(version.name);
    }
    facts_.to_version = action.to_storage;
    facts_.counts = counts;
    facts_.is_mixed =
        action.objects > 0 && !std::ranges::all_of(action.stored_versions, shape_moves);
  }

  /// A bridge of somebody else's: at one version there are objects of both shapes, and nothing says
  /// which is which.
  void report_mixed_shapes(const CrdSummary& live) {
    findings_.add(
        {"MixedShapes", Severity::Blocker, crd_display(live.name), "status.storedVersions",
         "objects may be stored in the old and in the new shape side by side, which only "
         "an unfinished conversion leaves behind",
         "finish or undo that conversion until status.storedVersions names one version", false});
  }

  Result<void> try_writes() {
    std::map<std::string, Json> live;  // metadata
    std::map<std::string, CrdOwner::Way> ways;
    for (const PlannedAction& action : plan_.actions) {
      if (action.kind == ActionKind::Create || !writes_target_crd(action.kind)) continue;
      ASSIGN_OR_RETURN(std::optional<Json> metadata, check_owner(cluster_, action.crd, findings_));
      if (!metadata) continue;
      note_owner(action.crd, *metadata);
      ways[action.crd] = crd_owner(*metadata).way;
      live[action.crd] = *std::move(metadata);
    }
    std::vector<Access> accesses =
        accesses_for(plan_.actions, inputs_, ways, !namespace_moves_.empty());
    std::erase_if(accesses, [&](const Access& access) { return is_reported(access); });
    ASSIGN_OR_RETURN(const std::vector<Access> denied, denied_of(cluster_, accesses));
    report_denied(denied, inputs_.spec.mode, findings_);
    std::vector<Trial> trials;
    int not_tried = 0;
    for (const PlannedAction& action : plan_.actions) {
      if (!writes_target_crd(action.kind) || action.kind == ActionKind::Reencode) continue;
      if (unusable_.contains(action.crd)) continue;
      if (!may_try(action, denied)) {
        ++not_tried;
        continue;
      }
      trials.push_back({action, *inputs_.target.crd(action.crd), live[action.crd],
                        denied_crds_.contains(action.crd)});
    }
    if (not_tried > 0) {
      findings_.add({"CRDNotTried", Severity::Note, "", "",
                     "the API server was not asked whether it takes " + std::to_string(not_tried) +
                         " of the target's CRDs: a dry run needs the right to the write",
                     "", false});
    }
    ASSIGN_OR_RETURN(const std::set<std::string> refused,
                     check_refusals(cluster_, trials, findings_));
    return look_at_bridges(denied, refused);
  }

  /// Whose target is refused is not asked for its bridge: the same words would come back.
  Result<void> look_at_bridges(const std::vector<Access>& denied,
                               const std::set<std::string>& refused) {
    for (const PlannedAction& action : plan_.actions) {
      if (!is_conversion(action.kind) || unusable_.contains(action.crd)) continue;
      ASSIGN_OR_RETURN(const Json live, get(cluster_, resources::kCrds, {"", action.crd}));
      const BundleCrd& target = *inputs_.target.crd(action.crd);
      facts_.no_bridge = obstacle_to_bridge(live, target);
      if (action.kind == ActionKind::Convert) continue;
      const bool may_write = std::ranges::none_of(denied, [&](const Access& access) {
        return access.resource == resources::kCrds.plural && access.name == action.crd;
      });
      RETURN_IF_ERROR(check_bridge(cluster_, live, target,
                                   may_write && !refused.contains(action.crd),
                                   denied_crds_.contains(action.crd), findings_));
    }
    return {};
  }

  void note_owner(const std::string& crd, const Json& metadata) {
    const auto owner = foreign_owner(metadata);
    const auto installed = std::ranges::find(plan_.installed, crd, &InstalledCrd::crd);
    if (owner && installed != plan_.installed.end()) installed->owner = owner->name;
  }

  bool is_reported(const Access& access) const {
    return access.verb == "list" && unreadable_.contains(access.resource + "." + access.group);
  }

  /// RBAC takes a dry run of a write for the write.
  bool may_try(const PlannedAction& action, const std::vector<Access>& denied) const {
    const bool creates = is_tried_as_creation(action, inputs_.target.crd(action.crd)->summary);
    return std::ranges::none_of(denied, [&](const Access& access) {
      if (access.resource != resources::kCrds.plural) return false;
      return creates ? access.verb == "create" : access.name == action.crd;
    });
  }

  void look_at_bundle() {
    if (plan_.is_empty()) return;
    for (const BundleSources::Entry& entry : inputs_.sources.list()) {
      if (entry.ref != inputs_.target.ref || entry.known_bad.empty()) continue;
      findings_.add({"KnownBadRelease", Severity::Warning, "", "spec.target.version",
                     entry.ref.display() + " should not be installed: " + entry.known_bad,
                     "choose a later patch release", false});
    }
    check_direction();
  }

  void check_direction() {
    if (inputs_.operation == Operation::Rollback || !parse_bundle_version(plan_.to.version)) return;
    const auto newest = newest_of(state_.crds);
    if (!newest) return;
    if (compare_bundle_versions(plan_.to.version, newest->bundle.version) >= 0) return;
    findings_.add({"Downgrade", Severity::Warning, "", "spec.target.version",
                   plan_.to.display() + " is older than what is installed: " + newest->crd +
                       " is of " + newest->bundle.display(),
                   "make sure that the controllers in use read the versions that it serves",
                   false});
  }

  void estimate() {
    const Estimate estimate =
        estimate_of(plan_.actions, cost_of(facts_, inputs_.spec, inputs_.operation));
    plan_.objects = estimate.objects;
    plan_.estimated_writes = estimate.writes;
    plan_.estimated_unavailable = estimate.unavailable;
    // Going back has no choice: it takes the way that the run took.
    if (inputs_.operation == Operation::Upgrade && !facts_.crd.empty()) {
      plan_.strategies = compare_strategies(plan_, inputs_.spec, facts_);
    }
  }

  /// Statuses are left out throughout, and with them notes and the words of checks: an approval
  /// must survive that controllers write status. What was approved is bound by the identity and
  /// generation of every object.
  void seal() {
    estimate();
    Json sealed = {
        {"operation", to_string(plan_.operation)      },
        {"strategy",  to_string(inputs_.spec.strategy)},
        {"bundle",    plan_.bundle_digest             },
        {"objects",   object_digests_                 },
        {"actions",   Json::array()                   },
        {"checks",    Json::array()                   }
    };
    for (const PlannedAction& action : plan_.actions) {
      sealed["actions"].push_back({to_string(action.kind), action.crd, action.from_digest,
                                   action.to_digest, action.from_storage, action.to_storage,
                                   action.stored_versions, action.objects, action.rewrites_objects,
                                   action.changed_objects, action.to_crd});
    }
    for (const Check& check : plan_.checks) {
      if (check.severity == Severity::Note || is_about_us(check)) continue;
      if (is_about_clients(check)) continue;
      sealed["checks"].push_back(
          {check.code, to_string(check.severity), check.object, check.field, check.resolution});
    }
    plan_.digest = digest_of(sealed);
  }

  Cluster& cluster_;
  const PlanInputs& inputs_;
  Recogniser recogniser_;
  InstalledState state_;
  Plan plan_;
  Findings findings_;
  std::vector<ReferenceMove> moves_;
  std::set<std::string> terminating_namespaces_;
  std::set<std::string> unusable_;     // CRDs about which nothing more can be said
  std::set<std::string> denied_crds_;  // CRDs whose write an admission policy is known to deny
  std::set<std::string> unreadable_;   // CRDs whose objects we may not list
  std::map<std::string, std::string> object_digests_;
  std::vector<std::string> owner_uids_;  // of objects that are made anew
  ConversionFacts facts_;                // of the one kind that changes its shape
  std::vector<NamespaceMove> namespace_moves_;
};

}  // namespace

Result<Plan> make_plan(Cluster& cluster, const PlanInputs& inputs) {
  return Planner(cluster, inputs).make();
}

}  // namespace gatelift
