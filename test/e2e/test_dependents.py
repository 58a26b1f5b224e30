# SPDX-License-Identifier: Apache-2.0
"""With a real garbage collector, quota and namespace controller at work."""

import unittest

from bundles import assert_is_bundle
from fixture import NAMESPACE, Migration, Scenario
from kube import GATEWAY, collection, key, policies_path
from policies import NAMESPACES, apply_policy, many, policy
from waiting import eventually

TARGET = "v1.1.1/experimental"
QUOTAS = collection("v1", "resourcequotas", NAMESPACE)


class Controllers(Scenario):
    flags = ("--with-controller-manager",)
    namespaces = (*NAMESPACES, "doomed")

    def setUp(self):
        self.begin_with("v1.0.0/experimental")

    def config_map(self, namespace, name, owner):
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {
            "name": name, "namespace": namespace, "ownerReferences": [{
                "apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": owner["metadata"]["name"],
                "uid": owner["metadata"]["uid"], "blockOwnerDeletion": False, "controller": True}]},
            "data": {"kept": "yes"}}

    def wait_until_collector_knows_policies(self, version):
        """The collector deletes a child of an owner that never was: then it watches the kind."""
        path = collection("v1", "configmaps", "search")
        never = {"apiVersion": f"{GATEWAY}/{version}", "kind": "BackendTLSPolicy",
                 "metadata": {"name": "never", "uid": "00000000-0000-0000-0000-000000000000"}}
        self.plane.api.create(path, self.config_map("search", "canary", never))
        eventually(lambda: not self.plane.api.find(f"{path}/canary"), "the garbage collector is at work", 120)

    def test_what_a_policy_owns_survives_and_follows_its_new_uid(self):
        self.plane.kubectl("create", "clusterrolebinding", "gatelift-dependents", "--clusterrole=gatelift-dependents",
                           f"--serviceaccount={NAMESPACE}:gatelift")
        self.addCleanup(self.plane.kubectl, "delete", "clusterrolebinding", "gatelift-dependents")
        many(self.plane.api, 5)
        owner = apply_policy(self.plane.api, policy("store", "owner"))
        path = collection("v1", "configmaps", "store")
        child = self.plane.api.create(path, self.config_map("store", "child", owner))
        self.addCleanup(self.plane.api.delete, f"{path}/child")
        self.wait_until_collector_knows_policies("v1alpha2")
        self.start_operator()
        Migration(self.plane, "to-v1-1", TARGET).wait_until_ready(90)

        now = self.plane.api.get(f"{policies_path('v1alpha3', 'store')}/owner")
        self.assertNotEqual(now["metadata"]["uid"], owner["metadata"]["uid"])
        self.wait_until_collector_knows_policies("v1alpha3")
        after = self.plane.api.get(f"{path}/child")
        self.assertEqual(after["metadata"]["uid"], child["metadata"]["uid"])
        self.assertEqual(after["data"], {"kept": "yes"})
        reference = {**child["metadata"]["ownerReferences"][0], "uid": now["metadata"]["uid"],
                     "apiVersion": f"{GATEWAY}/v1alpha3"}
        self.assertEqual(after["metadata"]["ownerReferences"], [reference])

    def test_a_quota_that_counts_secrets_stops_the_run_before_anything_is_deleted(self):
        many(self.plane.api, 5)
        self.plane.api.create(QUOTAS, {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "full"},
                                       "spec": {"hard": {"secrets": "1"}}})
        self.addCleanup(self.plane.api.delete, f"{QUOTAS}/full")
        eventually(lambda: "secrets" in self.plane.api.get(f"{QUOTAS}/full").get("status", {}).get("used", {}),
                   "the quota is counted", 60)
        since = self.plane.audit.mark()
        self.start_operator()
        migration = Migration(self.plane, "to-v1-1", TARGET)
        migration.wait_until_stalled("quota", "Secret")
        self.assert_touched_nothing(since)
        self.plane.api.delete(f"{QUOTAS}/full")
        migration.wait_until_ready(90)
        self.assertEqual(len(self.plane.api.items(policies_path("v1alpha3"))), 5)

    def test_a_namespace_that_goes_away_takes_its_policies_and_holds_nobody_up(self):
        kept = many(self.plane.api, 5)
        doomed = policy("doomed", "last")
        apply_policy(self.plane.api, doomed)
        self.plane.api.create(collection("v1", "configmaps", "doomed"), {
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "slow", "finalizers": ["example.com/slow"]}})
        self.start_operator()
        self.plane.api.delete("/api/v1/namespaces/doomed")
        migration = Migration(self.plane, "to-v1-1", TARGET)
        self.plane.api.patch(collection("v1", "configmaps", "doomed") + "/slow", {"metadata": {"finalizers": None}})
        eventually(lambda: not self.plane.api.find("/api/v1/namespaces/doomed"), "the namespace is gone", 90)
        migration.wait_until_ready(90)
        live = {key(item) for item in self.plane.api.items(policies_path("v1alpha3"))}
        self.assertEqual(live, set(kept))
        assert_is_bundle(self, self.plane, TARGET)


if __name__ == "__main__":
    unittest.main(verbosity=2)
