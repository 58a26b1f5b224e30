# SPDX-License-Identifier: Apache-2.0
"""The policy that bundles from v1.5 on bring along: kept, replaced last, or suspended with a consent and never lost;
and the webhook of bundles before v1.0."""

import json
import unittest

from admission import ADMISSION, CONFIGURATIONS, SAFE_UPGRADES, DenyingWebhook, SafeUpgrades
from audit import OPERATOR
from bundles import BUNDLES, assert_is_bundle, documents
from fixture import Migration, Scenario
from kube import GATEWAY, collection
from waiting import eventually

OLD, STANDARD, EXPERIMENTAL = "v1.5.1/standard", "v1.6.1/standard", "v1.6.1/experimental"
OBJECT = f"ValidatingAdmissionPolicy/{SAFE_UPGRADES}"
CHANNEL = {"check": "SafeUpgradesDenies", "object": OBJECT, "field": "spec.validations[0]"}
VERSION = {"check": "SafeUpgradesDenies", "object": OBJECT, "field": "spec.validations[1]"}
WEBHOOK = "gateway-api-admission"


class Policy(Scenario):
    namespaces = ("store",)

    def begin(self, bundle):
        self.begin_with(bundle)
        self.policy = SafeUpgrades(self.plane)
        self.policy.install(bundle)
        self.plane.api.patch(f"/apis/{ADMISSION}/validatingadmissionpolicies/{SAFE_UPGRADES}",
                             {"metadata": {"labels": {"team": "edge"}}})
        path = collection(f"{GATEWAY}/v1", "httproutes", "store")
        self.plane.api.create(path, {
            "apiVersion": f"{GATEWAY}/v1", "kind": "HTTPRoute", "metadata": {"name": "shop"},
            "spec": {"rules": [{"backendRefs": [{"name": "shop", "port": 443}]}]}})

    def assert_policy_is_of(self, bundle):
        wanted = {document["kind"]: document for document in documents(self.plane, bundle)
                  if document["kind"].startswith("ValidatingAdmissionPolicy")}
        for live in self.policy.live():
            target = wanted[live["kind"]]
            self.assertEqual(live["metadata"]["annotations"], target["metadata"]["annotations"])
            self.assertEqual(live["spec"].get("validations"), target["spec"].get("validations"))
            self.assertEqual(live["spec"].get("validationActions"), target["spec"].get("validationActions"))

    def gatelift_writes(self, since):
        """What the operator wrote of CRDs and admission that is not its own, in order, without repetitions."""
        order = []
        for write in self.plane.audit.writes(since):
            if write.user == OPERATOR and write.code < 300 and not write.subresource and not write.is_our_own and (
                    write.resource == "customresourcedefinitions" or write.resource.startswith("validating")):
                verb = "delete" if write.verb == "delete" else "write"
                if not order or order[-1] != (verb, write.resource):
                    order.append((verb, write.resource))
        return order

    def test_an_upgrade_in_its_channel_leaves_the_policy_and_replaces_it_last(self):
        self.begin(OLD)
        since = self.plane.audit.mark()
        self.start_operator()
        status = Migration(self.plane, "up", STANDARD).wait_until_ready(90)
        assert_is_bundle(self, self.plane, STANDARD)
        self.assert_policy_is_of(STANDARD)
        self.assertEqual(self.gatelift_writes(since), [
            ("write", "customresourcedefinitions"), ("write", "validatingadmissionpolicies"),
            ("write", "validatingadmissionpolicybindings")])
        policy, binding = self.policy.live()
        self.assertEqual(policy["metadata"]["labels"], {"team": "edge"})
        for item in (policy, binding):
            self.assertNotIn("gatelift", [entry["manager"] for entry in item["metadata"]["managedFields"]])
        self.assertEqual(status["plan"]["actions"][-1]["action"], "InstallPolicy")
        self.assertEqual([check for check in status["plan"]["checks"] if check["severity"] != "Note"], [])

        rollback = self.plane.gatelift("rollback", "up", "--yes", "--bundles", BUNDLES)
        self.assertEqual(rollback.returncode, 0, rollback.stdout + rollback.stderr)
        assert_is_bundle(self, self.plane, OLD)
        self.assert_policy_is_of(OLD)
        self.assertEqual(self.policy.live()[0]["metadata"]["labels"], {"team": "edge"})

    def test_an_upgrade_to_the_first_bundle_with_a_policy_installs_it(self):
        self.begin_with("v1.4.1/standard")
        self.policy = SafeUpgrades(self.plane)
        self.start_operator()
        Migration(self.plane, "up", OLD).wait_until_ready(90)
        assert_is_bundle(self, self.plane, OLD)
        self.assert_policy_is_of(OLD)
        rollback = self.plane.gatelift("rollback", "up", "--yes", "--bundles", BUNDLES)
        self.assertEqual(rollback.returncode, 0, rollback.stdout + rollback.stderr)
        assert_is_bundle(self, self.plane, "v1.4.1/standard")
        self.assertTrue(self.policy.is_gone(), "the backup holds none")

    def test_experimental_over_standard_is_refused_and_done_with_a_consent(self):
        self.begin(OLD)
        since = self.plane.audit.mark()
        refused = self.plane.gatelift("migrate", "--to", EXPERIMENTAL, "--yes", "--bundles", BUNDLES)
        self.assertEqual(refused.returncode, 3, refused.stdout + refused.stderr)
        for words in ("SafeUpgradesDenies", OBJECT, "spec.validations[0]", "channel", "--accept"):
            self.assertIn(words, refused.stdout + refused.stderr)
        self.assertNotIn("CRDRefused", refused.stdout)
        for item in self.plane.api.items("/apis/gatelift.dev/v1alpha1/gatewayapimigrations"):
            self.plane.api.delete(f"/apis/gatelift.dev/v1alpha1/gatewayapimigrations/{item['metadata']['name']}")

        self.start_operator()
        migration = Migration(self.plane, "up", EXPERIMENTAL)
        migration.wait_until_stalled("SafeUpgradesDenies", "next:")
        self.assert_touched_nothing(since)
        self.plane.api.patch(migration.path, {"spec": {"accept": [CHANNEL]}})
        migration.wait_until_ready(90)
        assert_is_bundle(self, self.plane, EXPERIMENTAL)
        self.assert_policy_is_of(EXPERIMENTAL)
        self.assertEqual(self.gatelift_writes(since), [
            ("delete", "validatingadmissionpolicybindings"), ("delete", "validatingadmissionpolicies"),
            ("write", "customresourcedefinitions"),
            ("write", "validatingadmissionpolicies"), ("write", "validatingadmissionpolicybindings"),
            ("write", "validatingadmissionpolicies"), ("write", "validatingadmissionpolicybindings")])
        self.assertEqual(self.policy.live()[0]["metadata"]["labels"], {"team": "edge"})
        self.assertNotIn("admission", migration.status())

    def test_a_process_that_is_killed_after_the_policy_is_gone_is_finished_by_the_next(self):
        self.begin(OLD)
        first = self.start_operator()
        migration = Migration(self.plane, "up", EXPERIMENTAL, accept=[CHANNEL])
        eventually(self.policy.is_gone, "the policy is taken away", 60, migration.explain)
        first.kill()
        self.assertTrue(self.policy.is_gone(), "killed too late")
        self.assertEqual(migration.status()["admission"]["suspendedPolicy"], SAFE_UPGRADES)
        self.assertTrue(migration.object()["metadata"]["finalizers"])
        self.start_operator()
        migration.wait_until_ready(90)
        assert_is_bundle(self, self.plane, EXPERIMENTAL)
        self.assert_policy_is_of(EXPERIMENTAL)

    def test_a_resource_that_is_deleted_after_a_kill_restores_the_policy_first(self):
        self.begin(OLD)
        before = self.policy.content()
        first = self.start_operator()
        migration = Migration(self.plane, "up", EXPERIMENTAL, accept=[CHANNEL])
        eventually(self.policy.is_gone, "the policy is taken away", 60, migration.explain)
        first.kill()
        self.assertTrue(self.policy.is_gone(), "killed too late")
        self.plane.api.delete(migration.path)
        self.assertIn("deletionTimestamp", migration.object()["metadata"])
        self.start_operator()
        eventually(lambda: not self.plane.api.find(migration.path), "the resource is gone", 60, migration.explain)
        self.assertEqual(self.policy.content(), before)

    def test_a_resource_that_is_deleted_during_the_run_restores_the_policy_first(self):
        self.begin(OLD)
        before = self.policy.content()
        self.start_operator()
        migration = Migration(self.plane, "up", EXPERIMENTAL, accept=[CHANNEL])
        eventually(self.policy.is_gone, "the policy is taken away", 60, migration.explain)
        self.plane.api.delete(migration.path)
        eventually(lambda: not self.plane.api.find(migration.path), "the resource is gone", 60, migration.explain)
        if self.policy.content() != before:  # the step that was under way was the last one
            self.assert_policy_is_of(EXPERIMENTAL)

    def test_a_process_that_is_told_to_end_puts_the_policy_back(self):
        self.begin(OLD)
        before = self.policy.content()
        first = self.start_operator()
        migration = Migration(self.plane, "up", EXPERIMENTAL, accept=[CHANNEL])
        eventually(self.policy.is_gone, "the policy is taken away", 60, migration.explain)
        self.assertEqual(first.stop(), 0, first.output())
        self.assertNotEqual(migration.status()["phase"], "Done", "stopped too late")
        self.assertEqual(self.policy.content(), before)
        self.assertNotIn("admission", migration.status())
        self.start_operator()
        migration.wait_until_ready(90)
        assert_is_bundle(self, self.plane, EXPERIMENTAL)
        self.assert_policy_is_of(EXPERIMENTAL)

    def test_a_run_that_stalls_leaves_the_policy_as_it_was(self):
        self.begin(OLD)
        before = self.policy.content()
        deny = DenyingWebhook(self.plane, "apiextensions.k8s.io", "customresourcedefinitions",
                              f"gateways.{GATEWAY}", "not this CRD", operation="UPDATE", dry_runs=False)
        self.addCleanup(deny.close)
        self.start_operator()
        migration = Migration(self.plane, "up", EXPERIMENTAL, accept=[CHANNEL])
        migration.wait_until_stalled("not this CRD", "is back meanwhile")
        self.assertEqual(self.policy.content(), before)
        eventually(lambda: self.policy.denies(OLD), "the policy is in effect")
        self.assertIn("ForeignAdmission", [check["check"] for check in migration.checks()])
        deny.remove()
        migration.wait_until_ready(150)
        assert_is_bundle(self, self.plane, EXPERIMENTAL)
        self.assert_policy_is_of(EXPERIMENTAL)

    def test_a_run_that_is_suspended_leaves_the_policy_as_it_was(self):
        self.begin(OLD)
        before = self.policy.content()
        self.start_operator()
        migration = Migration(self.plane, "up", EXPERIMENTAL, accept=[CHANNEL])
        eventually(self.policy.is_gone, "the policy is taken away", 60, migration.explain)
        self.plane.api.patch(migration.path, {"spec": {"suspend": True}})
        reason = eventually(lambda: migration.condition("Ready").get("reason") in ("Suspended", "Done") and
                            migration.condition("Ready")["reason"], "it rests", 60, migration.explain)
        if reason == "Suspended":  # else the step that was under way was the last one
            self.assertEqual(self.policy.content(), before)
            self.plane.api.patch(migration.path, {"spec": {"suspend": False}})
        migration.wait_until_ready(90)
        self.assert_policy_is_of(EXPERIMENTAL)

    def test_a_downgrade_takes_a_consent_and_leaves_no_policy(self):
        self.begin(STANDARD)
        self.start_operator()
        migration = Migration(self.plane, "down", "v1.4.1/standard")
        migration.wait_until_stalled("SafeUpgradesDenies", "spec.validations[1]", "not put back")
        self.plane.api.patch(migration.path, {"spec": {"accept": [VERSION]}})
        migration.wait_until_ready(120)
        assert_is_bundle(self, self.plane, "v1.4.1/standard")
        self.assertTrue(self.policy.is_gone())


class OldWebhook(Scenario):
    """Its objects as the install files make them; there is no pod, so that every write that it judges fails."""

    namespaces = ("store", "gateway-system")

    def objects(self):
        rbac = "rbac.authorization.k8s.io/v1"
        template = {"metadata": {"labels": {"name": WEBHOOK}},
                    "spec": {"containers": [{"name": "webhook", "image": "example.com/none"}], "restartPolicy": "Never"}}
        always = {**template, "spec": {"containers": template["spec"]["containers"]}}
        reference = {"apiGroup": "rbac.authorization.k8s.io", "name": WEBHOOK}
        selector = {"name": WEBHOOK}
        return [
            ("apps/v1", "deployments", "Deployment", f"{WEBHOOK}-server", True,
             {"spec": {"selector": {"matchLabels": selector}, "template": always}}),
            ("v1", "services", "Service", f"{WEBHOOK}-server", True,
             {"spec": {"selector": selector, "ports": [{"port": 443}]}}),
            ("batch/v1", "jobs", "Job", WEBHOOK, True, {"spec": {"template": template}}),
            ("batch/v1", "jobs", "Job", f"{WEBHOOK}-patch", True, {"spec": {"template": template}}),
            (rbac, "clusterrolebindings", "ClusterRoleBinding", WEBHOOK, False,
             {"roleRef": {**reference, "kind": "ClusterRole"}}),
            (rbac, "clusterroles", "ClusterRole", WEBHOOK, False, {"rules": []}),
            (rbac, "rolebindings", "RoleBinding", WEBHOOK, True, {"roleRef": {**reference, "kind": "Role"}}),
            (rbac, "roles", "Role", WEBHOOK, True, {"rules": []}),
            ("v1", "serviceaccounts", "ServiceAccount", WEBHOOK, True, {}),
            ("v1", "secrets", "Secret", WEBHOOK, True, {"data": {}}),
        ]

    def path(self, api_version, plural, name, is_namespaced):
        return collection(api_version, plural, "gateway-system" if is_namespaced else None) + "/" + name

    def install_webhook(self):
        for api_version, plural, kind, name, is_namespaced, content in self.objects():
            path = self.path(api_version, plural, name, is_namespaced)
            self.plane.api.create(path.rpartition("/")[0], {
                "apiVersion": api_version, "kind": kind, "metadata": {"name": name}, **content})
            self.addCleanup(self.plane.api.delete, path)
        self.plane.api.create(CONFIGURATIONS, {
            "apiVersion": ADMISSION, "kind": "ValidatingWebhookConfiguration", "metadata": {"name": WEBHOOK},
            "webhooks": [{
                "name": "validate.gateway.networking.k8s.io", "sideEffects": "None", "admissionReviewVersions": ["v1"],
                "failurePolicy": "Fail", "timeoutSeconds": 2, "matchPolicy": "Equivalent",
                "rules": [{"apiGroups": [GATEWAY], "apiVersions": ["v1alpha2", "v1beta1"],
                           "resources": ["gateways", "gatewayclasses", "httproutes"],
                           "operations": ["CREATE", "UPDATE"]}],
                "clientConfig": {"service": {"name": f"{WEBHOOK}-server", "namespace": "gateway-system",
                                             "path": "/validate"}}}]})
        self.addCleanup(self.plane.api.delete, f"{CONFIGURATIONS}/{WEBHOOK}")

    def grant(self):
        """What the comment in manifests/rbac/old_webhook.yaml says."""
        account = "--serviceaccount=gatelift-system:gatelift"
        self.plane.kubectl("create", "clusterrolebinding", "gatelift-old-webhook",
                           "--clusterrole=gatelift-old-webhook", account)
        self.addCleanup(self.plane.kubectl, "delete", "clusterrolebinding", "gatelift-old-webhook")
        self.plane.kubectl("create", "rolebinding", "gatelift-old-webhook", "-n", "gateway-system",
                           "--clusterrole=gatelift-old-webhook-namespace", account)
        self.addCleanup(self.plane.kubectl, "delete", "rolebinding", "gatelift-old-webhook", "-n", "gateway-system")

    def test_is_tried_named_and_removed_with_a_consent(self):
        self.begin_with("v0.8.1/standard")
        routes = collection(f"{GATEWAY}/v1beta1", "httproutes", "store")
        self.plane.api.create(routes, {
            "apiVersion": f"{GATEWAY}/v1beta1", "kind": "HTTPRoute", "metadata": {"name": "shop"},
            "spec": {"rules": [{"backendRefs": [{"name": "shop", "port": 443}]}]}})
        self.install_webhook()
        since = self.plane.audit.mark()
        self.start_operator()
        migration = Migration(self.plane, "up", "v1.1.1/standard")
        migration.wait_until_stalled("MissingPermission", "resourceNames", WEBHOOK)
        self.grant()
        migration.wait_until_stalled("OldWebhook", "HTTPRoute/store/shop", f"Deployment/gateway-system/{WEBHOOK}-server")
        self.assert_touched_nothing(since)
        self.plane.api.patch(migration.path, {"spec": {"accept": [
            {"check": "OldWebhook", "object": f"ValidatingWebhookConfiguration/{WEBHOOK}"}]}})
        status = migration.wait_until_ready(120)
        assert_is_bundle(self, self.plane, "v1.1.1/standard")
        self.assertIsNone(self.plane.api.find(f"{CONFIGURATIONS}/{WEBHOOK}"))
        for api_version, plural, _, name, is_namespaced, _ in self.objects():
            found = self.plane.api.find(self.path(api_version, plural, name, is_namespaced))
            # No garbage collector runs here, so that what waits for it stays for ever.
            self.assertTrue(found is None or "deletionTimestamp" in found["metadata"], plural)
        held = self.plane.gatelift("backup", "show", status["backup"]["ref"], "-o", "json")
        entries = [entry for entry in json.loads(held.stdout)["entries"] if entry["role"] == "policy"]
        self.assertEqual(len(entries), 1 + len(self.objects()))


if __name__ == "__main__":
    unittest.main(verbosity=2)
