// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/plan/policy_checks.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "reconcilers/admission/safe_upgrades.h"
#include "reconcilers/plan/actions.h"

namespace gatelift {
namespace {

constexpr std::size_t kMaxNamed = 5;

using Denials = std::map<SafeUpgradesRule, std::vector<std::string>>;  // CRDs by rule

/// The writes of the main resource that an action makes; what happens to a CRD's status, and its
/// deletion, no policy of this kind sees.
std::optional<CrdChange> change_of(const PlannedAction& action, const PlanInputs& inputs) {
  const BundleCrd* target = inputs.target.crd(action.crd);
  const CrdSummary* live = inputs.installed.crd(action.crd);
  if (target == nullptr) return std::nullopt;
  switch (action.kind) {
    case ActionKind::Create:
    case ActionKind::Convert:
      return creation_of(target->summary);
    case ActionKind::ConvertInPlace:
    case ActionKind::Update:
    case ActionKind::Carry:
      return live == nullptr ? creation_of(target->summary) : update_of(*live, target->summary);
    case ActionKind::Reencode:
    case ActionKind::Rename:
    case ActionKind::Keep:
    case ActionKind::Remove:
    case ActionKind::SuspendPolicy:
    case ActionKind::InstallPolicy:
      return std::nullopt;
  }
  return std::nullopt;
}

Denials denials_of(const SafeUpgradesVariant& variant, const PlanInputs& inputs,
                   const std::vector<PlannedAction>& actions) {
  Denials denials;
  for (const PlannedAction& action : actions) {
    const auto change = change_of(action, inputs);
    if (!change) continue;
    for (const SafeUpgradesRule rule : broken_rules(variant, *change)) {
      denials[rule].push_back(action.crd);
    }
  }
  return denials;
}

/// Whether it would deny the CRDs of the target the least change, once they are there.
bool tolerates(const SafeUpgradesVariant& variant, const Bundle& target) {
  return std::ranges::all_of(target.crds, [&](const BundleCrd& crd) {
    return broken_rules(variant, update_of(crd.summary, crd.summary)).empty();
  });
}

std::string named(const std::vector<std::string>& crds) {
  std::string text;
  for (std::size_t i = 0; i < std::min(crds.size(), kMaxNamed); ++i) {
    text += (i == 0 ? "" : ", ") + crds[i];
  }
  if (crds.size() > kMaxNamed) text += " and " + std::to_string(crds.size() - kMaxNamed) + " more";
  return text;
}

std::string broken_text(SafeUpgradesRule rule, const SafeUpgradesVariant& variant) {
  switch (rule) {
    case SafeUpgradesRule::Channel:
      return "its rule on the channel lets no experimental CRD take the place of one that is not "
             "experimental";
    case SafeUpgradesRule::Version:
      return "its rule on the version (that of " + std::string(variant.name) + ") takes " +
             std::string(variant.versions) + " only";
  }
  return "";
}

/// True in a rollback from the upgrade that brought this policy.
bool brought_by_upgrade(const PlanInputs& inputs, const Json& live) {
  if (inputs.operation != Operation::Rollback) return false;
  const auto upgrade = inputs.sources.load(inputs.spec.target);
  if (!upgrade) return false;
  const std::vector<PolicyManifests> brought = policies_of(upgrade->policy_manifests);
  return std::ranges::any_of(brought, [&](const PolicyManifests& each) {
    return each.name() == key_of(live).name && is_as_in(each.policy, live);
  });
}

PlannedAction policy_action(ActionKind kind, std::string name) {
  PlannedAction action;
  action.kind = kind;
  action.crd = std::move(name);
  action.object_kind = kPolicyKind;
  return action;
}

class PolicyPlanner {
 public:
  PolicyPlanner(const Admission& admission, const PlanInputs& inputs,
                const std::vector<PlannedAction>& actions, Findings& findings)
      : admission_(admission),
        inputs_(inputs),
        findings_(findings),
        wanted_(policies_of(inputs.target.policy_manifests)),
        live_(admission.policy(kSafeUpgrades)),
        bindings_(admission.bindings_of(kSafeUpgrades)) {
    if (live_ != nullptr) variant_ = variant_in_force(*live_, bindings_);
    if (variant_ != nullptr) denials_ = denials_of(*variant_, inputs, actions);
    is_of_the_upgrade_ = live_ != nullptr && brought_by_upgrade(inputs, *live_);
  }

  PolicyPlan plan() {
    if (!admission_.has_policies) {
      note_unsupported();
      return {};
    }
    suspend();
    for (const PolicyManifests& each : wanted_) install(each);
    return std::move(plan_);
  }

 private:
  void note_unsupported() {
    if (wanted_.empty()) return;
    findings_.add({"PolicyNotSupported", Severity::Note,
                   display_name(kPolicyKind, {"", wanted_.front().name()}), "",
                   "this API server has no ValidatingAdmissionPolicies (Kubernetes has them from "
                   "1.30 on), so that the target's is not installed",
                   "", false});
  }

  bool is_wanted() const {
    return std::ranges::any_of(
        wanted_, [](const PolicyManifests& each) { return each.name() == kSafeUpgrades; });
  }

  /// In a rollback: the backup holds the very policy, which the upgrade was allowed to suspend.
  bool comes_back() const {
    return inputs_.operation == Operation::Rollback &&
           std::ranges::any_of(wanted_, [&](const PolicyManifests& each) {
             return each.name() == kSafeUpgrades && is_as_in(each.policy, *live_);
           });
  }

  bool suspends() const {
    return std::ranges::any_of(plan_.actions, [](const PlannedAction& action) {
      return action.kind == ActionKind::SuspendPolicy;
    });
  }

  void suspend() {
    const bool goes = is_of_the_upgrade_ && !is_wanted();
    if (denials_.empty() && !goes) return;
    const bool is_put_back =
        !goes && !is_wanted() && variant_ != nullptr && tolerates(*variant_, inputs_.target);
    PlannedAction action = policy_action(ActionKind::SuspendPolicy, std::string(kSafeUpgrades));
    action.from_digest = live_digest(*live_);
    action.reason = reason_to_suspend(goes, is_put_back);
    plan_.actions.push_back(action);
    for (const auto& [rule, crds] : denials_) report(rule, crds, is_put_back);
    if (is_put_back) {
      action.kind = ActionKind::InstallPolicy;
      action.reason = "it is put back as it was: the target has none, and it takes its CRDs";
      action.to_digest = action.from_digest;
      plan_.actions.push_back(std::move(action));
    }
  }

  std::string reason_to_suspend(bool goes, bool is_put_back) const {
    if (goes) return "the upgrade brought it, and the backup holds none";
    if (is_wanted()) return "it forbids writes of this plan; the target's replaces it at the end";
    return is_put_back ? "it forbids writes of this plan, and is put back at the end"
                       : "it forbids writes of this plan, and the CRDs that they make; the target "
                         "has none, so that it is not put back";
  }

  void report(SafeUpgradesRule rule, const std::vector<std::string>& crds, bool is_put_back) {
    plan_.denied_crds.insert(crds.begin(), crds.end());
    Check check{"SafeUpgradesDenies",
                Severity::Consent,
                display_name(kPolicyKind, {"", std::string(kSafeUpgrades)}),
                field_of(rule),
                "it forbids the writes of " + std::to_string(crds.size()) +
                    (crds.size() == 1 ? " CRD (" : " CRDs (") + named(crds) + "), since " +
                    broken_text(rule, *variant_),
                "with a consent, the policy and its binding are backed up and deleted before the "
                "first of these writes; " +
                    afterwards(is_put_back) +
                    "; where the run stops or its resource is deleted, both are put back as they "
                    "were",
                false};
    check.by_object = true;
    // Whoever asks for what was before the upgrade asks for this, too.
    if (is_of_the_upgrade_ || comes_back()) check.severity = Severity::Warning;
    findings_.add(std::move(check));
  }

  std::string afterwards(bool is_put_back) const {
    if (is_wanted()) return "at the end the target's takes their place";
    return is_put_back ? "at the end both are put back"
                       : "the target has none, and this one would deny the CRDs that are then "
                         "installed each later change, so that it is not put back";
  }

  void install(const PolicyManifests& wanted) {
    const Json* live = admission_.policy(wanted.name());
    const bool is_suspended = wanted.name() == kSafeUpgrades && suspends();
    if (!is_suspended && live != nullptr && is_as_in(wanted.policy, *live) && is_bound(wanted)) {
      return;
    }
    PlannedAction action = policy_action(ActionKind::InstallPolicy, wanted.name());
    if (live != nullptr) action.from_digest = live_digest(*live);
    action.to_digest = wanted.digest();
    action.reason = live == nullptr ? "the cluster does not have it"
                                    : "it takes the place of the one that is there";
    if (is_suspended && live != nullptr && is_as_in(wanted.policy, *live)) {
      action.reason = "it is put back: the target has the same";
    }
    plan_.actions.push_back(std::move(action));
  }

  std::string live_digest(const Json& policy) const {
    PolicyManifests live{policy, {}};
    for (const Json* binding : admission_.bindings_of(key_of(policy).name)) {
      live.bindings.push_back(*binding);
    }
    return live.digest();
  }

  bool is_bound(const PolicyManifests& wanted) const {
    return std::ranges::all_of(wanted.bindings, [&](const Json& binding) {
      return std::ranges::any_of(admission_.bindings, [&](const Json& live) {
        return key_of(live) == key_of(binding) && is_as_in(binding, live);
      });
    });
  }

  const Admission& admission_;
  const PlanInputs& inputs_;
  Findings& findings_;
  std::vector<PolicyManifests> wanted_;
  const Json* live_;
  std::vector<const Json*> bindings_;
  const SafeUpgradesVariant* variant_ = nullptr;
  bool is_of_the_upgrade_ = false;
  Denials denials_;
  PolicyPlan plan_;
};

}  // namespace

PolicyPlan plan_policies(const Admission& admission, const PlanInputs& inputs,
                         const std::vector<PlannedAction>& actions, Findings& findings) {
  return PolicyPlanner(admission, inputs, actions, findings).plan();
}

}  // namespace gatelift
