# SPDX-License-Identifier: Apache-2.0
"""The stages of a conversion in place, and how a run is stopped at each: an admission policy denies the operator the
write that begins the next one. So a stage is the same in each run, whatever the machine is doing."""

import collections

from admission import ADMISSION, BINDINGS, POLICIES
from audit import OPERATOR
from fixture import NAMESPACE
from kube import GATEWAY, collection
from waiting import eventually
from watchers import CRD

NAME, PROBE = "stop-here", "stop-here-probe"
OLD = "v1alpha2"
_OF_CRD = f"request.resource.resource == 'customresourcedefinitions' && request.name == '{CRD}'"
_HAS_OLD = f"object.spec.versions.exists(v, v.name == '{OLD}'{{}})"
_OF_POLICIES = "request.resource.resource == 'backendtlspolicies'"
_IN_HALF = "request.name.matches('[13579]$')"
_MAIN = "!has(request.subResource)"

# `spec` is of the migration, `denied` the write in CEL (None: nothing), `reason` what the condition Ready says then.
# `served` are the versions, and of all policies `old` and `new` have that shape: none, half of them, or all.
Stage = collections.namedtuple("Stage", "name spec denied reason served old new")
NONE, HALF, ALL = 0, 1, 2
_ONLY_OLD, _BOTH, _ONLY_NEW = (True, False), (True, True), (False, True)
STAGES = (
    Stage("Approve", {"approval": "Required"}, None, "AwaitingApproval", _ONLY_OLD, ALL, NONE),
    Stage("BackUp", {}, f"{_OF_CRD} && {_MAIN}", "Invalid", _ONLY_OLD, ALL, NONE),
    Stage("Project, half", {}, f"{_OF_POLICIES} && {_IN_HALF}", "ProjectionFailed", _ONLY_OLD, ALL, HALF),
    Stage("Project", {}, f"{_OF_CRD} && {_MAIN} && !{_HAS_OLD.format(' && v.storage')}", "Invalid", _ONLY_OLD, ALL, ALL),
    Stage("ServeBoth", {}, f"{_OF_CRD} && {_MAIN} && !{_HAS_OLD.format(' && v.served')}", "Invalid", _BOTH, ALL, ALL),
    Stage("Hold", {"inPlace": {"hold": "Approval"}}, None, "Held", _BOTH, ALL, ALL),
    Stage("Contract, half", {}, f"{_OF_POLICIES} && {_IN_HALF} && !has(object.spec.targetRef)", "RewriteFailed",
          _ONLY_NEW, HALF, ALL),
    Stage("Contract", {}, f"{_OF_CRD} && !({_MAIN})", "Invalid", _ONLY_NEW, NONE, ALL),
    Stage("Target", {}, f"{_OF_CRD} && {_MAIN} && !{_HAS_OLD.format('')}", "Invalid", _ONLY_NEW, NONE, ALL),
    Stage("Verify", {}, "request.resource.resource == 'secrets'", "Invalid", _ONLY_NEW, NONE, ALL),
    Stage("Done", {}, None, "Done", _ONLY_NEW, NONE, ALL),
)


class Stop:
    """Denies the operator a write, but no dry run of it, from when it is made until it is removed."""

    def __init__(self, plane, denied):
        self._plane = plane
        self._kubeconfig = plane.service_account_kubeconfig()
        self._configs = collection("v1", "configmaps", NAMESPACE)
        plane.api.create(self._configs, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": PROBE}})
        probed = f"request.resource.resource == 'configmaps' && request.name == '{PROBE}'"
        rules = [("", ["configmaps", "secrets"]), (GATEWAY, ["backendtlspolicies"]),
                 ("apiextensions.k8s.io", ["customresourcedefinitions", "customresourcedefinitions/status"])]
        plane.api.create(POLICIES, {
            "apiVersion": ADMISSION, "kind": "ValidatingAdmissionPolicy", "metadata": {"name": NAME},
            "spec": {"failurePolicy": "Fail", "matchConstraints": {"resourceRules": [
                {"apiGroups": [group], "apiVersions": ["*"], "operations": ["UPDATE"], "resources": resources}
                for group, resources in rules]},
                "matchConditions": [
                    {"name": "the-operator", "expression": f"request.userInfo.username == '{OPERATOR}'"},
                    {"name": "no-dry-run", "expression": "!(has(request.dryRun) && request.dryRun)"}],
                "validations": [{"message": "the test stops the run here",
                                 "expression": f"!(({probed}) || ({denied}))"}]}})
        plane.api.create(BINDINGS, {
            "apiVersion": ADMISSION, "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": NAME},
            "spec": {"policyName": NAME, "validationActions": ["Deny"]}})
        eventually(lambda: not self._lets_through(), "the operator is stopped")

    def _lets_through(self):
        result = self._plane.run_kubectl("patch", "configmap", PROBE, "-n", NAMESPACE, "--type=merge", "-p", "{}",
                                         "--kubeconfig", self._kubeconfig)
        return result.returncode == 0

    def remove(self):
        """May be called again."""
        if self._plane.api.delete(f"{BINDINGS}/{NAME}"):
            eventually(self._lets_through, "the operator may go on")
        self._plane.api.delete(f"{POLICIES}/{NAME}")
        self._plane.api.delete(f"{self._configs}/{PROBE}")


def is_in_half(name):
    """Whether a policy is of the half that a stop holds back."""
    return int(name[1][-1]) % 2 == 1
