# SPDX-License-Identifier: Apache-2.0
"""What goes wrong around a run: a clear message, a clear condition, nothing lost, and on it goes when it is mended."""

import unittest

from admission import MESSAGE, DenyingPolicy, DenyingWebhook
from bundles import BUNDLES, assert_is_bundle
from fixture import NAMESPACE, Migration, Scenario
from kube import GATEWAY, MIGRATIONS, collection, key, policies_path
from policies import NAMESPACES, apply_policy, converted, many, policy
from waiting import eventually

TARGET = "v1.1.1/experimental"
ROLES = collection("rbac.authorization.k8s.io/v1", "clusterroles")
QUOTAS = collection("v1", "resourcequotas", NAMESPACE)


class Failures(Scenario):
    namespaces = NAMESPACES

    def setUp(self):
        self.begin_with("v1.0.0/experimental")

    def live(self, version="v1alpha3"):
        return {key(item) for item in self.plane.api.items(policies_path(version))}

    def plan(self, kubeconfig):
        return self.plane.gatelift("plan", "--to", TARGET, "--bundles", BUNDLES, "--strategy", "Recreate",
                                   kubeconfig=kubeconfig)

    def test_a_bundle_that_nobody_has(self):
        many(self.plane.api, 3)
        since = self.plane.audit.mark()
        self.start_operator()
        migration = Migration(self.plane, "to-nowhere", "v1.1.99/experimental")
        migration.wait_until_stalled("BundleNotFound", "v1.1.99/experimental", "v1.1.1")
        self.assert_touched_nothing(since)
        self.plane.api.patch(migration.path, {"spec": {"target": {"version": "v1.1.1"}}})
        migration.wait_until_ready()
        self.assertEqual(len(self.live()), 3)

    def test_an_api_server_that_is_not_there(self):
        dead = self.plane.kubeconfig_with_token("x", "dead", server="https://127.0.0.1:1")
        result = self.plan(dead)
        self.assertEqual(result.returncode, 1)
        self.assertIn("127.0.0.1:1", result.stderr)
        self.assertIn("next:", result.stderr)

    def test_a_token_that_is_not_accepted(self):
        self.plane.kubectl("create", "serviceaccount", "short-lived", "-n", NAMESPACE)
        token = self.plane.kubectl("create", "token", "short-lived", "-n", NAMESPACE).strip()
        self.plane.kubectl("delete", "serviceaccount", "short-lived", "-n", NAMESPACE)
        for name, value in {"revoked": token, "nonsense": "nonsense"}.items():
            with self.subTest(name):
                result = self.plan(self.plane.kubeconfig_with_token(value, name))
                self.assertEqual(result.returncode, 1, result.stdout)
                self.assertIn("credentials are not accepted", result.stderr)
                self.assertNotIn(value, result.stderr)

    def test_a_permission_that_is_missing(self):
        many(self.plane.api, 5)
        role = self.plane.api.get(f"{ROLES}/gatelift")
        less = {**role, "rules": [rule for rule in role["rules"] if not (
            rule["resources"] == ["backendtlspolicies"] and "delete" in rule["verbs"])]}
        self.assertEqual(len(less["rules"]), len(role["rules"]) - 1)
        self.addCleanup(self.plane.api.patch, f"{ROLES}/gatelift", {"rules": role["rules"]})
        self.plane.api.replace(f"{ROLES}/gatelift", less)
        since = self.plane.audit.mark()
        self.start_operator()
        migration = Migration(self.plane, "to-v1-1", TARGET)
        migration.wait_until_stalled("MissingPermission", "backendtlspolicies", "next:")
        self.assertIn("delete", str([check for check in migration.checks() if check["check"] == "MissingPermission"]))
        self.assert_touched_nothing(since)
        self.plane.api.patch(f"{ROLES}/gatelift", {"rules": role["rules"]})
        migration.wait_until_ready()
        self.assertEqual(len(self.live()), 5)

    def test_a_quota_that_is_full(self):
        many(self.plane.api, 5)
        quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "full"},
                 "spec": {"hard": {"secrets": "0"}}}
        self.plane.api.create(QUOTAS, quota)
        self.addCleanup(self.plane.api.delete, f"{QUOTAS}/full")
        self.plane.api.patch(f"{QUOTAS}/full/status", {"status": {"hard": {"secrets": "0"}, "used": {"secrets": "0"}}})
        since = self.plane.audit.mark()
        self.start_operator()
        migration = Migration(self.plane, "to-v1-1", TARGET)
        migration.wait_until_stalled("quota", "Secret")
        self.assert_touched_nothing(since)
        self.assertEqual(len(self.live("v1alpha2")), 5)
        self.plane.api.delete(f"{QUOTAS}/full")
        migration.wait_until_ready()
        self.assertEqual(len(self.live()), 5)

    def assert_one_denied(self, migration, deny, words):
        migration.wait_until_stalled("BackendTLSPolicy/auth/unwanted", words)
        eventually(lambda: len(self.live()) == 39, "the other 39 are there")
        counts = {crd["name"]: crd["objects"] for crd in migration.status()["crds"]}
        self.assertEqual(counts["backendtlspolicies.gateway.networking.k8s.io"],
                         {"found": 40, "done": 39, "unchanged": 0, "skipped": 0, "failed": 1})
        self.assertEqual([failure["object"] for failure in migration.status()["failures"]],
                         ["BackendTLSPolicy/auth/unwanted"])
        deny.remove()
        status = migration.wait_until_ready()
        self.assert_counts_add_up(status)
        self.assertNotIn("failures", status)
        self.assertEqual(len(self.live()), 40)
        self.assertNotEqual(status["unavailable"]["measured"], "0s")

    def test_an_admission_policy_that_denies_one_object(self):
        many(self.plane.api, 39)
        apply_policy(self.plane.api, policy("auth", "unwanted"))
        deny = DenyingPolicy(self.plane, "unwanted")
        self.addCleanup(deny.remove)
        self.start_operator()
        self.assert_one_denied(Migration(self.plane, "to-v1-1", TARGET), deny, MESSAGE)

    def test_a_webhook_that_denies_one_object(self):
        many(self.plane.api, 39)
        apply_policy(self.plane.api, policy("auth", "unwanted"))
        deny = DenyingWebhook(self.plane, GATEWAY, "backendtlspolicies", "unwanted", "the webhook says no")
        self.addCleanup(deny.close)
        self.start_operator()
        self.assert_one_denied(Migration(self.plane, "to-v1-1", TARGET), deny, "the webhook says no")

    def test_a_resource_that_is_deleted_in_the_middle_ends_when_every_object_is_back(self):
        many(self.plane.api, 5)
        apply_policy(self.plane.api, policy("auth", "unwanted"))
        deny = DenyingPolicy(self.plane, "unwanted")
        self.addCleanup(deny.remove)
        self.start_operator()
        migration = Migration(self.plane, "to-v1-1", TARGET)
        migration.wait_until_stalled("BackendTLSPolicy/auth/unwanted")
        self.plane.api.delete(migration.path)
        self.assertIn("deletionTimestamp", migration.object()["metadata"])
        deny.remove()
        eventually(lambda: not self.plane.api.find(migration.path), "the resource is gone", 60, migration.explain)
        self.assertEqual(len(self.live()), 6)

    def test_a_resource_that_is_deleted_before_it_runs_leaves_everything(self):
        many(self.plane.api, 5)
        since = self.plane.audit.mark()
        self.start_operator()
        migration = Migration(self.plane, "to-v1-1", TARGET, approval="Required")
        migration.wait_until_stalled("AwaitingApproval")
        self.plane.api.delete(migration.path)
        eventually(lambda: not self.plane.api.find(migration.path), "the resource is gone")
        self.assert_touched_nothing(since)
        self.assertEqual(len(self.live("v1alpha2")), 5)

    def test_an_operator_that_is_killed_is_continued_by_the_next(self):
        many(self.plane.api, 5)
        apply_policy(self.plane.api, policy("auth", "unwanted"))
        deny = DenyingPolicy(self.plane, "unwanted")
        self.addCleanup(deny.remove)
        first = self.start_operator()
        migration = Migration(self.plane, "to-v1-1", TARGET)
        migration.wait_until_stalled("BackendTLSPolicy/auth/unwanted")
        first.kill()
        deny.remove()
        self.start_operator()
        migration.wait_until_ready()
        self.assertEqual(len(self.live()), 6)
        assert_is_bundle(self, self.plane, TARGET)

    def test_an_api_server_that_dies_and_comes_back(self):
        keys = many(self.plane.api, 20)
        before = {key(item): item for item in self.plane.api.items(policies_path("v1alpha2"))}
        self.start_operator()
        migration = Migration(self.plane, "to-v1-1", TARGET)
        eventually(lambda: migration.status().get("phase") in ("BackUp", "Migrate"), "it has begun", 60)
        self.plane.restart_api_server()
        migration.wait_until_ready(120)
        after = {key(item): item for item in self.plane.api.items(policies_path("v1alpha3"))}
        self.assertEqual(sorted(after), sorted(keys))
        for name, item in before.items():
            self.assertEqual(after[name]["spec"], converted(item)["spec"])

    def test_two_resources_at_once_run_one_after_the_other(self):
        many(self.plane.api, 5)
        apply_policy(self.plane.api, policy("auth", "unwanted"))
        deny = DenyingPolicy(self.plane, "unwanted")
        self.addCleanup(deny.remove)
        self.start_operator()
        older = Migration(self.plane, "a-first", TARGET)
        older.wait_until_stalled("BackendTLSPolicy/auth/unwanted")
        younger = Migration(self.plane, "b-second", "v1.2.1/experimental")
        eventually(lambda: "GatewayAPIMigration/a-first" in younger.condition("Ready").get("message", ""),
                   "the second one says whom it waits for", explain=younger.explain)
        self.assertEqual(younger.condition("Ready")["reason"], "WaitingForOther")
        deny.remove()
        older.wait_until_ready()
        younger.wait_until_ready()
        assert_is_bundle(self, self.plane, "v1.2.1/experimental")
        self.assertEqual(len(self.plane.api.items(MIGRATIONS)), 2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
