# SPDX-License-Identifier: Apache-2.0
"""What people keep of a plan and of a run: the ConfigMap in the cluster, and the documents that the commands print."""

import base64
import gzip
import json
import re
import unittest

from audit import OPERATOR
from bundles import BUNDLES
from fixture import NAMESPACE, Migration, Scenario
from kube import collection
from page import Page
from policies import NAMESPACES, apply_policy, many, policy
from waiting import eventually

TARGET = "v1.1.1/experimental"
NAME = "to-v1-1"
CRD = "backendtlspolicies.gateway.networking.k8s.io"
FOREIGN = 130
HOSTILE = "<script>alert('policy')</script>"


class Reports(Scenario):
    namespaces = NAMESPACES

    def setUp(self):
        self.begin_with("v1.0.0/experimental")

    # What the cluster has.

    def config_map(self, name=NAME):
        return self.plane.api.find(f"{collection('v1', 'configmaps', NAMESPACE)}/{name}-report")

    def stored(self, config_map):
        """(text, JSON, page) of a ConfigMap."""
        data, binary = config_map["data"], config_map["binaryData"]
        text = data.get("report.json") or gzip.decompress(base64.b64decode(binary["report.json.gz"]))
        page = gzip.decompress(base64.b64decode(binary["report.html.gz"])).decode()
        return data["report.txt"], json.loads(text), page

    def num_report_writes(self, since):
        return sum(1 for write in self.plane.audit.writes(since)
                   if write.user == OPERATOR and write.resource == "configmaps")

    # What a command prints.

    def printed(self, *command, code=0):
        result = self.plane.gatelift(*command, "--bundles", BUNDLES)
        self.assertEqual(result.returncode, code, result.stderr)
        self.assertEqual(result.stderr, "")
        return result.stdout

    def sound_page(self, text):
        page = Page(text)
        self.assertEqual(page.problems, [])
        self.assertNotIn("<script", text)
        self.assertNotIn("{{", text)
        return page

    # Scenarios.

    def make_foreign(self, count):
        for i in range(count):
            item = policy("auth", f"foreign-{i:03d}")
            item["spec"]["targetRef"]["namespace"] = "billing"
            apply_policy(self.plane.api, item)

    def test_a_plan_is_a_page_that_shows_what_becomes_of_objects(self):
        many(self.plane.api, 5)
        item = policy("ops", "noted")
        item["spec"]["targetRef"]["name"] = HOSTILE
        item["spec"]["tls"]["hostname"] = "noted.example.com"
        apply_policy(self.plane.api, item)
        since = self.plane.audit.mark()
        page = self.sound_page(self.printed("plan", "--to", TARGET, "--strategy", "Recreate", "-o", "html"))
        self.assertIn(f"{CRD}", page.parts["crds"])
        self.assertIn("v1alpha3 (storage)", page.parts["crds"])
        changes = page.parts["changes"]
        self.assertIn("BackendTLSPolicy/ops/noted", changes)
        self.assertRegex(changes, r"-  targetRef:\n(.*\n)*\+  targetRefs:\n")
        self.assertIn("gatelift migrate --to v1.1.1/experimental", page.parts["next"])
        plan = json.loads(self.printed("plan", "--to", TARGET, "--strategy", "Recreate", "-o", "json"))
        self.assertEqual(len(plan["diffs"]), 6)
        self.assertEqual({crd["crd"] for crd in plan["crds"]} >= {CRD}, True)
        self.assertEqual([write for write in self.plane.audit.writes(since) if write.is_gateway_api], [])

        item["spec"]["targetRef"]["namespace"] = "billing"
        apply_policy(self.plane.api, item)
        page = self.sound_page(self.printed("plan", "--to", TARGET, "--strategy", "Recreate", "-o", "html", code=3))
        self.assertIn("ForeignTargetNamespace", page.parts["stopping"])
        self.assertIn("BackendTLSPolicy/ops/noted", page.parts["stopping"])

    def test_a_blocked_migration_has_all_its_checks_in_the_config_map_and_writes_it_once(self):
        self.make_foreign(FOREIGN)
        since = self.plane.audit.mark()
        self.start_operator()
        migration = Migration(self.plane, NAME, TARGET)
        migration.wait_until_stalled("Blocked")
        plan = migration.status()["plan"]
        self.assertEqual(len(plan["checks"]), 100)
        self.assertGreaterEqual(plan["checksOmitted"], FOREIGN - 100)
        config_map = eventually(self.config_map, "the report is there")
        text, report, page = self.stored(config_map)
        named = {check["object"] for check in report["status"]["plan"]["checks"]
                 if check["check"] == "ForeignTargetNamespace"}
        self.assertEqual(named, {f"BackendTLSPolicy/auth/foreign-{i:03d}" for i in range(FOREIGN)})
        for name in named:
            self.assertIn(f"Consent ForeignTargetNamespace {name} spec.targetRef.namespace: ", text)
        self.assertEqual(set(re.findall("foreign-[0-9]{3}", self.sound_page(page).parts["stopping"])),
                         {f"foreign-{i:03d}" for i in range(FOREIGN)})
        self.assertEqual(report["headline"], f"Blocked: {FOREIGN} consents needed")
        self.assertTrue(report["needsPerson"])

        for i in range(3):  # each change of the resource is a pass over it
            before = migration.object()["metadata"]["resourceVersion"]
            self.plane.kubectl("label", "gwm", NAME, "--overwrite", f"look={i}")
            self.assertNotEqual(migration.object()["metadata"]["resourceVersion"], before)
        migration.wait_until_stalled("Blocked")
        self.assertEqual(self.num_report_writes(since), 1)

        printed = json.loads(self.printed("report", NAME, "-o", "json", code=3))
        self.assertEqual(len(printed["status"]["plan"]["checks"]), len(report["status"]["plan"]["checks"]))

        for i in range(FOREIGN):
            self.plane.api.delete(f"/apis/gateway.networking.k8s.io/v1alpha2/namespaces/auth/backendtlspolicies/foreign-{i:03d}")
        migration.wait_until_ready()
        _, report, _ = self.stored(self.config_map())
        self.assertEqual(report["headline"], "Done")

    def test_mode_plan_leaves_a_report_of_the_plan(self):
        many(self.plane.api, 3)
        self.start_operator()
        Migration(self.plane, "look", TARGET, mode="Plan").wait_until_ready()
        text, report, page = self.stored(eventually(lambda: self.config_map("look"), "the report is there"))
        self.assertIn("state Planned", text)
        self.assertEqual(len(report["diffs"]), 3)
        self.assertFalse(report["afterIsFound"])
        page = self.sound_page(page)
        self.assertIn("As planned", page.parts["crds"])
        self.assertIn('{"spec":{"mode":"Apply"}}', page.parts["next"])

    def test_a_report_of_what_was_done_has_everything_in_four_forms(self):
        keys = many(self.plane.api, 20)
        noted = policy("ops", "noted")
        noted["spec"]["targetRef"]["name"] = HOSTILE
        keys.append(("ops", noted["metadata"]["name"]))
        apply_policy(self.plane.api, noted)
        since = self.plane.audit.mark()
        self.start_operator()
        migration = Migration(self.plane, NAME, TARGET)
        status = migration.wait_until_ready()
        self.assertEqual(self.num_report_writes(since), 3, "of the plan, of the rehearsal and of the outcome")
        objects = {f"BackendTLSPolicy/{namespace}/{name}" for namespace, name in keys}

        text = self.printed("report", NAME)
        report = json.loads(self.printed("report", NAME, "-o", "json"))
        yaml = self.printed("report", NAME, "-o", "yaml")
        page = self.sound_page(self.printed("report", NAME, "-o", "html"))

        self.assertEqual({each["object"] for each in report["objects"]}, objects)
        self.assertEqual({each["outcome"] for each in report["objects"]}, {"converted"})
        self.assertEqual({each["object"] for each in report["diffs"]}, objects)
        self.assert_counts_add_up(report["status"])
        self.assertEqual(report["status"]["crds"], status["crds"])
        self.assertEqual(report["status"]["rehearsal"], status["rehearsal"])
        for shown in (text, page.parts["summary"], page.parts["timeline"]):
            self.assertIn("21 of 21 objects accepted, 0 refused, 0 not tried", shown)
        self.assertEqual(report["status"]["plan"]["digest"], status["plan"]["digest"])
        for name in objects:
            self.assertIn(f"{name} converted", text)
            self.assertIn(name, page.parts["objects"])
            self.assertIn(name, page.parts["changes"])
            self.assertIn(f"object: {name}\n", yaml)
        self.check_crds(report, status)
        self.check_timeline(report, page)
        self.assertIn(f"gatelift rollback {NAME}", page.parts["next"])
        self.assertIn("<script>", page.text, "values are shown as they are, and do nothing")

        stored_text, stored, stored_page = self.stored(self.config_map())
        self.assertIn("state Done", stored_text)
        self.assertEqual({each["object"] for each in stored["objects"]}, objects)
        self.assertEqual(stored["status"]["phase"], "Done")
        self.sound_page(stored_page)

        self.plane.kubectl("delete", "gwm", NAME)
        self.assertIn("state Done", self.printed("report", NAME))
        self.assertEqual(self.plane.gatelift("report", "other").returncode, 1)

    def check_crds(self, report, status):
        self.assertTrue(report["afterIsFound"])
        rows = {row["crd"]: row for row in report["crds"]}
        self.assertEqual({action["crd"] for action in status["plan"]["actions"]} - set(rows), set())
        row = rows[CRD]
        self.assertEqual([version["name"] for version in row["before"]["versions"]], ["v1alpha2"])
        self.assertEqual([version["name"] for version in row["after"]["versions"]], ["v1alpha3"])
        self.assertEqual(row["before"]["storedVersions"], ["v1alpha2"])
        self.assertEqual(row["after"]["storedVersions"], ["v1alpha3"])
        self.assertEqual(row["after"]["bundle"], TARGET)
        live = self.plane.api.get(f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{CRD}")
        self.assertEqual(row["after"]["storedVersions"], live["status"]["storedVersions"])

    def check_timeline(self, report, page):
        timeline = report["status"]["timeline"]
        self.assertEqual([entry["phase"] for entry in timeline if entry["phase"] != "Approve"],
                         ["Plan", "Rehearse", "BackUp", "Migrate", "Verify", "Done"])
        times = [entry["at"] for entry in timeline]
        self.assertEqual(times, sorted(times))
        for words in ("Phase Migrate", "The first object was deleted", "Every object was there again"):
            self.assertIn(words, page.parts["timeline"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
