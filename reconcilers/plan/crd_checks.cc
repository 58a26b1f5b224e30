// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/plan/crd_checks.h"

#include <algorithm>
#include <utility>

#include "reconcilers/admission/admission.h"
#include "reconcilers/steps/crd_writer.h"

namespace gatelift {
namespace {

constexpr std::size_t kMaxCauses = 3;
constexpr int kInFlight = 4;  // a CRD takes the API server a tenth of a second or more

Request dry_run_of(const Trial& trial) {
  const bool creates = is_tried_as_creation(trial.action, trial.target.summary);
  const CrdOwner creator{std::string(kFieldManager), CrdOwner::Way::Update};
  Request request = crd_write_request(trial.target.json(), creates ? Json() : trial.live,
                                      creates ? creator : crd_owner(trial.live));
  // A body made from the live metadata carries the type of that.
  request.body["apiVersion"] = resources::kCrds.api_version();
  request.body["kind"] = "CustomResourceDefinition";
  request.dry_run = true;
  return request;
}

}  // namespace

std::string words_of(const Error& error) {
  if (error.causes.empty()) return quoted(error.message);
  std::string text;
  for (std::size_t i = 0; i < std::min(error.causes.size(), kMaxCauses); ++i) {
    const Cause& cause = error.causes[i];
    if (i > 0) text += "; ";
    if (!cause.field.empty()) text += cause.field + ": ";  // admission policies name none
    text += quoted(cause.message);
  }
  if (error.causes.size() > kMaxCauses) {
    text += " and " + std::to_string(error.causes.size() - kMaxCauses) + " more";
  }
  return text;
}

Check refusal_of(const std::string& crd, const Error& error, const std::string& refused,
                 std::string next) {
  return {"CRDRefused",
          Severity::Blocker,
          crd_display(crd),
          error.causes.empty() ? "" : error.causes.front().field,
          "this API server refuses " + refused + ": " + words_of(error),
          std::move(next),
          false};
}

bool check_state(const PlannedAction& action, const CrdSummary& live, Findings& findings) {
  if (live.terminating) {
    findings.add({"CRDTerminating", Severity::Blocker, crd_display(live.name),
                  "metadata.deletionTimestamp", "it is being deleted by somebody",
                  "wait until it is gone; where it does not go, look for objects of it with "
                  "finalizers: kubectl get " +
                      live.name + " -A -o yaml",
                  false});
    return false;
  }
  bool usable = true;
  for (const std::string& version : live.lacking(action.stored_versions)) {
    usable = false;
    findings.add({"StoredVersionUnknown", Severity::Blocker, crd_display(live.name),
                  "status.storedVersions",
                  "it names " + version +
                      ", which spec.versions lacks: objects stored at it can be neither read nor "
                      "deleted",
                  "put " + version +
                      " back into spec.versions with served: false and a schema that preserves "
                      "unknown fields, and plan again",
                  false});
  }
  if (usable && !live.established) {
    usable = false;
    findings.add({"CRDNotEstablished", Severity::Blocker, crd_display(live.name),
                  "status.conditions", "it is not Established, so that its objects are not served",
                  "see why: kubectl get crd " + live.name + " -o jsonpath='{.status.conditions}'",
                  false});
  }
  return usable;
}

bool is_tried_as_creation(const PlannedAction& action, const CrdSummary& target) {
  return action.kind == ActionKind::Create || action.kind == ActionKind::Convert ||
         !target.lacking(action.stored_versions).empty();
}

Result<std::set<std::string>> check_refusals(Cluster& cluster, const std::vector<Trial>& trials,
                                             Findings& findings) {
  std::set<std::string> refused;
  std::optional<Error> failed;
  Batch batch;
  batch.size = trials.size();
  batch.request = [&](std::size_t i) { return dry_run_of(trials[i]); };
  batch.done = [&](std::size_t i, const Result<Json>& answer) {
    if (answer || answer.error().is(ErrorKind::AlreadyExists)) return;
    const Error& error = answer.error();
    if (trials[i].is_denied && is_policy_denial(error)) return;
    if (error.is(ErrorKind::Invalid) || error.is(ErrorKind::Forbidden)) {
      refused.insert(trials[i].action.crd);
      findings.add(refusal_of(trials[i].action.crd, error, "the target's CRD",
                              "choose a bundle that this Kubernetes version and its admission "
                              "policies accept, or change what refuses it"));
    } else if (!failed) {
      failed = error;
    }
  };
  cluster.send_each(batch, kInFlight);
  if (failed) return fail(wrap(std::move(*failed), "trying the target's CRDs"));
  return refused;
}

}  // namespace gatelift
