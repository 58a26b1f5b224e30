# SPDX-License-Identifier: Apache-2.0
"""What a person sees of a run, with kubectl and with the program's own commands."""

import base64
import gzip
import json
import unittest
import urllib.request

from bundles import install
from fixture import NAMESPACE, Migration, Operator, Scenario
from kube import MIGRATIONS, SECRETS
from policies import NAMESPACES, many
from waiting import eventually

NAME = "to-v1-1"
COUNT = 12


class Status(Scenario):
    """One finished run, and what there is to see of it."""

    namespaces = NAMESPACES

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        install(cls.plane, "v1.0.0/experimental")
        cls.keys = many(cls.plane.api, COUNT)
        cls.operator = Operator(cls.plane)
        cls.addClassCleanup(cls.operator.stop)
        cls.status = Migration(cls.plane, NAME, "v1.1.1/experimental").wait_until_ready()
        cls.ref = cls.status["backup"]["ref"]

    def test_get_shows_where_it_is(self):
        header, row = self.plane.kubectl("get", "gwm", NAME).splitlines()
        self.assertEqual(header.split(), "NAME PHASE FROM TO STRATEGY PROGRESS READY AGE".split())
        self.assertEqual(row.split()[:-1], [NAME, "Done", "v1.0.0", "v1.1.1", "Recreate", f"{COUNT}/{COUNT}", "True"])

    def test_get_wide_says_why(self):
        header, row = self.plane.kubectl("get", "gwm", NAME, "-o", "wide").splitlines()
        self.assertRegex(header, r"CHANNEL.* REASON +MESSAGE")
        self.assertIn(f"converted {COUNT} objects", row)
        self.assertIn(self.ref, row)

    def test_wait_for_ready_returns(self):
        words = self.plane.kubectl("wait", "--for=condition=Ready", f"gwm/{NAME}", "--timeout=5s")
        self.assertIn("condition met", words)

    def test_describe_tells_conditions_plan_and_events(self):
        text = self.plane.kubectl("describe", "gwm", NAME)
        for words in ("Ready", "Stalled", "Reconciling", "BackedUp", "Planned", "Measured:", "Digest:  sha256:",
                      "backendtlspolicies.gateway.networking.k8s.io", "Convert", "Events:"):
            self.assertIn(words, text)
        events = text.partition("Events:")[2]
        for phase in ("Rehearse", "BackUp", "Migrate", "Verify", "Done"):
            self.assertIn(phase, events)

    def test_events_come_phase_by_phase(self):
        listed = json.loads(self.plane.kubectl("get", "events.v1.events.k8s.io", "-n", "default", "-o", "json"))["items"]
        about = [event for event in listed if event["regarding"].get("name") == NAME]
        reasons = [event["reason"] for event in sorted(about, key=lambda event: event["eventTime"])]
        expected = ["Rehearse", "BackUp", "Migrate", "Verify", "Done"]
        self.assertEqual([reason for reason in reasons if reason in expected], expected)
        self.assertTrue(all(event["type"] == "Normal" for event in about), about)
        self.assertIn(NAME, self.plane.kubectl("get", "events", "-n", "default"))

    def test_conditions_keep_to_kstatus(self):
        item = self.plane.api.get(f"{MIGRATIONS}/{NAME}")
        conditions = {condition["type"]: condition for condition in item["status"]["conditions"]}
        self.assertEqual({kind: conditions[kind]["status"] for kind in ("Ready", "Reconciling", "Stalled", "BackedUp")},
                         {"Ready": "True", "Reconciling": "False", "Stalled": "False", "BackedUp": "True"})
        self.assertEqual(item["status"]["observedGeneration"], item["metadata"]["generation"])
        for condition in conditions.values():
            self.assertEqual(condition["observedGeneration"], item["metadata"]["generation"])

    def test_the_report_names_every_object(self):
        report = self.plane.api.get(f"/api/v1/namespaces/{NAMESPACE}/configmaps/{NAME}-report")["data"]["report.txt"]
        for namespace, name in self.keys:
            self.assertIn(f"BackendTLSPolicy/{namespace}/{name} converted", report)

    def test_the_status_command_says_the_same(self):
        table = self.plane.gatelift("status")
        self.assertEqual(table.returncode, 0, table.stderr)
        self.assertIn(f"{COUNT}/{COUNT}", table.stdout)
        one = self.plane.gatelift("status", NAME)
        self.assertEqual(one.returncode, 0, one.stderr)
        self.assertIn(self.ref, one.stdout)
        data = self.plane.gatelift("status", NAME, "-o", "json")
        self.assertEqual(data.returncode, 0, data.stderr)
        self.assertIn('"Done"', data.stdout)

    def test_the_backup_is_listed_shown_exported_and_verified(self):
        listed = self.plane.gatelift("backup", "list", "-o", "json")
        self.assertEqual([entry["name"] for entry in json.loads(listed.stdout)], [self.ref])
        shown = self.plane.gatelift("backup", "show", self.ref)
        self.assertEqual(shown.returncode, 0, shown.stderr)
        self.assertIn(self.keys[0][1], shown.stdout)
        verified = self.plane.gatelift("backup", "verify", self.ref)
        self.assertEqual(verified.returncode, 0, verified.stderr)
        folder = self.plane.folder / "export"
        exported = self.plane.gatelift("backup", "export", folder, self.ref)
        self.assertEqual(exported.returncode, 0, exported.stderr)
        text = "".join(file.read_text() for file in folder.rglob("*.yaml"))
        for _, name in self.keys:
            self.assertIn(f"name: {name}\n", text)

    def test_a_damaged_backup_is_found_out(self):
        chunk = next(secret for secret in self.plane.api.items(SECRETS) if "documents.yaml.gz" in secret["data"])
        self.assertTrue(chunk.get("immutable"))
        text = gzip.decompress(base64.b64decode(chunk["data"]["documents.yaml.gz"])).replace(b"backend-00", b"backend-xx")
        damaged = base64.b64encode(gzip.compress(text)).decode()
        self.addCleanup(self.put_in_place, chunk)
        self.put_in_place({**chunk, "data": {**chunk["data"], "documents.yaml.gz": damaged}})
        verified = self.plane.gatelift("backup", "verify", self.ref)
        self.assertEqual(verified.returncode, 1, verified.stdout)
        self.assertIn(chunk["metadata"]["name"], verified.stderr + verified.stdout)

    def put_in_place(self, secret):
        metadata = {part: secret["metadata"][part] for part in ("name", "namespace", "labels", "annotations")
                    if part in secret["metadata"]}
        self.plane.api.delete(f"{SECRETS}/{metadata['name']}")
        self.plane.api.create(SECRETS, {**secret, "metadata": metadata})

    def test_the_backup_can_be_read_without_the_program(self):
        text = b""
        for secret in self.plane.api.items(SECRETS):
            packed = secret["data"].get("documents.yaml.gz")
            if packed:
                text += gzip.decompress(base64.b64decode(packed))
        for _, name in self.keys:
            self.assertIn(f"name: {name}\n".encode(), text)

    def test_the_backup_hangs_on_nothing_that_could_take_it_along(self):
        for secret in self.plane.api.items(SECRETS):
            self.assertNotIn("ownerReferences", secret["metadata"])

    def test_probes_and_metrics_answer(self):
        def fetch(path):
            with urllib.request.urlopen(f"http://{self.operator.address}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()

        self.assertEqual(fetch("/healthz")[0], 200)
        self.assertEqual(fetch("/readyz")[0], 200)
        status, text = fetch("/metrics")
        self.assertEqual(status, 200)
        self.assertRegex(text, r"(?m)^# TYPE gatelift_")

    def test_a_second_operator_stands_by(self):
        second = self.start_operator("--leader-elect")
        eventually(lambda: "standing by" in second.output(), "the second one stands by", explain=second.output)
        self.assertTrue(self.operator.is_running())


if __name__ == "__main__":
    unittest.main(verbosity=2)
