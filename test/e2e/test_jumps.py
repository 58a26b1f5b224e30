# SPDX-License-Identifier: Apache-2.0
"""From v1.0.0 over several releases at once: policies end at v1."""

import unittest

from bundles import assert_is_bundle
from fixture import Migration, Scenario
from kube import GATEWAY, by_key, collection, key, policies_path
from policies import APPLIER, NAMESPACES, apply_policy, converted, many, owners_of, write_status


class Jumps(Scenario):
    namespaces = NAMESPACES

    def setUp(self):
        self.begin_with("v1.0.0/experimental")

    def add_other_kinds(self):
        """A GatewayClass, a Gateway and an HTTPRoute: their CRDs change, and they stay the objects they are."""
        items = {
            "gatewayclasses": {"metadata": {"name": "edge"}, "spec": {"controllerName": "example.com/edge"}},
            "gateways": {"metadata": {"name": "edge", "namespace": "ops"}, "spec": {
                "gatewayClassName": "edge", "listeners": [{"name": "http", "port": 80, "protocol": "HTTP"}]}},
            "httproutes": {"metadata": {"name": "shop", "namespace": "store"}, "spec": {
                "parentRefs": [{"name": "edge", "namespace": "ops"}],
                "rules": [{"backendRefs": [{"name": "shop", "port": 443}]}]}},
        }
        kinds = {"gatewayclasses": "GatewayClass", "gateways": "Gateway", "httproutes": "HTTPRoute"}
        for plural, item in items.items():
            path = collection(f"{GATEWAY}/v1", plural, item["metadata"].get("namespace"))
            body = {"apiVersion": f"{GATEWAY}/v1", "kind": kinds[plural], **item}
            self.plane.api.apply(f"{path}/{item['metadata']['name']}", body, APPLIER)
        return kinds

    def jump(self, target):
        many(self.plane.api, 12)
        for item in self.plane.api.items(policies_path("v1alpha2"))[::2]:
            write_status(self.plane.api, item)
        kinds = self.add_other_kinds()
        others = {plural: by_key(self.plane.api.items(collection(f"{GATEWAY}/v1", plural))) for plural in kinds}
        before = by_key(self.plane.api.items(policies_path("v1alpha2")))
        self.start_operator()
        status = Migration(self.plane, "jump", target).wait_until_ready(90)

        self.assert_counts_add_up(status)
        assert_is_bundle(self, self.plane, target)
        after = by_key(self.plane.api.items(policies_path("v1")))
        self.assertEqual(set(after), set(before))
        for name, old in before.items():
            with self.subTest(name):
                self.assertEqual(after[name]["spec"], converted(old, "v1")["spec"])
                self.assertEqual("status" in after[name], "status" in old)
                self.assertEqual(owners_of(after[name]), owners_of(old))
                self.assertEqual({entry["apiVersion"] for entry in after[name]["metadata"]["managedFields"]},
                                 {f"{GATEWAY}/v1"})
        for plural, items in others.items():
            for name, new in by_key(self.plane.api.items(collection(f"{GATEWAY}/v1", plural))).items():
                with self.subTest(plural):
                    self.assertEqual(new["spec"], items[name]["spec"])
                    self.assertEqual(new["metadata"]["uid"], items[name]["metadata"]["uid"])
        first = converted(before[min(before)], "v1")
        first["metadata"]["labels"] = {"applied": "again"}
        self.assertEqual(apply_policy(self.plane.api, first)["spec"], after[key(first)]["spec"])

    def test_to_v1_4(self):
        self.jump("v1.4.1/experimental")

    def test_to_v1_6(self):
        self.jump("v1.6.1/experimental")


if __name__ == "__main__":
    unittest.main(verbosity=2)
