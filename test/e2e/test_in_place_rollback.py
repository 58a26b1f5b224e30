# SPDX-License-Identifier: Apache-2.0
"""Back from a conversion in place, while it is held and after it has ended: the old bundle, and each policy as it was,
under the uid that it had, with readers and list/watch clients of both versions beside it."""

import unittest

import in_place
from bundles import assert_is_bundle, gateway_crds
from fixture import Migration, Scenario
from policies import APPLIER, NAMESPACES, apply_policy
from residents import Residents, changes
from watchers import CRD

TARGET = "v1.1.1/experimental"
OLD, NEW = "v1alpha2", "v1alpha3"
COUNT = 60
KUBECTL = ("annotate", "gwm", in_place.NAME, "gatelift.dev/rollback=true")


class InPlaceRollback(Scenario):
    flags = (in_place.AUDIT,)
    namespaces = NAMESPACES

    def setUp(self):
        self.begin_with(in_place.FROM)
        self.residents = Residents(self.plane, COUNT)
        self.addCleanup(self.residents.remove_owners)

    def look_on(self, *versions):
        onlookers = in_place.Onlookers(self.plane, self.residents.before, versions)
        self.addCleanup(onlookers.finish)
        return onlookers

    def roll_back(self, migration):
        self.plane.kubectl(*KUBECTL)
        migration.wait_for_reason("RolledBack", in_place.RUN_SECONDS)

    def assert_as_before(self, onlookers):
        after = self.residents.live(OLD)
        onlookers.finish()
        onlookers.show()
        onlookers.assert_nobody_missed_a_policy(self)
        onlookers.assert_every_version_was_whole(self)
        self.assertEqual(changes(self.residents.before, after, OLD)[:in_place.SHOWN], [])
        assert_is_bundle(self, self.plane, in_place.FROM)
        crd = gateway_crds(self.plane.api)[CRD]
        self.assertEqual(crd["status"]["storedVersions"], [OLD])
        self.assertLessEqual({entry["manager"] for entry in crd["metadata"]["managedFields"]},
                             {"kubectl", "kube-apiserver"})
        item = self.residents.applied[0]
        item["spec"]["tls"]["hostname"] = "after.example.com"
        self.assertEqual(apply_policy(self.plane.api, item, APPLIER)["spec"], item["spec"])

    def test_while_it_is_held(self):
        onlookers = self.look_on(OLD, NEW)
        self.start_operator()
        migration = in_place.start(self.plane, TARGET, inPlace={"hold": "Approval"})
        in_place.wait_until_held(migration)
        self.assertEqual(set(self.residents.live(NEW)), set(self.residents.before))
        self.roll_back(migration)
        self.assertEqual(migration.status()["unavailable"]["measured"], "0s")
        self.assert_as_before(onlookers)

    def test_after_the_end_and_up_again(self):
        operator = self.start_operator()
        migration = in_place.start(self.plane, TARGET)
        migration.wait_until_ready(in_place.RUN_SECONDS)
        self.assertEqual(changes(self.residents.before, self.residents.live(NEW), NEW)[:in_place.SHOWN], [])
        onlookers = self.look_on(NEW, OLD)
        self.roll_back(migration)
        self.assert_as_before(onlookers)
        self.assertTrue(operator.is_running())
        Migration(self.plane, "once-more", TARGET, strategy="InPlace").wait_until_ready(in_place.RUN_SECONDS)
        uids = {name: item["metadata"]["uid"] for name, item in self.residents.live(NEW).items()}
        self.assertEqual(uids, {name: item["metadata"]["uid"] for name, item in self.residents.before.items()})
        assert_is_bundle(self, self.plane, TARGET)


if __name__ == "__main__":
    unittest.main(verbosity=2)
