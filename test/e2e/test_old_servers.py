# SPDX-License-Identifier: Apache-2.0
"""What the API server's minor changes: nothing about a migration, and which CRDs it takes.

Runs on the oldest of the five latest minors and on the default one, or on GATELIFT_KUBERNETES alone."""

import json
import os
import re
import subprocess
import unittest

from bundles import BUNDLES, assert_is_bundle, documents
from fixture import ROOT, Migration, Scenario
from kube import CRDS, ApiError, by_key, policies_path
from policies import NAMESPACES, converted, many

FROM, VIA, TARGET = "v1.0.0/experimental", "v1.1.1/experimental", "v1.6.1/experimental"
TLS_ROUTES = "tlsroutes.gateway.networking.k8s.io"
# By CRD of the target, the first minor that knows the CEL functions of its rules.
TAKEN_SINCE = {
    TLS_ROUTES: 31,  # isIP
    "xbackends.gateway.networking.x-k8s.io": 32,  # format.dns1123Label
}


def oldest_minor():
    answer = subprocess.run([ROOT / "scripts/control-plane", "minors"], capture_output=True, text=True, check=True)
    return answer.stdout.split()[0]


class EveryMinor:
    namespaces = NAMESPACES

    def setUp(self):
        self.begin_with(FROM)

    def crd_versions(self):
        return {crd["metadata"]["name"]: (crd["metadata"]["uid"], crd["metadata"]["resourceVersion"])
                for crd in self.plane.api.items(CRDS)}

    def asked(self, manifests):
        """{CRD: what this server has against it}, by asking it."""
        found = {}
        for manifest in manifests:
            if manifest["kind"] != "CustomResourceDefinition":
                continue
            try:
                self.plane.api.call("POST", CRDS, manifest, dryRun="All")
            except ApiError as error:
                if error.status != 409:
                    causes = json.loads(error.text)["details"]["causes"]
                    found[manifest["metadata"]["name"]] = [cause["message"] for cause in causes]
        return found

    def refusals(self):
        """What this server refuses of the target; its minor says of which CRDs."""
        found = self.asked(documents(self.plane, TARGET))
        minor = int(re.match(r"\d+", self.plane.api.get("/version")["minor"]).group())
        self.assertIn(self.minor, (None, f"1.{minor}"))
        self.assertEqual(set(found), {name for name, since in TAKEN_SINCE.items() if minor < since})
        return found

    def command(self, verb, *flags):
        return self.plane.gatelift(verb, "--bundles", BUNDLES, "--strategy", "Recreate", *flags)

    def crd_writes(self, since):
        return [write for write in self.plane.audit.writes(since) if write.resource == "customresourcedefinitions"
                and write.code < 300 and not write.user.startswith("system:apiserver")]

    def assert_refused(self, plan, refusals):
        """Each CRD that is refused is a blocker which quotes the server; no other CRD is."""
        checks = {check["object"].partition("/")[2]: check for check in plan["checks"] if check["check"] == "CRDRefused"}
        self.assertEqual(set(checks), set(refusals))
        for name, words in refusals.items():
            self.assertEqual(checks[name]["severity"], "Blocker")
            self.assertIn(words[0][:300], checks[name]["message"])

    def test_a_migration_succeeds_and_the_next_plan_names_what_is_refused_and_writes_no_crd(self):
        keys = many(self.plane.api, 6)
        old = by_key(self.plane.api.items(policies_path("v1alpha2")))
        self.start_operator()
        status = Migration(self.plane, "to-v1-1", VIA).wait_until_ready(90)
        self.assertEqual(status["phase"], "Done")
        self.assert_counts_add_up(status)
        assert_is_bundle(self, self.plane, VIA)
        new = by_key(self.plane.api.items(policies_path("v1alpha3")))
        self.assertEqual(sorted(new), sorted(keys))
        self.assertEqual({name: item["spec"] for name, item in new.items()},
                         {name: converted(item)["spec"] for name, item in old.items()})

        refusals = self.refusals()
        before, since = self.crd_versions(), self.plane.audit.mark()
        result = self.command("plan", "--to", TARGET, "-o", "json")
        self.assertEqual(result.returncode, 3 if refusals else 0, result.stdout + result.stderr)
        plan = json.loads(result.stdout)
        self.assert_refused(plan, refusals)
        self.assertLessEqual(set(TAKEN_SINCE), {action.get("crd") for action in plan["actions"]})
        self.assertEqual(self.crd_versions(), before)
        self.assertEqual(self.crd_writes(since), [])

    def test_a_rule_of_a_future_kubernetes_stops_a_plan_and_a_migration_before_they_write(self):
        """On every minor, however new: TLSRoute's rules call a function that no API server has."""
        many(self.plane.api, 3)
        future = json.loads(json.dumps(documents(self.plane, TARGET)).replace("!isIP(", "!isIPOfTheFuture("))
        refusals = self.asked(future)
        self.assertIn("isIPOfTheFuture", refusals[TLS_ROUTES][0])
        file = self.plane.folder / "future-install.yaml"
        file.write_text("".join(f"---\n{json.dumps(document)}\n" for document in future))
        policies = self.plane.api.items(policies_path("v1alpha2"))
        before, since = self.crd_versions(), self.plane.audit.mark()

        result = self.command("plan", "--file", file, "-o", "json")
        self.assertEqual(result.returncode, 3, result.stdout + result.stderr)
        self.assert_refused(json.loads(result.stdout), refusals)
        result = self.command("migrate", "--file", file, "--yes")
        self.assertEqual(result.returncode, 3, result.stdout + result.stderr)
        for name in refusals:
            self.assertIn(name, result.stdout + result.stderr)

        self.assertEqual(self.crd_versions(), before)
        self.assertEqual(self.crd_writes(since), [])
        self.assertEqual(self.plane.api.items(policies_path("v1alpha2")), policies)


@unittest.skipIf(os.environ.get("GATELIFT_KUBERNETES"), "GATELIFT_KUBERNETES names the one minor to run on")
class OnTheOldest(EveryMinor, Scenario):
    minor = oldest_minor()


class OnTheChosen(EveryMinor, Scenario):
    """GATELIFT_KUBERNETES, or the newest."""


if __name__ == "__main__":
    unittest.main(verbosity=2)
