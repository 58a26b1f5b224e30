# SPDX-License-Identifier: Apache-2.0
"""What cannot be done is found out before anything is done, and the run goes on by itself once it can be."""

import json
import unittest

from bundles import BUNDLES, assert_is_bundle
from fixture import Migration, Scenario
from kube import CRDS, key, policies_path
from policies import NAMESPACES, apply_policy, many, policy

TARGET = "v1.1.1/experimental"
CRD = "backendtlspolicies.gateway.networking.k8s.io"


class Blocked(Scenario):
    namespaces = (*NAMESPACES, "doomed")

    def setUp(self):
        self.begin_with("v1.0.0/experimental")

    def path(self, name, version="v1alpha2"):
        return f"{policies_path(version, name[0])}/{name[1]}"

    def assert_nothing_deleted(self, since):
        self.assert_touched_nothing(since)
        self.assertEqual([write for write in self.plane.audit.writes(since) if write.verb.startswith("delete")], [])

    def check(self, migration, code, name):
        """The one check about an object, with all that a person needs."""
        found = [check for check in migration.checks() if check.get("object") == f"BackendTLSPolicy/{name[0]}/{name[1]}"
                 and check["check"] == code]
        self.assertEqual(len(found), 1, migration.checks())
        self.assertTrue(found[0]["message"] and found[0]["next"], found)
        return found[0]

    def test_a_foreign_target_namespace_stops_the_run_until_it_is_fixed(self):
        keys = many(self.plane.api, 39)
        foreign = policy("auth", "foreign", service="elsewhere")
        foreign["spec"]["targetRef"]["namespace"] = "billing"
        apply_policy(self.plane.api, foreign)
        self.start_operator()
        since = self.plane.audit.mark()
        migration = Migration(self.plane, "to-v1-1", TARGET)

        message = migration.wait_until_stalled("ForeignTargetNamespace", "BackendTLSPolicy/auth/foreign",
                                               "spec.targetRef.namespace", "billing", "next:")
        self.assert_nothing_deleted(since)
        check = self.check(migration, "ForeignTargetNamespace", ("auth", "foreign"))
        self.assertEqual((check["severity"], check["field"]), ("Consent", "spec.targetRef.namespace"))
        self.assertEqual(migration.condition("Ready")["status"], "False")
        self.assertIn("ForeignTargetNamespace", self.plane.kubectl("get", "gwm", "to-v1-1", "-o", "wide"), message)

        del foreign["spec"]["targetRef"]["namespace"]
        apply_policy(self.plane.api, foreign)
        status = migration.wait_until_ready()
        self.assertEqual(status["progress"], "40/40")
        self.assertIsNotNone(self.plane.api.find(self.path(keys[0], "v1alpha3")))
        assert_is_bundle(self, self.plane, TARGET)

    def test_the_command_line_says_the_same_and_exits_with_3(self):
        many(self.plane.api, 3)
        foreign = policy("auth", "foreign")
        foreign["spec"]["targetRef"]["namespace"] = "billing"
        apply_policy(self.plane.api, foreign)
        since = self.plane.audit.mark()
        for command in (("plan",), ("migrate", "--yes")):
            with self.subTest(command):
                result = self.plane.gatelift(*command, "--to", TARGET, "--bundles", BUNDLES, "--strategy", "Recreate")
                self.assertEqual(result.returncode, 3, result.stderr)
                for words in ("ForeignTargetNamespace", "BackendTLSPolicy/auth/foreign", "spec.targetRef.namespace"):
                    self.assertIn(words, result.stdout + result.stderr)
        self.assertEqual([write for write in self.plane.audit.writes(since) if write.is_gateway_api], [])

    def test_an_orphan_finalizer_stops_the_run_until_it_is_gone(self):
        many(self.plane.api, 5)
        held = policy("ops", "held")
        apply_policy(self.plane.api, held)
        self.plane.api.patch(self.path(key(held)), {"metadata": {"finalizers": ["example.com/gone"]}})
        self.start_operator()
        since = self.plane.audit.mark()
        migration = Migration(self.plane, "to-v1-1", TARGET)

        migration.wait_until_stalled("BackendTLSPolicy/ops/held", "example.com/gone", "next:")
        self.assert_nothing_deleted(since)
        self.assertIn("finalizer", self.check(migration, "Finalizer", key(held))["field"])

        self.plane.api.patch(self.path(key(held)), {"metadata": {"finalizers": None}})
        migration.wait_until_ready()
        self.assertEqual(len(self.plane.api.items(policies_path("v1alpha3"))), 6)

    def test_an_object_that_is_being_deleted_is_not_brought_back(self):
        many(self.plane.api, 5)
        leaving = policy("ops", "leaving")
        apply_policy(self.plane.api, leaving)
        path = self.path(key(leaving))
        self.plane.api.patch(path, {"metadata": {"finalizers": ["example.com/slow"]}})
        self.plane.api.delete(path)
        self.start_operator()
        since = self.plane.audit.mark()
        migration = Migration(self.plane, "to-v1-1", TARGET)

        migration.wait_until_stalled("BackendTLSPolicy/ops/leaving", "next:")
        self.assert_nothing_deleted(since)
        self.check(migration, "BeingDeleted", key(leaving))

        self.plane.api.patch(path, {"metadata": {"finalizers": None}})
        status = migration.wait_until_ready()
        live = {key(item) for item in self.plane.api.items(policies_path("v1alpha3"))}
        self.assertNotIn(key(leaving), live)
        self.assertEqual(len(live), 5)
        self.assertEqual(status["progress"], "5/5")

    def test_an_object_in_a_namespace_that_is_being_deleted_stops_the_run(self):
        many(self.plane.api, 5)
        doomed = policy("doomed", "last")
        apply_policy(self.plane.api, doomed)
        self.plane.api.delete("/api/v1/namespaces/doomed")  # without a controller manager it stays Terminating
        self.start_operator()
        since = self.plane.audit.mark()
        migration = Migration(self.plane, "to-v1-1", TARGET)

        migration.wait_until_stalled("doomed", "next:")
        self.assert_nothing_deleted(since)
        self.plane.api.delete(self.path(key(doomed)))
        migration.wait_until_ready()
        self.assertEqual(len(self.plane.api.items(policies_path("v1alpha3"))), 5)

    def test_a_policy_that_comes_between_plan_and_deletion_is_carried_along(self):
        many(self.plane.api, 5)
        self.start_operator()
        migration = Migration(self.plane, "to-v1-1", TARGET, approval="Required")
        migration.wait_until_stalled("AwaitingApproval", "sha256:")
        late = policy("media", "late")
        apply_policy(self.plane.api, late)
        digest = migration.status()["plan"]["digest"]
        self.plane.kubectl("patch", "gwm", "to-v1-1", "--type=merge", "-p",
                           json.dumps({"spec": {"approvedPlan": digest}}))
        message = migration.wait_until_stalled("AwaitingApproval", "is not what would be done now")
        self.assertNotIn("Done", message)
        self.assertEqual(len(self.plane.api.items(policies_path("v1alpha2"))), 6)
        digest = migration.status()["plan"]["digest"]
        self.plane.kubectl("patch", "gwm", "to-v1-1", "--type=merge", "-p",
                           json.dumps({"spec": {"approvedPlan": digest}}))
        migration.wait_until_ready()
        self.assertIsNotNone(self.plane.api.find(self.path(key(late), "v1alpha3")))
        self.assertEqual(self.plane.api.get(f"{CRDS}/{CRD}")["status"]["storedVersions"], ["v1alpha3"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
