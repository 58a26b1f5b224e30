# SPDX-License-Identifier: Apache-2.0
"""What looks on while policies are converted in place sees harm, and sees none where there is none: the conversion is
made by hand here, rightly and wrongly."""

import sys
import unittest

from by_hand import ByHand
from etcd import address_of, old_shapes, stored
from fixture import Scenario
from kube import key, policies_path
from policies import NAMESPACES
from readers import Reader
from residents import Residents, changes
from watchers import Watchers

VERSIONS = ("v1alpha2", "v1alpha3")
COUNT = 24


class Onlookers(Scenario):
    namespaces = NAMESPACES

    def setUp(self):
        self.begin_with("v1.0.0/experimental")
        self.residents = Residents(self.plane, COUNT)
        self.addCleanup(self.residents.remove_owners)
        self.reader = Reader(self.plane.api, self.residents.before, VERSIONS)
        self.addCleanup(self.reader.finish)
        self.watchers = Watchers(self.plane.api, VERSIONS, "none")
        self.addCleanup(self.watchers.finish)
        self.by_hand = ByHand(self.plane)

    def finish(self):
        """(samples, what the informers saw, what became of the policies)"""
        after = self.residents.live("v1alpha3")
        samples = self.reader.finish()
        seen, _ = self.watchers.finish()
        print("\n" + samples.table(self.by_hand.steps), file=sys.stderr)
        for version, each in seen.items():
            print(version, each.events, len(each.not_whole), file=sys.stderr)
        return samples, seen, changes(self.residents.before, after, "v1alpha3")

    def etcd(self):
        return stored(address_of(self.plane.pids["etcd"]))

    def test_the_right_order_shows_nothing(self):
        self.assertEqual(len(self.etcd()), COUNT)
        self.assertNotEqual(old_shapes(self.etcd()), [])
        self.by_hand.expand()
        self.by_hand.project()
        self.by_hand.serve_both()
        self.by_hand.stop_serving_old()
        self.by_hand.contract()
        self.by_hand.apply_target()
        samples, seen, changed = self.finish()
        self.assertEqual((samples.neither(), samples.empty(), changed), ([], [], []))
        for each in seen.values():
            self.assertEqual((each.deleted, each.added, each.not_whole), ([], [], []))
        self.assertEqual(old_shapes(self.etcd()), [])
        self.assertEqual(len(self.etcd()), COUNT)

    def test_a_flip_without_a_projection_is_seen(self):
        self.by_hand.expand()
        self.by_hand.serve_both()
        self.by_hand.stop_serving_old()
        samples, seen, changed = self.finish()
        self.assertTrue(samples.neither() and samples.empty())
        self.assertEqual(len(changed) // COUNT, 2)  # the spec, and the versions in managedFields
        self.assertTrue(seen["v1alpha3"].not_whole or seen["v1alpha3"].events["lists"])

    def test_the_real_schemas_are_seen_to_empty_what_is_read(self):
        self.by_hand.flip_with_real_schemas()
        samples, _, _ = self.finish()
        self.assertTrue(samples.empty())

    def test_one_policy_left_behind_is_seen_in_etcd(self):
        self.by_hand.expand()
        self.by_hand.project()
        self.by_hand.serve_both()
        self.by_hand.stop_serving_old()
        self.by_hand.contract(skip=next(iter(self.residents.before)))
        found = old_shapes(self.etcd())
        name = "/".join(next(iter(self.residents.before)))
        self.assertTrue(found and all(name in each for each in found), found)

    def test_a_policy_made_again_is_seen(self):
        item = self.plane.api.get(self._path_of(self.residents.created[1]))
        self.plane.api.delete(self._path_of(item))
        self.plane.api.create(policies_path("v1alpha2", key(item)[0]),
                              {**item, "metadata": {"name": key(item)[1]}})
        self.reader.finish()
        seen, _ = self.watchers.finish()
        self.assertEqual([name for _, name in seen["v1alpha2"].deleted], [key(item)])
        self.assertEqual([name for _, name in seen["v1alpha2"].added], [key(item)])
        changed = changes(self.residents.before, self.residents.live("v1alpha2"), "v1alpha2")
        self.assertTrue(any("uid" in each for each in changed), changed)

    @staticmethod
    def _path_of(item):
        return f"{policies_path('v1alpha2', key(item)[0])}/{key(item)[1]}"


if __name__ == "__main__":
    unittest.main(verbosity=2)
