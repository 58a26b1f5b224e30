# SPDX-License-Identifier: Apache-2.0
"""Fields that move, are mended or are lost inside a version, and kinds that others took the place of."""

import unittest

from bundles import assert_is_bundle
from fixture import Migration, Scenario
from kube import GATEWAY, collection

X_GROUP = "gateway.networking.x-k8s.io"
CA = [{"group": "", "kind": "ConfigMap", "name": "clients"}]


def gateway_with_client_certificates():
    return {"apiVersion": f"{GATEWAY}/v1", "kind": "Gateway", "metadata": {"name": "edge", "namespace": "ops"}, "spec": {
        "gatewayClassName": "edge", "backendTLS": {"clientCertificateRef": {"name": "ours"}}, "listeners": [
            {"name": "https", "port": 443, "protocol": "HTTPS",
             "tls": {"certificateRefs": [{"name": "cert"}], "frontendValidation": {"caCertificateRefs": CA}}},
            {"name": "http", "port": 80, "protocol": "HTTP"}]}}


class Fields(Scenario):
    namespaces = ("ops", "store")

    def add(self, body, manager="git"):
        plural = {"Gateway": "gateways", "HTTPRoute": "httproutes", "GatewayClass": "gatewayclasses",
                  "XListenerSet": "xlistenersets", "BackendLBPolicy": "backendlbpolicies"}[body["kind"]]
        path = collection(body["apiVersion"], plural, body["metadata"].get("namespace"))
        return self.plane.api.apply(f"{path}/{body['metadata']['name']}", body, manager)

    def gateway(self):
        return self.plane.api.get(collection(f"{GATEWAY}/v1", "gateways", "ops") + "/edge")

    def test_what_moved_is_carried_and_comes_back(self):
        self.begin_with("v1.3.0/experimental")
        before = self.add(gateway_with_client_certificates())
        self.start_operator()
        migration = Migration(self.plane, "carry", "v1.4.1/experimental")
        status = migration.wait_until_ready()

        self.assert_counts_add_up(status)
        assert_is_bundle(self, self.plane, "v1.4.1/experimental")
        actions = {action["crd"]: action["action"] for action in status["plan"]["actions"]}
        self.assertEqual(actions[f"gateways.{GATEWAY}"], "Carry")
        moved = {(check["check"], check["field"]) for check in migration.checks() if check["check"] == "FieldMoved"}
        self.assertEqual(moved, {("FieldMoved", "spec.listeners[0].tls.frontendValidation"),
                                 ("FieldMoved", "spec.backendTLS.clientCertificateRef")})
        after = self.gateway()
        self.assertEqual(after["metadata"]["uid"], before["metadata"]["uid"])
        self.assertEqual(after["spec"]["tls"], {
            "backend": {"clientCertificateRef": {"group": "", "kind": "Secret", "name": "ours"}},
            "frontend": {"default": {}, "perPort": [
                {"port": 443, "tls": {"validation": {"mode": "AllowValidOnly", "caCertificateRefs": CA}}}]}})
        self.assertEqual({entry["manager"] for entry in after["metadata"]["managedFields"]}, {"git"})

        self.plane.kubectl("annotate", "gwm", "carry", "gatelift.dev/rollback=true")
        migration.wait_for_reason("RolledBack")
        assert_is_bundle(self, self.plane, "v1.3.0/experimental")
        self.assertEqual(self.gateway()["spec"], before["spec"])

    def test_what_is_lost_needs_consent_by_object(self):
        self.begin_with("v1.3.0/experimental")
        self.add(gateway_with_client_certificates())
        self.add({"apiVersion": f"{GATEWAY}/v1", "kind": "HTTPRoute", "metadata": {"name": "shop", "namespace": "store"},
                  "spec": {"rules": [{"name": "first", "retry": {"attempts": 3}}]}})
        self.start_operator()
        since = self.plane.audit.mark()
        migration = Migration(self.plane, "down", "v1.3.0/standard", accept=[
            {"check": "FieldLoss", "object": "HTTPRoute/*", "field": "*"},
            {"check": "SecurityLoss", "object": "*", "field": "*"}])
        migration.wait_until_stalled("SecurityLoss", "Gateway/ops/edge", "1 more")
        losses = {(check["check"], check.get("field")): check for check in migration.checks()}
        self.assertEqual(losses[("FieldLoss", "spec.rules[0].retry")]["acceptedBy"], "FieldLoss HTTPRoute/* *")
        self.assertIn('"attempts":3', losses[("FieldLoss", "spec.rules[0].retry")]["message"])
        self.assertNotIn("accepted", losses[("SecurityLoss", "spec.backendTLS")])
        self.assert_touched_nothing(since)

        self.plane.api.patch(migration.path, {"spec": {"accept": [
            {"check": "FieldLoss", "object": "HTTPRoute/*", "field": "*"},
            {"check": "SecurityLoss", "object": "Gateway/ops/edge", "field": "*"}]}})
        status = migration.wait_until_ready()
        self.assert_counts_add_up(status)
        self.assertNotIn("backendTLS", self.gateway()["spec"])
        route = self.plane.api.get(collection(f"{GATEWAY}/v1", "httproutes", "store") + "/shop")
        self.assertEqual(list(route["spec"]["rules"][0]), ["matches"])
        folder = self.plane.folder / "export"
        exported = self.plane.gatelift("backup", "export", folder, status["backup"]["ref"])
        self.assertEqual(exported.returncode, 0, exported.stderr)
        self.assertIn("frontendValidation", "".join(path.read_text() for path in folder.rglob("*.yaml")))

    def test_renamed_kinds_are_made_anew_and_removed_with_consent(self):
        self.begin_with("v1.4.1/experimental")
        self.add(gateway_with_client_certificates() | {"spec": {"gatewayClassName": "edge", "listeners": [
            {"name": "http", "port": 80, "protocol": "HTTP"}]}})
        listeners = [{"name": "a", "port": 8080, "protocol": "HTTP", "allowedRoutes": {"namespaces": {"from": "All"}}}]
        old = self.add({"apiVersion": f"{X_GROUP}/v1alpha1", "kind": "XListenerSet",
                        "metadata": {"name": "more", "namespace": "store", "labels": {"team": "shop"}},
                        "spec": {"parentRef": {"name": "edge", "namespace": "ops"}, "listeners": listeners}})
        self.add({"apiVersion": f"{GATEWAY}/v1", "kind": "HTTPRoute", "metadata": {"name": "shop", "namespace": "store"},
                  "spec": {"parentRefs": [{"group": X_GROUP, "kind": "XListenerSet", "name": "more"}]}})
        self.start_operator()
        status = Migration(self.plane, "rename", "v1.5.1/experimental").wait_until_ready()

        self.assert_counts_add_up(status)
        made = self.plane.api.get(collection(f"{GATEWAY}/v1", "listenersets", "store") + "/more")
        self.assertEqual(made["metadata"]["labels"], {"team": "shop"})
        self.assertEqual(made["spec"]["parentRef"], old["spec"]["parentRef"])
        self.assertEqual(made["spec"]["listeners"], old["spec"]["listeners"])
        route = self.plane.api.get(collection(f"{GATEWAY}/v1", "httproutes", "store") + "/shop")
        self.assertEqual([(ref["group"], ref["kind"]) for ref in route["spec"]["parentRefs"]],
                         [(X_GROUP, "XListenerSet"), (GATEWAY, "ListenerSet")])
        still = self.plane.api.get(collection(f"{X_GROUP}/v1alpha1", "xlistenersets", "store") + "/more")
        self.assertEqual(still["metadata"]["uid"], old["metadata"]["uid"])

        tidy = Migration(self.plane, "early", "v1.5.1/experimental", accept=[
            {"check": "OrphanCRD", "object": f"CustomResourceDefinition/xlistenersets.{X_GROUP}",
             "resolution": "Remove"}])
        self.assertIn("delete", tidy.wait_until_stalled("MissingPermission"))
        self.plane.api.delete(tidy.path)
        self.plane.kubectl("create", "clusterrolebinding", "gatelift-removal", "--clusterrole=gatelift-removal",
                           "--serviceaccount=gatelift-system:gatelift")
        self.addCleanup(self.plane.kubectl, "delete", "clusterrolebinding", "gatelift-removal")
        status = Migration(self.plane, "tidy", "v1.5.1/experimental", accept=[
            {"check": "OrphanCRD", "object": f"CustomResourceDefinition/xlistenersets.{X_GROUP}",
             "resolution": "Remove"}]).wait_until_ready()
        self.assert_counts_add_up(status)
        self.assertIsNone(self.plane.api.find(
            collection("apiextensions.k8s.io/v1", "customresourcedefinitions") + f"/xlistenersets.{X_GROUP}"))
        route = self.plane.api.get(collection(f"{GATEWAY}/v1", "httproutes", "store") + "/shop")
        self.assertEqual([ref["kind"] for ref in route["spec"]["parentRefs"]], ["ListenerSet"])
        self.assertEqual(status["backup"]["objects"], 2)  # the set, and the route that named it


if __name__ == "__main__":
    unittest.main(verbosity=2)
