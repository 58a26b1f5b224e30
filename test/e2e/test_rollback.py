# SPDX-License-Identifier: Apache-2.0
"""Back to what the backup holds: after a finished run, and instead of one that cannot go on."""

import unittest

from admission import MESSAGE, DenyingPolicy
from bundles import BUNDLES, assert_is_bundle, gateway_crds
from fixture import Migration, Scenario
from kube import GATEWAY, by_key, policies_path
from policies import LAST_APPLIED, NAMESPACES, Fleet, apply_policy, many, owners_of, policy

FROM, TARGET = "v1.0.0/experimental", "v1.1.1/experimental"
CRD = f"backendtlspolicies.{GATEWAY}"


class Rollback(Scenario):
    namespaces = NAMESPACES

    def setUp(self):
        self.begin_with(FROM)
        for namespace in NAMESPACES:
            self.addCleanup(self.plane.api.delete, f"/api/v1/namespaces/{namespace}/services/owner")

    def live(self):
        return by_key(self.plane.api.items(policies_path("v1alpha2")))

    def assert_as_before(self, before):
        after = self.live()
        self.assertEqual(set(after), set(before))
        for name, old in before.items():
            with self.subTest(name):
                new = after[name]
                self.assertEqual(new["spec"], old["spec"])
                for part in ("labels", "annotations", "ownerReferences"):
                    self.assertEqual(new["metadata"].get(part), old["metadata"].get(part), part)
                self.assertEqual("status" in new, "status" in old)
                self.assertEqual(owners_of(new), owners_of(old))
                self.assertEqual({entry["apiVersion"] for entry in new["metadata"]["managedFields"]},
                                 {f"{GATEWAY}/v1alpha2"})
        crd = gateway_crds(self.plane.api)[CRD]
        self.assertEqual(crd["status"]["storedVersions"], ["v1alpha2"])
        self.assertEqual(crd["metadata"]["annotations"]["gateway.networking.k8s.io/bundle-version"], "v1.0.0")

    def test_the_command_brings_everything_back_after_done(self):
        fleet = Fleet(self.plane)
        self.start_operator()
        migration = Migration(self.plane, "to-v1-1", TARGET)
        migration.wait_until_ready()
        result = self.plane.gatelift("rollback", "to-v1-1", "--yes", "--bundles", BUNDLES)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        status = migration.wait_until_ready()
        self.assertEqual(migration.condition("Ready")["reason"], "RolledBack")
        self.assert_counts_add_up(status)
        self.assert_as_before(fleet.before)
        self.assertTrue(any(LAST_APPLIED in item["metadata"].get("annotations", {}) for item in self.live().values()))
        assert_is_bundle(self, self.plane, FROM)

    def test_the_annotation_does_the_same_and_the_way_up_stays_open(self):
        many(self.plane.api, 8)
        before = self.live()
        self.start_operator()
        migration = Migration(self.plane, "to-v1-1", TARGET)
        migration.wait_until_ready()
        late = {"apiVersion": f"{GATEWAY}/v1alpha3", "kind": "BackendTLSPolicy",
                "metadata": {"namespace": "ops", "name": "made-since"},
                "spec": {"targetRefs": [{"group": "", "kind": "Service", "name": "new"}],
                         "validation": {"hostname": "new.example.com", "wellKnownCACertificates": "System"}}}
        apply_policy(self.plane.api, late)
        self.plane.kubectl("annotate", "gwm", "to-v1-1", "gatelift.dev/rollback=true")
        migration.wait_for_reason("RolledBack")
        after = self.live()
        new = after.pop(("ops", "made-since"))
        self.assertEqual(new["spec"]["targetRef"]["name"], "new")
        self.assertEqual(set(after), set(before))

        Migration(self.plane, "once-more", TARGET).wait_until_ready()
        assert_is_bundle(self, self.plane, TARGET)
        self.assertEqual(len(self.plane.api.items(policies_path("v1alpha3"))), 9)

    def test_a_run_that_cannot_go_on_goes_back_by_itself(self):
        many(self.plane.api, 8)
        apply_policy(self.plane.api, policy("auth", "unwanted"))
        before = self.live()
        deny = DenyingPolicy(self.plane, "unwanted", "has(object.spec.targetRefs)")
        self.addCleanup(deny.remove)
        self.start_operator()
        migration = Migration(self.plane, "to-v1-1", TARGET, onFailure="Rollback")
        migration.wait_until_stalled("RolledBack", "BackendTLSPolicy/auth/unwanted", MESSAGE)
        self.assert_as_before(before)
        assert_is_bundle(self, self.plane, FROM)


if __name__ == "__main__":
    unittest.main(verbosity=2)
