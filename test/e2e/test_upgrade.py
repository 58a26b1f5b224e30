# SPDX-License-Identifier: Apache-2.0
"""v1.0.0 to v1.1.1, experimental: one run over 40 policies, and what has to be true after it."""

import copy
import json
import unittest

from audit import OPERATOR
from bundles import BUNDLES, assert_is_bundle, assert_stores_one_version, gateway_crds
from fixture import Migration, Operator, Scenario
from kube import key, policies_path
from policies import (APPLIER, LAST_APPLIED, NAMESPACES, Fleet, apply_policy, converted, expected_status, owners_of,
                      winner)


class Upgrade(Scenario):
    """The run is made once; each test is one claim about its end."""

    namespaces = NAMESPACES

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        plane = cls.plane
        plane.kubectl("apply", "--server-side", "-f", BUNDLES / "v1.0.0/experimental")
        plane.kubectl("wait", "--for=condition=Established", "crd", "--all")
        cls.fleet = Fleet(plane)
        cls.upstream = plane.run_kubectl("apply", "--server-side", "--dry-run=server",
                                         "-f", BUNDLES / "v1.1.1/experimental")
        cls.since = plane.audit.mark()
        cls.operator = Operator(plane)
        cls.addClassCleanup(cls.operator.stop)
        cls.status = Migration(plane, "to-v1-1", "v1.1.1/experimental").wait_until_ready()
        cls.writes = list(plane.audit.writes(cls.since))
        cls.after = cls.fleet.live("v1alpha3")

    def test_upstreams_own_way_fails_on_this_cluster(self):
        self.assertNotEqual(self.upstream.returncode, 0)
        self.assertIn("status.storedVersions[0]: Invalid value", self.upstream.stderr)

    def test_every_policy_means_what_it_meant(self):
        self.assertEqual(len(self.fleet.before), 40)
        self.assertEqual(set(self.after), set(self.fleet.before))
        for name, old in self.fleet.before.items():
            with self.subTest(name):
                self.assertEqual(self.after[name]["spec"], converted(old)["spec"])

    def test_labels_annotations_and_owners_are_kept(self):
        for name, old in self.fleet.before.items():
            with self.subTest(name):
                new = self.after[name]["metadata"]
                wanted = converted(old)["metadata"]
                annotations = {k: v for k, v in new.get("annotations", {}).items() if k != LAST_APPLIED}
                self.assertEqual(annotations, wanted.get("annotations", {}))
                self.assertEqual(new.get("labels"), wanted.get("labels"))
                self.assertEqual(new.get("ownerReferences"), wanted.get("ownerReferences"))

    def test_status_is_kept(self):
        with_status = [name for name, old in self.fleet.before.items() if "status" in old]
        self.assertEqual(len(with_status), 30)
        self.assertTrue(any(old["metadata"]["generation"] > 1 for old in self.fleet.before.values()))
        for name, old in self.fleet.before.items():
            with self.subTest(name):
                self.assertEqual(self.after[name].get("status"), expected_status(old))

    def test_managed_fields_name_the_same_managers_at_the_new_version(self):
        for name, old in self.fleet.before.items():
            with self.subTest(name):
                new = self.after[name]
                self.assertEqual(owners_of(new), owners_of(old))
                versions = {entry["apiVersion"] for entry in new["metadata"]["managedFields"]}
                self.assertEqual(versions, {"gateway.networking.k8s.io/v1alpha3"})

    def test_crds_are_those_of_the_target(self):
        assert_is_bundle(self, self.plane, "v1.1.1/experimental")

    def test_stored_versions_are_minimal(self):
        crds = gateway_crds(self.plane.api)
        assert_stores_one_version(self, crds)
        self.assertEqual(crds["backendtlspolicies.gateway.networking.k8s.io"]["status"]["storedVersions"], ["v1alpha3"])

    def test_whoever_applied_the_crds_upgrades_them_again_without_a_conflict(self):
        for crd in gateway_crds(self.plane.api).values():
            managers = {entry["manager"] for entry in crd["metadata"]["managedFields"]}
            self.assertLessEqual(managers, {"kubectl", "kube-apiserver"}, crd["metadata"]["name"])
        again = self.plane.run_kubectl("apply", "--server-side", "--dry-run=server", "-f", BUNDLES / "v1.2.1/experimental/"
                                       "gateway.networking.k8s.io_backendtlspolicies.yaml")
        self.assertEqual(again.returncode, 0, again.stderr)

    def test_the_applier_goes_on_without_force_and_can_remove_a_field(self):
        old = next(item for item in self.fleet.applied if "caCertRefs" in item["spec"]["tls"]
                   and "labels" in item["metadata"] and "status" in self.fleet.before[key(item)])
        wanted = converted(old)
        del wanted["metadata"]["labels"]["team"]
        del wanted["spec"]["validation"]["caCertificateRefs"]
        wanted["spec"]["validation"]["wellKnownCACertificates"] = "System"
        answer = apply_policy(self.plane.api, wanted, APPLIER)
        self.assertEqual(answer["spec"], wanted["spec"])
        self.assertEqual(answer["metadata"]["labels"], wanted["metadata"]["labels"])
        self.assertEqual(answer["status"], expected_status(self.fleet.before[key(old)]))

    def test_every_applier_s_manifest_converted_changes_nothing(self):
        for item in self.fleet.applied:
            with self.subTest(key(item)):
                before = self.live(item)
                answer = self.plane.api.call(
                    "PATCH", f"{policies_path('v1alpha3', key(item)[0])}/{key(item)[1]}", converted(item),
                    "application/apply-patch+yaml", fieldManager=APPLIER, dryRun="All")
                self.assertEqual(answer["spec"], before["spec"])
                self.assertEqual(answer["metadata"]["generation"], before["metadata"]["generation"])

    def test_the_client_side_owner_applies_the_converted_manifest(self):
        items = [converted(item) for item in self.fleet.client_side]
        changed = next(item for item in items if "caCertificateRefs" in item["spec"]["validation"]
                       and "labels" in item["metadata"])
        del changed["metadata"]["labels"]["team"]
        del changed["spec"]["validation"]["caCertificateRefs"]
        changed["spec"]["validation"]["wellKnownCACertificates"] = "System"
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
        words = self.plane.kubectl("apply", "-f", "-", text=text)
        self.assertEqual(words.count(" unchanged"), len(items) - 1, words)
        self.assertEqual(words.count(" configured"), 1, words)
        self.assertEqual(self.live(changed)["spec"], changed["spec"])
        self.assertEqual(self.live(changed)["metadata"]["labels"], changed["metadata"]["labels"])

    def test_the_client_side_owner_can_turn_to_server_side(self):
        item = copy.deepcopy(converted(self.fleet.client_side[-1]))
        self.plane.kubectl("apply", "--server-side", "-f", "-", text=json.dumps(item))
        self.assertEqual(self.live(item)["spec"], item["spec"])

    def test_the_older_of_two_rivals_still_wins(self):
        before = [self.fleet.before[name] for name in self.fleet.rivals]
        self.assertGreater(before[1]["metadata"]["creationTimestamp"], before[0]["metadata"]["creationTimestamp"])
        self.assertEqual(winner(before), self.fleet.rivals[0])
        self.assertEqual(winner([self.after[name] for name in self.fleet.rivals]), self.fleet.rivals[0])

    def test_the_absence_is_measured(self):
        unavailable = self.status["unavailable"]
        self.assertRegex(unavailable["measured"], r"^[0-9.]+m?s$")
        self.assertNotEqual(unavailable["measured"], "0s")
        self.assertIn("estimated", unavailable)

    def test_counts_add_up(self):
        self.assert_counts_add_up(self.status)
        counts = {crd["name"]: crd["objects"] for crd in self.status["crds"]}
        self.assertEqual(counts["backendtlspolicies.gateway.networking.k8s.io"],
                         {"found": 40, "done": 40, "unchanged": 0, "skipped": 0, "failed": 0})
        self.assertEqual(self.status["progress"], "40/40")
        self.assertEqual(self.status["backup"]["objects"], 40)
        self.assertEqual(self.status["from"], {"version": "v1.0.0", "channel": "experimental"})
        self.assertEqual(self.status["to"], {"version": "v1.1.1", "channel": "experimental"})

    def test_only_the_service_account_wrote(self):
        allowed = {OPERATOR, "system:apiserver"}
        self.assertEqual([write for write in self.writes if write.is_gateway_api and write.user not in allowed], [])

    def test_it_deleted_each_policy_once_and_one_crd(self):
        deletions = [write for write in self.writes if write.verb.startswith("delete") and write.is_gateway_api]
        policies = [write for write in deletions if write.resource == "backendtlspolicies"]
        self.assertEqual(sorted((write.namespace, write.name) for write in policies), sorted(self.fleet.before))
        self.assertEqual([write.name for write in deletions if write not in policies],
                         ["backendtlspolicies.gateway.networking.k8s.io"])

    def test_it_asked_for_nothing_that_it_may_not_do(self):
        self.assertEqual([write for write in self.writes if write.user == OPERATOR and write.code == 403], [])

    def live(self, item):
        namespace, name = key(item)
        return self.plane.api.get(f"{policies_path('v1alpha3', namespace)}/{name}")


if __name__ == "__main__":
    unittest.main(verbosity=2)
