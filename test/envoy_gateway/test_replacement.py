# SPDX-License-Identifier: Apache-2.0
"""v1.0.0 to v1.1.1 under Envoy Gateway, 1.0.2 replaced by 1.1.4: what its proxies are told meanwhile.

scripts/test-envoy-gateway builds what this needs and runs it; README.md says what it shows."""

import pathlib
import re
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))

# pylint: disable=wrong-import-position
import edge
from audit import OPERATOR
from bundles import assert_is_bundle, gateway_crds
from controller import NAMESPACE, EnvoyGateway, Proxy, now
from fixture import Migration, Scenario
from kube import MIGRATIONS, collection, policies_path
from timeline import gaps, rows, states, table
from waiting import eventually

FROM, TO = "v1.0.0/experimental", "v1.1.1/experimental"
OLD, NEW = "v1.0.2", "v1.1.4"
BACKENDTLS = "backendtlspolicies.gateway.networking.k8s.io"
# Policies that cover nothing here, so that the absence is longer than the tolerance.
OTHERS = 500
TOLERANCE = 1.0  # seconds: what the issue asks for
TABLES = []


def seconds(duration):
    """Of a duration as status has it."""
    units = {"h": 3600, "m": 60, "s": 1, "ms": 0.001}
    return sum(float(number) * units[unit] for number, unit in re.findall(r"([0-9.]+)(ms|h|m|s)", duration))


class Replacement(Scenario):
    """A Gateway under the old controller at the old bundle, and a proxy that listens."""

    namespaces = (NAMESPACE, edge.NAMESPACE)

    def setUp(self):
        plane = self.plane
        self.moments = []
        self.begin_with(FROM)
        self.old = self.controller(OLD)
        self.new = self.controller(NEW)
        self.old.install_crds()
        if not plane.api.find(f"{collection('v1', 'secrets', NAMESPACE)}/envoy"):
            self.old.make_certificates()
        edge.services(plane.api)
        edge.routes(plane.api)
        edge.cover(plane.api, OTHERS)
        self.old.start()
        self.proxy = Proxy(plane, edge.KEY)
        self.addCleanup(self.proxy.close)
        self.wait_until_covered(self.old)
        self.wait_until_accepted("v1alpha2", self.old)
        self.since = plane.audit.mark()
        self.start_operator()

    def controller(self, version):
        made = EnvoyGateway(self.plane, version)
        self.addCleanup(made.stop)
        return made

    def mark(self, name):
        self.moments.append((name, now()))

    def moment(self, wanted):
        return next(when for name, when in self.moments if name == wanted)

    def states(self):
        return states(self.proxy.reports(), edge.CLUSTERS)

    def wait_until_covered(self, controller):
        """Until an answer of this controller has TLS for every covered cluster."""
        def look(reports):
            seen = states(reports, edge.CLUSTERS)
            return seen and seen[-1].since >= controller.started and seen[-1].is_covered

        self.proxy.wait_until(look, f"proxies of {controller.version} speak TLS to every backend", 120,
                              controller.explain)

    def wait_until_accepted(self, version, controller):
        eventually(lambda: edge.are_accepted(self.plane.api, version, controller.started),
                   f"{controller.version} accepts the policies at {version}", 60,
                   lambda: f"{edge.policies(self.plane.api, version)}\n{controller.explain()}")

    def replace_controller(self):
        """The old one goes, then the new one comes. It has its own CRDs already, as an upgrade of its chart begins."""
        self.old.stop()
        self.mark(f"{OLD} stopped")
        self.new.start()
        self.mark(f"{NEW} started")
        self.wait_until_covered(self.new)

    def show(self, title):
        """Keeps the table for the end of the run."""
        died = [(f"{controller.version} died and was started again", when)
                for controller in (self.old, self.new) for when in controller.ends]
        TABLES.append(table(title, rows(self.states(), self.moments + died)))

    def is_served(self, version):
        return self.plane.api.find(f"{policies_path(version)}?limit=1") is not None


class Recreate(Replacement):
    """The policies are absent for a time, and the old controller does not find them again."""

    def migrate(self):
        self.mark("before")
        return Migration(self.plane, "to-v1-1", TO, strategy="Recreate")

    def test_replaced_when_the_migration_is_over(self):
        """As a person does it, who waits until the new CRDs are in place."""
        migration = self.migrate()
        status = migration.wait_until_ready(300)
        self.mark("the migration is Ready")
        self.new.install_crds()
        self.replace_controller()
        self.wait_until_accepted("v1alpha3", self.new)
        plaintext, absent, measured = self.judge("Recreate, then the controller", status)
        self.assertLess(abs(absent - measured), TOLERANCE, TABLES[-1])
        # The old controller does not find what is there again, and so the plaintext outlasts the migration.
        self.assertGreater(plaintext, measured + self.moment(f"{NEW} started") - self.moment("the migration is Ready"),
                           TABLES[-1])

    def test_replaced_as_soon_as_the_new_version_is_served(self):
        """As quickly as anything can: the controller is there before the last policy is, and what is left is the absence.
        """
        self.new.install_crds()
        migration = self.migrate()
        deadline = time.monotonic() + 300
        while not self.is_served("v1alpha3"):
            self.assertLess(time.monotonic(), deadline, migration.explain())
            time.sleep(0.01)
        self.mark("v1alpha3 is served")
        self.replace_controller()
        status = migration.wait_until_ready(300)
        self.wait_until_accepted("v1alpha3", self.new)
        plaintext, _, measured = self.judge("Recreate, the controller as soon as it can", status)
        self.assertLess(abs(plaintext - measured), TOLERANCE, TABLES[-1])

    def absence(self):
        """(the first deletion, the last creation) of policies, by the API server's audit log."""
        mine = [write for write in self.plane.audit.writes(self.since) if write.user == OPERATOR and
                write.resource == "backendtlspolicies" and not write.subresource and not write.is_our_own]
        deleted = [write.answered for write in mine if write.verb == "delete" and write.code == 200]
        created = [write.answered for write in mine if write.verb in ("patch", "create") and write.code == 201]
        self.assertEqual(len(deleted), len(edge.BACKENDS) + OTHERS)
        self.assertEqual(len(created), len(deleted))
        return min(deleted), max(created)

    def judge(self, title, status):
        """(plaintext in all, of it while policies were absent, what status says): seconds, and in that order."""
        deleted, there = self.absence()
        measured = seconds(status["unavailable"]["measured"])
        self.moments += [("the first policy is deleted", deleted), ("every policy is there again", there)]
        self.show(title)
        found = gaps(self.states())
        self.assertEqual(len(found), 1, TABLES[-1])
        begin, end = found[0]
        absent = min(end, max(there, begin)) - begin
        TABLES[-1] += (
            f"\n\nPLAINTEXT for {end - begin:.2f} s: {absent:.2f} s while policies were absent, "
            f"{end - begin - absent:.2f} s after that. status.unavailable.measured: {measured:.2f} s; by the audit log: {there - deleted:.2f} s.")
        self.assertLess(abs(there - deleted - measured), TOLERANCE, TABLES[-1])
        assert_is_bundle(self, self.plane, TO)
        return end - begin, absent, measured


class InPlace(Replacement):
    """Both versions are served while the controller is replaced, and no proxy is told anything but TLS."""

    def test_replaced_in_the_hold(self):
        before = {name: item["metadata"]["uid"] for name, item in edge.policies(self.plane.api, "v1alpha2").items()}
        self.mark("before")
        migration = Migration(self.plane, "to-v1-1", TO, strategy="InPlace", inPlace={"hold": "Approval"})
        eventually(self.is_held, "both versions are served, and whole at both", 300, migration.explain)
        self.mark("both versions are served")
        self.new.install_crds()
        self.replace_controller()
        self.wait_until_accepted("v1alpha3", self.new)
        self.mark("policies are Accepted")
        self.assertTrue(self.is_held(), migration.explain())
        self.approve()
        status = migration.wait_until_ready(300)
        self.mark("the migration is Ready")
        self.wait_until_accepted("v1alpha3", self.new)
        self.edit_a_policy()
        self.show("InPlace, the controller in the hold")
        TABLES[-1] += f"\n\n{len(self.states())} answers, from the first of {OLD} to the last of {NEW}."
        self.assertEqual(gaps(self.states()), [], TABLES[-1])
        self.assertEqual(status["unavailable"]["measured"], "0s")
        after = {name: item["metadata"]["uid"] for name, item in edge.policies(self.plane.api, "v1alpha3").items()}
        self.assertEqual(after, before)
        assert_is_bundle(self, self.plane, TO)

    def is_held(self):
        """Seen in the cluster, not in what the program says of itself."""
        versions = {version["name"]: version["served"]
                    for version in gateway_crds(self.plane.api)[BACKENDTLS]["spec"]["versions"]}
        if not (versions.get("v1alpha2") and versions.get("v1alpha3")):
            return False
        old, new = (edge.policies(self.plane.api, version) for version in ("v1alpha2", "v1alpha3"))
        return (len(old) == len(new) == len(edge.BACKENDS) and all("targetRef" in item["spec"] for item in old.values())
                and all("targetRefs" in item["spec"] for item in new.values()))

    def approve(self):
        """Contraction may begin."""
        self.plane.api.patch(f"{MIGRATIONS}/to-v1-1", {"spec": {"inPlace": {"hold": "None"}}}, manager="person")
        self.mark("contraction is approved")

    def edit_a_policy(self):
        """The answer to this comes after whatever the controller had to say of the contraction."""
        answers = len(self.states())
        self.plane.api.patch(f"{policies_path('v1alpha3', edge.NAMESPACE)}/{edge.BACKENDS[0]}",
                             {"spec": {"validation": {"hostname": "edited.example.com"}}}, manager="person")
        self.mark("a policy is edited")
        self.proxy.wait_until(lambda reports: len(states(reports, edge.CLUSTERS)) > answers, "an answer to an edit", 60,
                              self.new.explain)
        self.mark("the proxies are told of the edit")


def tearDownModule():
    """The tables, above unittest's last words."""
    print("\n\n".join(["", *TABLES]), flush=True)


if __name__ == "__main__":
    unittest.main(verbosity=2)
