// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/plan/server_checks.h"

#include <algorithm>
#include <string>

#include "reconcilers/steps/api_servers.h"

namespace gatelift {
namespace {

std::string several_text(const ApiServers& servers) {
  const std::string number = servers.number ? std::to_string(*servers.number) + " API servers"
                                            : "an unknown number of API servers";
  if (!servers.addresses.empty()) {
    return number + " (" + joined(servers.addresses) +
           "): after each change of a CRD every one of them is asked whether it goes by it";
  }
  return number + ", which cannot be asked one by one (" + servers.not_apart +
         "): after each change of a CRD a number of fresh connections have to agree, and two "
         "seconds pass";
}

}  // namespace

Result<void> check_api_servers(Cluster& cluster, const PlanInputs& inputs,
                               const std::vector<PlannedAction>& actions, Findings& findings) {
  const bool any_in_place = std::ranges::any_of(actions, [](const PlannedAction& action) {
    return action.kind == ActionKind::ConvertInPlace;
  });
  const bool any_rewritten = std::ranges::any_of(
      actions, [](const PlannedAction& action) { return action.rewrites_objects; });
  if (!any_in_place && !any_rewritten) return {};
  ASSIGN_OR_RETURN(const ApiServers servers, find_api_servers(cluster));
  // None at all: these API servers say nothing of themselves.
  if (servers.number.value_or(2) > 1) {
    findings.add({"SeveralAPIServers", Severity::Note, "", "", several_text(servers), "", false});
  }
  if (!any_in_place || inputs.spec.hold != Hold::UntilUnused) return {};
  Request request;
  request.raw_path = "/metrics";
  request.as_text = true;
  const auto answer = cluster.send(request);
  if (answer || !answer.error().is(ErrorKind::Forbidden)) return {};
  findings.add({"VersionClients", Severity::Warning, "", "spec.inPlace.hold",
                "who reads the version that leaves will not be known, and the hold will not end by "
                "itself: we may not read the API server's /metrics",
                "apply manifests/rbac/metrics.yaml, or accept VersionInUse with the field metrics, "
                "or take the hold Approval",
                false});
  return {};
}

}  // namespace gatelift
