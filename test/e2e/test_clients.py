# SPDX-License-Identifier: Apache-2.0
"""Who else is there: owners of the CRDs, and clients of versions that go, as `gatelift plan` says it."""

import json
import re
import unittest

from bundles import BUNDLES
from fixture import NAMESPACE, Scenario
from kube import CRDS, GATEWAY, collection, policies_path
from policies import policy, status_of

POLICIES = "CustomResourceDefinition/backendtlspolicies.gateway.networking.k8s.io"
ROUTES = "httproutes.gateway.networking.k8s.io"
DEPLOYMENTS = collection("apps/v1", "deployments", "ops")
LEASES = collection("coordination.k8s.io/v1", "leases", "ops")
CLASSES = collection(f"{GATEWAY}/v1", "gatewayclasses")
ENVOY = "docker.io/envoyproxy/gateway:v1.0.2"


class Clients(Scenario):
    namespaces = ("ops",)

    def setUp(self):
        self.begin_with("v1.0.0/experimental")

    def plan(self, account=None, expected_exit=0):
        """The checks of the plan, by code. Exit status 3 for consents, and for those who may not write."""
        kubeconfig = self.plane.service_account_kubeconfig(account) if account else None
        result = self.plane.gatelift("plan", "--to", "v1.1.1/experimental", "--bundles", BUNDLES, "-o", "json",
                                     kubeconfig=kubeconfig)
        self.assertEqual(result.returncode, expected_exit, result.stderr)
        checks = {}
        for check in json.loads(result.stdout)["checks"]:
            checks.setdefault(check["check"], []).append(check)
        return checks

    def client_check(self, checks, target, field=None):
        found = [check for check in checks["VersionClients"] if check.get("object", "") == target
                 and field in (None, check.get("field"))]
        self.assertEqual(len(found), 1, checks["VersionClients"])
        return found[0]

    def notes_on_what_was_not_looked_at(self, checks):
        return sorted(check["message"] for check in checks["VersionClients"] if "object" not in check
                      or not check["object"])

    def write_policies(self, count):
        """As a controller of v1alpha2 leaves them: made by it, its status at that version."""
        for number in range(count):
            made = self.plane.api.create(policies_path("v1alpha2", "ops"), policy("ops", f"p{number}"),
                                         manager="old-controller")
            self.plane.api.call("PATCH", f"{policies_path('v1alpha2', 'ops')}/p{number}/status",
                                {"status": status_of(made)}, "application/merge-patch+json",
                                fieldManager="old-controller")

    def deploy_envoy_gateway(self):
        labels = {"app": "eg"}
        self.plane.api.create(DEPLOYMENTS, {
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "envoy-gateway"},
            "spec": {"selector": {"matchLabels": labels}, "template": {
                "metadata": {"labels": labels}, "spec": {"containers": [{"name": "eg", "image": ENVOY}]}}}})
        self.addCleanup(self.plane.api.delete, f"{DEPLOYMENTS}/envoy-gateway")
        lease = "5b9825d2.gateway.envoyproxy.io"
        self.plane.api.create(LEASES, {
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": lease},
            "spec": {"holderIdentity": "envoy-gateway-1", "renewTime": "2026-01-02T03:04:05.000000Z"}})
        self.addCleanup(self.plane.api.delete, f"{LEASES}/{lease}")

    def test_names_who_writes_at_a_version_that_goes(self):
        self.write_policies(3)
        check = self.client_check(self.plan(), POLICIES, "spec.versions[v1alpha2]")
        self.assertEqual(check["severity"], "Warning")
        self.assertRegex(check["message"], r"old-controller \(Update.*, last 20\d\d-.*Z, 3 objects\)")
        self.assertNotIn("kube-apiserver", check["message"])

    def test_says_where_readers_can_be_counted(self):
        checks = self.plan()
        check = self.client_check(checks, POLICIES, "spec.versions[v1alpha2]")
        self.assertEqual(check["severity"], "Note")
        self.assertIn("who uses it is unknown", check["message"])
        self.plane.api.get(policies_path("v1alpha2"))
        pattern = re.search(r"grep '([^']+)'", check["message"]).group(1)
        self.assertRegex(self.plane.api.get("/metrics"), pattern)

    def test_asks_before_it_changes_what_k3s_manages(self):
        self.plane.api.patch(f"{CRDS}/{ROUTES}", {"metadata": {
            "labels": {"app.kubernetes.io/managed-by": "Helm"},
            "annotations": {"meta.helm.sh/release-name": "traefik-crd",
                            "meta.helm.sh/release-namespace": "kube-system"}}}, manager="helm")
        owners = self.plan(expected_exit=3)["ForeignOwner"]
        self.assertEqual([owner["object"] for owner in owners], [f"CustomResourceDefinition/{ROUTES}"])
        self.assertEqual(owners[0]["severity"], "Consent")
        self.assertIn("K3s' Traefik", owners[0]["message"])
        for words in ("--disable=traefik", "would delete it with every object"):
            self.assertIn(words, owners[0]["next"])

    def test_quotes_gateway_classes(self):
        self.plane.api.create(CLASSES, {
            "apiVersion": f"{GATEWAY}/v1", "kind": "GatewayClass", "metadata": {"name": "eg"},
            "spec": {"controllerName": "gateway.envoyproxy.io/gatewayclass-controller"}})
        condition = {"type": "SupportedVersion", "status": "False", "reason": "UnsupportedVersion",
                     "message": "wants v1.2", "lastTransitionTime": "2026-01-02T03:04:05Z"}
        accepted = {**condition, "type": "Accepted", "status": "True", "reason": "Accepted"}
        self.plane.api.patch(f"{CLASSES}/eg/status", {"status": {"conditions": [accepted, condition]}})
        check = self.client_check(self.plan(), "GatewayClass/eg")
        self.assertEqual((check["severity"], check["field"]), ("Warning", "status.conditions[SupportedVersion]"))
        self.assertIn('v1.0.0: "wants v1.2"', check["message"])

    def test_names_known_controllers_to_who_may_list_deployments(self):
        self.deploy_envoy_gateway()
        checks = self.plan("gatelift-planner", expected_exit=3)
        self.assertIn(f"as {ENVOY};", self.client_check(checks, "Deployment/ops/envoy-gateway")["message"])
        lease = self.client_check(checks, "Lease/ops/5b9825d2.gateway.envoyproxy.io")
        self.assertIn("held by envoy-gateway-1", lease["message"])
        self.assertEqual(self.notes_on_what_was_not_looked_at(checks), [])

    def test_tells_who_may_not_list_deployments_that_it_did_not_look(self):
        self.deploy_envoy_gateway()
        self.plane.kubectl("create", "serviceaccount", "narrow", "-n", NAMESPACE)
        self.addCleanup(self.plane.kubectl, "delete", "serviceaccount", "narrow", "-n", NAMESPACE)
        self.plane.kubectl("create", "clusterrolebinding", "narrow", "--clusterrole=gatelift-planner",
                           f"--serviceaccount={NAMESPACE}:narrow")
        self.addCleanup(self.plane.kubectl, "delete", "clusterrolebinding", "narrow")
        checks = self.plan("narrow", expected_exit=3)
        notes = self.notes_on_what_was_not_looked_at(checks)
        self.assertEqual(len(notes), 2, notes)
        self.assertIn("we may not list deployments.apps", notes[0])
        self.assertIn("we may not list leases.coordination.k8s.io", notes[1])
        self.assertEqual({check["severity"] for check in checks["VersionClients"]}, {"Note"})


if __name__ == "__main__":
    unittest.main(verbosity=2)
