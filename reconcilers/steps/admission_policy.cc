// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/steps/admission_policy.h"

#include <algorithm>
#include <utility>

#include "reconcilers/admission/safe_upgrades.h"
#include "reconcilers/events.h"
#include "reconcilers/plan/crd_checks.h"
#include "reconcilers/steps/admission_backup.h"
#include "reconcilers/steps/api_servers.h"
#include "reconcilers/steps/crd_writer.h"
#include "reconcilers/steps/pending_crds.h"
#include "reconcilers/steps/policy_restoration.h"

namespace gatelift {
namespace {

constexpr std::chrono::milliseconds kPoll{200};
constexpr std::chrono::seconds kLingersAtMost{30};
constexpr std::chrono::seconds kOtherServersHear{3};
constexpr std::chrono::minutes kNoFight{10};
constexpr const char* kVersionAnnotation = "gateway.networking.k8s.io/bundle-version";
constexpr const char* kChannelAnnotation = "gateway.networking.k8s.io/channel";

std::string policy_display(const std::string& name) {
  return display_name(kPolicyKind, {"", name});
}

/// The policy and the binding of its name.
struct Live {
  std::optional<Json> policy;
  std::optional<Json> binding;
  bool is_there() const { return policy || binding; }
};

Result<Live> read_live(Run& run, const std::string& name) {
  Live live;
  ASSIGN_OR_RETURN(live.policy,
                   get_if_exists(run.cluster, resources::kAdmissionPolicies, {"", name}));
  ASSIGN_OR_RETURN(live.binding,
                   get_if_exists(run.cluster, resources::kAdmissionPolicyBindings, {"", name}));
  return live;
}

// Suspending.

StepOutcome put_back_by_others(Run& run, const std::string& name) {
  if (run.policy_kept_until != nullptr) *run.policy_kept_until = run.clock.now() + kNoFight;
  return StepOutcome::stalled(
      "PolicyReverted",
      policy_display(name) +
          " was taken away for this run, and somebody else has put it back since; it is not taken "
          "away again for 10 minutes; next: find out who (kubectl get validatingadmissionpolicy " +
          name + " --show-managed-fields -o yaml), and stop them for the time of the run",
      std::chrono::seconds(30));
}

/// After a stop the policy is back. What stopped the run is said again until it is tried again: not
/// at once, so that the cluster is protected while a person looks at it.
std::optional<StepOutcome> kept_for_now(Run& run) {
  const Time now = run.clock.now();
  if (run.policy_kept_until == nullptr || !*run.policy_kept_until) return std::nullopt;
  if (now >= **run.policy_kept_until || run.record().is_absence_open()) return std::nullopt;
  if (pending_crd_writes(run).empty()) return std::nullopt;  // nothing is tried that may stop again
  const Condition* said = run.record().condition("Stalled");
  if (said == nullptr || said->status != "True") return std::nullopt;  // it was not recorded
  return StepOutcome::stalled(
      said->reason, said->message,
      std::max<std::chrono::milliseconds>(**run.policy_kept_until - now, std::chrono::seconds(1)));
}

/// Backup and record come before the deletion: whoever continues this run knows what to put back.
Result<void> note_suspension(Run& run, const std::string& name, const Live& live) {
  if (live.policy) {
    RETURN_IF_ERROR(hold_in_backup(run, resources::kAdmissionPolicies, *live.policy));
  }
  if (live.binding) {
    RETURN_IF_ERROR(hold_in_backup(run, resources::kAdmissionPolicyBindings, *live.binding));
  }
  run.record().suspended_policy = SuspendedPolicy{name, run.backup->summary().ref, run.clock.now()};
  return write_record(run);
}

/// The annotations are all that the policy looks at. Those that the target lacks go.
Request annotation_change(const BundleCrd& target) {
  const Json manifest = target.json();
  Json annotations = {
      {kVersionAnnotation, nullptr},
      {kChannelAnnotation, nullptr}
  };
  if (const Json* wanted = find(manifest, "metadata", "annotations")) annotations.update(*wanted);
  Request request;
  request.verb = Verb::MergePatch;
  request.resource = resources::kCrds;
  request.key = key_of(manifest);
  request.body["metadata"]["annotations"] = std::move(annotations);
  return request;
}

/// A dry run of a write that the policy in the backup forbids; nullopt where it forbids none.
Result<std::optional<Request>> forbidden_write(Run& run, const std::string& name) {
  ASSIGN_OR_RETURN(const std::optional<Json> policy,
                   held_policy(*run.backup, resources::kAdmissionPolicies, name));
  ASSIGN_OR_RETURN(const std::optional<Json> binding,
                   held_policy(*run.backup, resources::kAdmissionPolicyBindings, name));
  if (!policy || !binding) return std::optional<Request>();
  const SafeUpgradesVariant* variant = variant_in_force(*policy, {&*binding});
  if (variant == nullptr) return std::optional<Request>();
  for (const PlannedAction* action : pending_crd_writes(run)) {
    const BundleCrd& target = *run.target->crd(action->crd);
    const CrdSummary* live = run.installed.crd(action->crd);
    const CrdChange change =
        live == nullptr ? creation_of(target.summary) : update_of(*live, target.summary);
    if (broken_rules(*variant, change).empty()) continue;
    Request request;
    if (live == nullptr) {
      request = crd_write_request(target.json(), Json(),
                                  {std::string(kFieldManager), CrdOwner::Way::Update});
    } else {
      request = annotation_change(target);
    }
    request.dry_run = true;
    return std::optional<Request>(std::move(request));
  }
  return std::optional<Request>();
}

/// An answer of somebody who is asked after the policies. The write itself will show what it is.
bool has_passed_policies(const Error& error) {
  return error.is(ErrorKind::AlreadyExists) || error.is(ErrorKind::Forbidden) ||
         (error.is(ErrorKind::Invalid) && !is_policy_denial(error));
}

Result<StepOutcome> wait_until_lifted(Run& run, const std::string& name) {
  ASSIGN_OR_RETURN(const std::optional<Request> probe, forbidden_write(run, name));
  if (!probe) return StepOutcome::progressed();
  const Time give_up = run.clock.now() + kLingersAtMost;
  while (true) {
    const auto answer = run.cluster.send(*probe);
    if (answer || has_passed_policies(answer.error())) break;
    if (!is_policy_denial(answer.error())) return fail(answer.error());
    if (run.clock.now() > give_up) {
      return StepOutcome::stalled("StillDenied",
                                  policy_display(name) +
                                      " is deleted since 30 s, and the API server still refuses " +
                                      describe(*probe) + ": " + words_of(answer.error()) +
                                      "; next: see which other admission policy refuses it");
    }
    RETURN_IF_ERROR(run.clock.sleep(kPoll));
  }
  ASSIGN_OR_RETURN(const std::optional<int> servers, num_api_servers(run));
  if (servers != 1) RETURN_IF_ERROR(run.clock.sleep(kOtherServersHear));
  return StepOutcome::progressed();
}

// Installing.

/// Who owns what is there; where nothing is, who owns most of the CRDs. Of a creation by apply RBAC
/// knows the name, so that the right to it can be limited.
Result<CrdOwner> owner_of(Run& run, const Resource& resource, const std::optional<Json>& live) {
  if (live) {
    const bool is_policy = resource == resources::kAdmissionPolicies;
    return spec_owner(*live, is_policy ? "validations" : "policyName");
  }
  ASSIGN_OR_RETURN(CrdOwner owner, bundle_owner(run));
  owner.way = CrdOwner::Way::Apply;
  return owner;
}

StepOutcome is_changed_by_the_server(const Json& manifest) {
  const std::string name = display_name(kind_of(manifest), key_of(manifest));
  return StepOutcome::stalled(
      "PolicyDiffers", name +
                           " is not what was written: the API server, or a webhook in it, changes "
                           "it; next: compare it with the bundle's, and stop what changes it");
}

/// Writes one of the target's manifests, where it is not there already.
Result<StepOutcome> write_manifest(Run& run, const Resource& resource, const Json& manifest) {
  ASSIGN_OR_RETURN(const std::optional<Json> live,
                   get_if_exists(run.cluster, resource, key_of(manifest)));
  if (live && is_as_in(manifest, *live)) return StepOutcome::progressed();
  ASSIGN_OR_RETURN(const CrdOwner owner, owner_of(run, resource, live));
  const auto written =
      run.cluster.send(owned_write_request(resource, manifest, live ? *live : Json(), owner));
  if (!written) {
    const std::string name = display_name(kind_of(manifest), key_of(manifest));
    return fail(wrap(written.error(), "writing " + name));
  }
  return is_as_in(manifest, *written) ? StepOutcome::progressed()
                                      : is_changed_by_the_server(manifest);
}

/// Where the target has none. The policy may be bound by a binding of another name, which stayed;
/// then the backup holds none of its own.
Result<bool> is_put_back(Run& run, const std::string& name) {
  ASSIGN_OR_RETURN(const Live live, read_live(run, name));
  if (!live.policy || live.binding) return live.policy.has_value();
  ASSIGN_OR_RETURN(const std::optional<Json> held,
                   held_policy(*run.backup, resources::kAdmissionPolicyBindings, name));
  return !held.has_value();
}

std::optional<PolicyManifests> wanted_policy(const Run& run, const PlannedAction& action) {
  std::vector<PolicyManifests> all = policies_of(run.target->policy_manifests);
  const auto found = std::ranges::find_if(
      all, [&](const PolicyManifests& each) { return each.name() == action.crd; });
  return found == all.end() ? std::nullopt : std::optional(std::move(*found));
}

}  // namespace

Result<StepOutcome> suspend_policy(Run& run, const PlannedAction& action) {
  const std::string name = action.crd;
  if (run.record().suspended_policy && run.progress(action).step == kRestoring) {
    RETURN_IF_ERROR(restore_policy(run));  // which a process began and could not record
  }
  ASSIGN_OR_RETURN(const Live live, read_live(run, name));
  if (live.is_there()) {
    const bool was_gone = run.record().suspended_policy && run.progress(action).step == "Done";
    if (was_gone) return put_back_by_others(run, name);
    if (const auto kept = kept_for_now(run)) return *kept;
    RETURN_IF_ERROR(note_suspension(run, name, live));
    run.progress(action).step = "Delete";
    if (live.binding) {
      RETURN_IF_ERROR(delete_held(run, resources::kAdmissionPolicyBindings, *live.binding));
    }
    if (live.policy) {
      RETURN_IF_ERROR(delete_held(run, resources::kAdmissionPolicies, *live.policy));
    }
    record_event(run, EventType::Normal, "PolicySuspended",
                 policy_display(name) + " and its binding are taken away: " + action.reason);
  }
  ASSIGN_OR_RETURN(StepOutcome outcome, wait_until_lifted(run, name));
  if (outcome.kind == StepOutcome::Kind::Progressed) run.progress(action).step = "Done";
  return outcome;
}

Result<StepOutcome> install_policy(Run& run, const PlannedAction& action,
                                   const VerifiedBackup& backup) {
  const std::optional<PolicyManifests> wanted = wanted_policy(run, action);
  std::optional<SuspendedPolicy>& suspended = run.record().suspended_policy;
  if (!wanted && !suspended) {  // somebody else has taken it away since it was put back
    suspended = SuspendedPolicy{action.crd, backup.summary().ref, run.clock.now()};
  }
  // Also where the target's takes its place: then it is changed as it would have been without a
  // suspension, and keeps what others have added to it.
  RETURN_IF_ERROR(restore_policy(run));
  if (wanted) {
    run.progress(action).step = "Install";
    ASSIGN_OR_RETURN(StepOutcome outcome,
                     write_manifest(run, resources::kAdmissionPolicies, wanted->policy));
    if (outcome.kind != StepOutcome::Kind::Progressed) return outcome;
    for (const Json& binding : wanted->bindings) {
      ASSIGN_OR_RETURN(outcome, write_manifest(run, resources::kAdmissionPolicyBindings, binding));
      if (outcome.kind != StepOutcome::Kind::Progressed) return outcome;
    }
  }
  run.progress(action).step = "Done";
  return StepOutcome::progressed();
}

Result<bool> policy_is_gone(Run& run, const PlannedAction& action) {
  ASSIGN_OR_RETURN(const Live live, read_live(run, action.crd));
  return !live.is_there();
}

Result<bool> policy_is_installed(Run& run, const PlannedAction& action) {
  // A process may have died before it restored who owns the fields.
  const std::optional<SuspendedPolicy>& suspended = run.record().suspended_policy;
  if (suspended && suspended->name == action.crd) return false;
  const std::optional<PolicyManifests> wanted = wanted_policy(run, action);
  if (!wanted) return is_put_back(run, action.crd);
  ASSIGN_OR_RETURN(const std::optional<Json> policy,
                   get_if_exists(run.cluster, resources::kAdmissionPolicies, {"", action.crd}));
  if (!policy || !is_as_in(wanted->policy, *policy)) return false;
  for (const Json& binding : wanted->bindings) {
    ASSIGN_OR_RETURN(
        const std::optional<Json> live,
        get_if_exists(run.cluster, resources::kAdmissionPolicyBindings, key_of(binding)));
    if (!live || !is_as_in(binding, *live)) return false;
  }
  return true;
}

Result<StepOutcome> unless_policy_lingers(Run& run, Result<StepOutcome> outcome) {
  const std::optional<SuspendedPolicy>& suspended = run.record().suspended_policy;
  if (outcome || !suspended || !is_policy_denial(outcome.error())) return outcome;
  if (run.clock.now() - suspended->since > kLingersAtMost) return outcome;
  ASSIGN_OR_RETURN(const Live live, read_live(run, suspended->name));
  if (live.is_there()) return StepOutcome::progressed();  // the next look at it says by whom
  return StepOutcome::waiting("PolicyLingers", outcome.error().message, std::chrono::seconds(1));
}

}  // namespace gatelift
