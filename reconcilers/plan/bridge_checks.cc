// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/plan/bridge_checks.h"

#include <utility>

#include "reconcilers/admission/admission.h"
#include "reconcilers/plan/crd_checks.h"
#include "reconcilers/steps/bridge_write.h"

namespace gatelift {

std::string obstacle_to_bridge(const Json& live, const BundleCrd& target) {
  const Json manifest = target.json();
  if (bridge_stage_of(live, manifest)) return "";
  const auto bridge = bridge_crd({live, live, manifest}, BridgeStage::Expand, {});
  return bridge ? "" : bridge.error().message;
}

Result<void> check_bridge(Cluster& cluster, const Json& live, const BundleCrd& target, bool may_try,
                          bool is_denied, Findings& findings) {
  const std::string name = key_of(live).name;
  if (const std::string obstacle = obstacle_to_bridge(live, target); !obstacle.empty()) {
    findings.add({"NoUnion", Severity::Blocker, crd_display(name), "spec.versions",
                  "it cannot be converted in place: " + obstacle,
                  "set spec.strategy to Recreate, which deletes its objects and makes them again, "
                  "or choose a target without that change",
                  false});
    return {};
  }
  const Json manifest = target.json();
  if (!may_try || bridge_stage_of(live, manifest)) return {};
  ASSIGN_OR_RETURN(const BundleRef marks, bridge_marks(cluster, target.summary));
  const CrdOwner owner = crd_owner(live);
  ASSIGN_OR_RETURN(const Json bridge,
                   bridge_to_write({live, live, manifest}, BridgeStage::Expand, marks, owner));
  Request request = crd_write_request(bridge, live, owner);
  request.dry_run = true;
  const auto answer = cluster.send(request);
  if (answer) return {};
  const Error& error = answer.error();
  if (is_denied && is_policy_denial(error)) return {};
  if (!error.is(ErrorKind::Invalid) && !error.is(ErrorKind::Forbidden)) {
    return fail(wrap(error, "trying the bridge of " + crd_display(name)));
  }
  findings.add(refusal_of(name, error,
                          "the CRD with both versions, by which its objects are "
                          "converted in place",
                          "change what refuses it, or set spec.strategy to Recreate, which deletes "
                          "its objects and makes them again"));
  return {};
}

}  // namespace gatelift
