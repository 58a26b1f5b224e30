# SPDX-License-Identifier: Apache-2.0
"""v1.1.1 to v1.2.1, experimental: GRPCRoutes and ReferenceGrants that are still stored as v1alpha2."""

import json
import unittest

from bundles import assert_is_bundle, gateway_crds, install
from fixture import Migration, Scenario
from kube import GATEWAY, by_key, collection, key
from policies import APPLIER, LAST_APPLIED, NAMESPACES, owners_of

FROM, TARGET = "v1.1.1/experimental", "v1.2.1/experimental"
KINDS = {"grpcroutes": "v1", "referencegrants": "v1beta1"}


def route(i):
    return {"apiVersion": f"{GATEWAY}/v1alpha2", "kind": "GRPCRoute",
            "metadata": {"namespace": NAMESPACES[i % 6], "name": f"route-{i:02d}", "labels": {"team": "edge"}},
            "spec": {"parentRefs": [{"name": "edge"}], "hostnames": [f"route-{i:02d}.example.com"],
                     "rules": [{"matches": [{"method": {"service": "shop.Cart", "method": "Add"}}],
                                "backendRefs": [{"name": "cart", "port": 8443}]}]}}


def grant(i):
    return {"apiVersion": f"{GATEWAY}/v1alpha2", "kind": "ReferenceGrant",
            "metadata": {"namespace": NAMESPACES[i], "name": "from-edge"},
            "spec": {"from": [{"group": GATEWAY, "kind": "GRPCRoute", "namespace": "ops"}],
                     "to": [{"group": "", "kind": "Service"}]}}


class Reencode(Scenario):
    namespaces = NAMESPACES

    def collection(self, plural, version=None, namespace=None):
        return collection(f"{GATEWAY}/{version or KINDS[plural]}", plural, namespace)

    def live(self, plural):
        return by_key(self.plane.api.items(self.collection(plural)))

    def make_leftovers(self):
        """v0.7.1 stores both kinds as v1alpha2; every later release reads that, up to v1.1."""
        api = self.plane.api
        routes = [route(i) for i in range(25)]
        for item in routes[:15]:
            api.apply(self.path("grpcroutes", item, "v1alpha2"), item, APPLIER)
        self.plane.kubectl("apply", "-f", "-", text=json.dumps(
            {"apiVersion": "v1", "kind": "List", "items": routes[15:]}))
        for i in range(5):
            api.apply(self.path("referencegrants", grant(i), "v1alpha2"), grant(i), APPLIER)
        for item in routes[::2]:
            api.patch(self.path("grpcroutes", item, "v1alpha2") + "/status", {"status": {"parents": [{
                "parentRef": {"name": "edge"}, "controllerName": "example.com/envoy", "conditions": [{
                    "type": "Accepted", "status": "True", "reason": "Accepted", "message": "",
                    "lastTransitionTime": "2026-01-02T03:04:05Z"}]}]}}, manager="envoy")
        return routes

    def path(self, plural, item, version=None):
        namespace, name = key(item)
        return f"{self.collection(plural, version, namespace)}/{name}"

    def test_every_object_is_rewritten_and_the_lists_are_pruned(self):
        self.begin_with("v0.7.1/experimental")
        routes = self.make_leftovers()
        install(self.plane, FROM)
        crds = gateway_crds(self.plane.api)
        for plural in KINDS:
            self.assertIn("v1alpha2", crds[f"{plural}.{GATEWAY}"]["status"]["storedVersions"])
        before = {plural: self.live(plural) for plural in KINDS}
        self.assertEqual({plural: len(items) for plural, items in before.items()},
                         {"grpcroutes": 25, "referencegrants": 5})
        since = self.plane.audit.mark()
        self.start_operator()
        status = Migration(self.plane, "to-v1-2", TARGET).wait_until_ready()

        assert_is_bundle(self, self.plane, TARGET)
        self.assert_counts_add_up(status)
        self.assertEqual(status["unavailable"]["measured"], "0s")
        deletions = [write for write in self.plane.audit.writes(since) if write.verb.startswith("delete")
                     and write.is_gateway_api]
        self.assertEqual(deletions, [])
        for plural, items in before.items():
            self.assert_same_objects(plural, items)
            self.assert_stored_at_the_storage_version(plural)
        self.assert_owners_can_go_on(routes)

    def assert_same_objects(self, plural, before):
        after = self.live(plural)
        self.assertEqual(set(after), set(before))
        for name, old in before.items():
            with self.subTest(name):
                new = after[name]
                for part in ("uid", "creationTimestamp", "generation", "labels"):
                    self.assertEqual(new["metadata"].get(part), old["metadata"].get(part), part)
                self.assertEqual((new["spec"], new.get("status")), (old["spec"], old.get("status")))
                self.assertEqual(owners_of(new), owners_of(old))
                versions = {entry["apiVersion"] for entry in new["metadata"]["managedFields"]}
                self.assertEqual(versions, {f"{GATEWAY}/{KINDS[plural]}"})
                note = new["metadata"].get("annotations", {}).get(LAST_APPLIED)
                if note:
                    self.assertEqual(json.loads(note)["apiVersion"], f"{GATEWAY}/{KINDS[plural]}")

    def assert_stored_at_the_storage_version(self, plural):
        """A write of nothing changes the resourceVersion exactly where the stored bytes are not current."""
        for item in self.live(plural).values():
            version = item["metadata"]["resourceVersion"]
            answer = self.plane.api.patch(self.path(plural, item), {"metadata": {"resourceVersion": version}})
            self.assertEqual(answer["metadata"]["resourceVersion"], version, key(item))

    def assert_owners_can_go_on(self, routes):
        applied, client_side = dict(routes[0]), dict(routes[20])
        applied["apiVersion"] = client_side["apiVersion"] = f"{GATEWAY}/v1"
        applied["metadata"] = {part: value for part, value in applied["metadata"].items() if part != "labels"}
        answer = self.plane.api.apply(self.path("grpcroutes", applied), applied, APPLIER)
        self.assertNotIn("labels", answer["metadata"])
        # kubectl calls it "configured": its patch has each list whole, without the values that the server adds by default.
        before = self.plane.api.get(self.path("grpcroutes", client_side))
        self.plane.kubectl("apply", "-f", "-", text=json.dumps(client_side))
        after = self.plane.api.get(self.path("grpcroutes", client_side))
        self.assertEqual(after["spec"], before["spec"])
        for part in ("generation", "annotations", "labels"):
            self.assertEqual(after["metadata"][part], before["metadata"][part], part)
        self.assertEqual(owners_of(after), owners_of(before))

    def test_lists_are_pruned_where_there_is_no_object(self):
        self.begin_with("v0.7.1/experimental")
        install(self.plane, FROM)
        self.start_operator()
        status = Migration(self.plane, "to-v1-2", TARGET).wait_until_ready()
        assert_is_bundle(self, self.plane, TARGET)
        self.assertEqual(status["unavailable"]["measured"], "0s")


if __name__ == "__main__":
    unittest.main(verbosity=2)
