# SPDX-License-Identifier: Apache-2.0
"""The hold UntilUnused: the old version stays for as long as somebody is known to watch, read or write it, and goes when
nobody has for the time that was asked for."""

import shlex
import time
import unittest

import in_place
from fixture import Scenario
from kube import policies_path
from policies import NAMESPACES
from residents import Residents
from waiting import eventually
from watchers import CRD, Watchers, step_of

TARGET = "v1.1.1/experimental"
OLD, NEW = "v1alpha2", "v1alpha3"
COUNT = 12
UNUSED_SECONDS = 12
RIGHTS = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/gatelift-metrics"


class Held(Scenario):
    """What the tests of this hold ask and say."""

    flags = (in_place.AUDIT,)
    namespaces = NAMESPACES

    def setUp(self):
        self.begin_with(in_place.FROM)
        self.residents = Residents(self.plane, COUNT)
        self.addCleanup(self.residents.remove_owners)

    def start(self, **spec):
        return in_place.start(self.plane, TARGET, inPlace={"hold": "UntilUnused", "unusedFor": f"{UNUSED_SECONDS}s"},
                              **spec)

    def assert_is_held_for(self, migration, seconds):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.assertEqual(step_of(migration.status()), "Hold", migration.explain())
            time.sleep(0.5)

    def used_by(self, migration):
        return " ".join(migration.status()["inPlace"].get("usedBy", []))

    def wait_until_used_by(self, migration, words):
        eventually(lambda: words in self.used_by(migration), f"usedBy says {words}", 30, migration.explain)

    def accept(self, migration, field):
        self.plane.api.patch(migration.path, {"spec": {"accept": [
            {"check": "VersionInUse", "object": f"CustomResourceDefinition/{CRD}", "field": field}]}})


class UntilUnused(Held):
    def test_it_lasts_while_a_watch_is_open_and_no_longer_than_asked(self):
        watchers = Watchers(self.plane.api, (OLD,), in_place.NAME)
        self.addCleanup(watchers.finish)
        operator = self.start_operator()
        migration = self.start()
        in_place.wait_until_held(migration)
        self.wait_until_used_by(migration, "watch of v1alpha2 is open")
        self.assert_is_held_for(migration, UNUSED_SECONDS)
        operator.kill()
        self.start_operator()
        self.assert_is_held_for(migration, UNUSED_SECONDS + 4)
        watchers.finish()
        ended = time.monotonic()
        migration.wait_until_ready(60)
        took = time.monotonic() - ended
        self.assertGreater(took, UNUSED_SECONDS - 1)
        print(f"{took:.1f} s after the last watch had ended", flush=True)

    def test_it_lasts_while_somebody_writes_or_reads_the_old_version(self):
        self.start_operator()
        migration = self.start()
        in_place.wait_until_held(migration)
        item = self.residents.before[next(iter(self.residents.before))]
        until = time.monotonic() + 2 * UNUSED_SECONDS
        while time.monotonic() < until:
            self.plane.api.patch(in_place.path_of(item, OLD), {"metadata": {"labels": {"at": str(time.time())}}},
                                 manager="old-controller")
            self.assert_is_held_for(migration, 2)
        self.wait_until_used_by(migration, "field manager old-controller wrote at v1alpha2")
        until = time.monotonic() + 2 * UNUSED_SECONDS
        while time.monotonic() < until:
            self.plane.api.get(policies_path(OLD), limit=1)
            self.assert_is_held_for(migration, 2)
        self.wait_until_used_by(migration, "further requests at v1alpha2")
        self.end_as_told(migration)
        migration.wait_until_ready(60)

    def end_as_told(self, migration):
        """By the command that the condition ends with."""
        command = shlex.split(migration.condition("Ready")["message"].rpartition("end the hold: ")[2])
        self.assertEqual(command[:3], ["kubectl", "patch", "gwm"])
        self.plane.kubectl(*command[1:])

    def test_without_the_right_to_know_it_takes_a_consent(self):
        self.plane.api.delete(RIGHTS)
        self.addCleanup(self.plane.install_operator_manifests)
        self.start_operator()
        migration = self.start()
        in_place.wait_until_held(migration)
        self.assertIn("metrics.yaml", " ".join(check.get("next", "") for check in migration.checks()))
        self.wait_until_used_by(migration, "gatelift-metrics")
        self.assert_is_held_for(migration, UNUSED_SECONDS + 4)
        self.accept(migration, "metrics")
        migration.wait_until_ready(60)


class BesideTheGarbageCollector(Held):
    flags = (in_place.AUDIT, "--with-controller-manager")

    def test_its_watch_is_passed_over_by_consent_to_one(self):
        eventually(self.is_watched, "the garbage collector watches policies", 90)
        self.start_operator()
        migration = self.start()
        in_place.wait_until_held(migration)
        self.wait_until_used_by(migration, "watches[1]: 1 watch of v1alpha2 is open")
        self.assert_is_held_for(migration, UNUSED_SECONDS + 40)
        self.accept(migration, "watches[1]")
        migration.wait_until_ready(90)

    def is_watched(self):
        text = self.plane.api.try_get("/metrics")[1]
        return any(line.startswith("apiserver_longrunning_requests{") and 'resource="backendtlspolicies"' in line
                   and line.endswith(" 1") for line in text.splitlines())


if __name__ == "__main__":
    unittest.main(verbosity=2)
