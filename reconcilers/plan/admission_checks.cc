// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/plan/admission_checks.h"

#include <algorithm>
#include <utility>

#include "reconcilers/admission/old_webhook.h"
#include "reconcilers/admission/safe_upgrades.h"
#include "reconcilers/plan/actions.h"
#include "reconcilers/plan/old_webhook_checks.h"
#include "reconcilers/plan/permission_checks.h"
#include "reconcilers/plan/policy_checks.h"

namespace gatelift {
namespace {

/// Collects the calls of a run, each once.
class Calls {
 public:
  void add(const Resource& resource, std::initializer_list<const char*> operations) {
    for (const char* operation : operations) {
      AdmittedCall call{operation, resource.group, resource.plural, resource.version};
      if (std::ranges::find(all_, call) == all_.end()) all_.push_back(std::move(call));
    }
  }

  void add(const PlannedAction& action, const PlanInputs& inputs) {
    const bool renames = action.kind == ActionKind::Rename;
    const BundleCrd* target = inputs.target.crd(renames ? action.to_crd : action.crd);
    const CrdSummary* live = inputs.installed.crd(action.crd);
    const bool has_objects = action.objects > 0;
    switch (action.kind) {
      case ActionKind::Create:
        add(resources::kCrds, {"CREATE"});
        break;
      case ActionKind::Update:
      case ActionKind::Carry:
      case ActionKind::ConvertInPlace:
        add(resources::kCrds, {"UPDATE"});
        break;
      case ActionKind::Convert:
        add(resources::kCrds, {"CREATE", "DELETE"});
        if (has_objects) add(target->summary.resource(), {"CREATE", "DELETE"});
        return;
      case ActionKind::Rename:
        if (has_objects) add(target->summary.resource(), {"CREATE"});
        return;
      case ActionKind::Remove:
        add(resources::kCrds, {"DELETE"});
        if (has_objects) add(live->resource(), {"DELETE"});
        return;
      case ActionKind::Reencode:
        break;
      case ActionKind::Keep:
      case ActionKind::SuspendPolicy:
      case ActionKind::InstallPolicy:
        return;
    }
    const bool writes_objects = action.rewrites_objects || action.changed_objects > 0;
    if (writes_objects && has_objects) add(target->summary.resource(), {"UPDATE"});
  }

  const std::vector<AdmittedCall>& all() const { return all_; }

 private:
  std::vector<AdmittedCall> all_;
};

/// "CREATE of customresourcedefinitions.apiextensions.k8s.io, UPDATE of gateways.…".
std::string text_of(const std::vector<AdmittedCall>& calls) {
  std::string text;
  for (const AdmittedCall& call : calls) {
    if (!text.empty()) text += ", ";
    text += call.operation + " of " + call.plural + "." + call.group;
  }
  return text;
}

std::string failure_policy_of(const Json& holder) {
  const std::string policy = string_at(holder, "failurePolicy");
  return policy.empty() ? "Fail" : policy;
}

Check foreign(const Json& object, const std::vector<AdmittedCall>& calls,
              const std::string& failure_policy) {
  return {"ForeignAdmission",
          Severity::Note,
          display_name(kind_of(object), key_of(object)),
          "",
          "it may judge calls of this run: " + text_of(calls) + "; its failurePolicy is " +
              failure_policy +
              (failure_policy == "Fail" ? ", so that they fail where it does" : ""),
          "",
          false};
}

void note_policies(const Admission& admission, const std::vector<AdmittedCall>& calls,
                   Findings& findings) {
  for (const Json* policy : admission.bound_policies()) {
    const bool is_safe_upgrades =
        kind_of(*policy) == kPolicyKind && key_of(*policy).name == kSafeUpgrades;
    if (is_safe_upgrades &&
        variant_in_force(*policy, admission.bindings_of(kSafeUpgrades)) != nullptr) {
      continue;
    }
    const Json* match = find(*policy, "spec", "matchConstraints");
    if (match == nullptr) continue;
    const std::vector<AdmittedCall> judged = judged_calls(*match, calls);
    if (judged.empty()) continue;
    findings.add(foreign(*policy, judged, failure_policy_of(policy->at("spec"))));
  }
}

void note_webhooks(const Admission& admission, const std::vector<AdmittedCall>& calls,
                   Findings& findings) {
  for (const Json& configuration : admission.webhooks) {
    if (is_old_webhook(configuration)) continue;
    std::vector<AdmittedCall> judged;
    std::string failure_policy = "Ignore";
    for (const Json& webhook : array_at(configuration, "webhooks")) {
      const std::vector<AdmittedCall> by_this = judged_calls(webhook, calls);
      if (!by_this.empty() && failure_policy_of(webhook) == "Fail") failure_policy = "Fail";
      for (const AdmittedCall& call : by_this) {
        if (std::ranges::find(judged, call) == judged.end()) judged.push_back(call);
      }
    }
    if (!judged.empty()) findings.add(foreign(configuration, judged, failure_policy));
  }
}

bool may_read(const Admission& admission, const Resource& resource) {
  return std::ranges::find(admission.unreadable, resource) == admission.unreadable.end();
}

/// What we may not read stops a run where it is decided by it.
void report_unreadable(const Admission& admission, Mode mode, Findings& findings) {
  std::vector<Access> denied;
  for (const Resource& resource : admission.unreadable) {
    const bool decides = resource != resources::kMutatingWebhooks &&
                         resource != resources::kMutatingPolicies &&
                         resource != resources::kMutatingPolicyBindings;
    denied.push_back({"list", resource.group, resource.plural, "", "",
                      decides ? Severity::Blocker : Severity::Warning});
  }
  report_denied(denied, mode, findings);
}

}  // namespace

Result<std::set<std::string>> check_admission(Cluster& cluster, const PlanInputs& inputs,
                                              std::vector<PlannedAction>& actions,
                                              Findings& findings) {
  ASSIGN_OR_RETURN(const Admission admission, read_admission(cluster));
  report_unreadable(admission, inputs.spec.mode, findings);
  Calls calls;
  for (const PlannedAction& action : actions) calls.add(action, inputs);
  PolicyPlan policies;
  if (may_read(admission, resources::kAdmissionPolicies) &&
      may_read(admission, resources::kAdmissionPolicyBindings)) {
    policies = plan_policies(admission, inputs, actions, findings);
  }
  note_policies(admission, calls.all(), findings);
  note_webhooks(admission, calls.all(), findings);
  ASSIGN_OR_RETURN(const std::optional<PlannedAction> removal,
                   check_old_webhook(cluster, admission, inputs, findings));
  if (removal) policies.actions.push_back(*removal);
  for (PlannedAction& action : policies.actions) actions.push_back(std::move(action));
  sort_actions(actions);
  return std::move(policies.denied_crds);
}

}  // namespace gatelift
