// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/plan/bridge_checks.h"

#include <utility>

#include "reconcilers/admission/admission.h"
#include "reconcilers/plan/crd_checks.h"
#include "reconcilers/steps/bridge_write.h"

namespace gatelift {

Result<void> check_bridge(Cluster& cluster, const CrdSummary& live, const BundleCrd& target,
                          bool may_try, bool is_denied, Findings& findings) {
  ASSIGN_OR_RETURN(const Json crd, get(cluster, resources::kCrds, {"", live.name}));
  ASSIGN_OR_RETURN(const BundleRef marks, bridge_marks(cluster, target.summary));
  const Json manifest = target.json();
  if (bridge_stage_of(crd, manifest)) return {};
  const CrdOwner owner = crd_owner(crd);
  const auto bridge = bridge_to_write({crd, crd, manifest}, BridgeStage::Expand, marks, owner);
  if (!bridge) {
    findings.add({"NoUnion", Severity::Blocker, crd_display(live.name), "spec.versions",
                  "it cannot be converted in place: " + bridge.error().message,
                  "choose strategy Recreate", false});
    return {};
  }
  if (!may_try) return {};
  Request request = crd_write_request(*bridge, crd, owner);
  request.dry_run = true;
  const auto answer = cluster.send(request);
  if (answer) return {};
  const Error& error = answer.error();
  if (is_denied && is_policy_denial(error)) return {};
  if (!error.is(ErrorKind::Invalid) && !error.is(ErrorKind::Forbidden)) {
    return fail(wrap(error, "trying the bridge of " + crd_display(live.name)));
  }
  findings.add({"CRDRefused", Severity::Blocker, crd_display(live.name),
                error.causes.empty() ? "" : error.causes.front().field,
                "this API server refuses the CRD with both versions, by which its objects are "
                "converted in place: " +
                    words_of(error),
                "change what refuses it, or choose strategy Recreate", false});
  return {};
}

}  // namespace gatelift
