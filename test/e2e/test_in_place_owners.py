# SPDX-License-Identifier: Apache-2.0
"""Who owns which field before a conversion in place, after it, and after a rollback: policies that several managers share,
drawn by lot. GATELIFT_SEED draws the same again, GATELIFT_SHARED says how many there are."""

import os
import random
import sys
import unittest

import in_place
from fixture import Scenario
from owners import OLD, Shared
from policies import NAMESPACES

COUNT = int(os.environ.get("GATELIFT_SHARED", "60"))
SEED = os.environ.get("GATELIFT_SEED") or str(random.SystemRandom().randrange(10**6))


class Owners(Scenario):
    namespaces = NAMESPACES

    def setUp(self):
        self.begin_with(in_place.FROM)

    def check(self, target, new):
        print(f"GATELIFT_SEED={SEED}", file=sys.stderr)
        shared = Shared(self.plane.api, COUNT, SEED)
        entries = sum(len(each.before["metadata"]["managedFields"]) for each in shared.policies)
        print(f"{COUNT} policies, {entries} entries in managedFields, {sum(len(each.applied) for each in shared.policies)} "
              "managers that can apply without force", file=sys.stderr)
        self.assertEqual(shared.refused_applies(OLD)[:in_place.SHOWN], [])
        self.start_operator()
        migration = in_place.start(self.plane, target)
        migration.wait_until_ready(in_place.RUN_SECONDS)
        self.assertEqual(shared.wrong_owners(new)[:in_place.SHOWN], [])
        self.assertEqual(shared.refused_applies(new)[:in_place.SHOWN], [])
        self.plane.kubectl("annotate", "gwm", in_place.NAME, "gatelift.dev/rollback=true")
        migration.wait_for_reason("RolledBack", in_place.RUN_SECONDS)
        self.assertEqual(shared.refused_applies(OLD)[:in_place.SHOWN], [])
        self.assertEqual(shared.wrong_owners(OLD)[:in_place.SHOWN], [])

    def test_v1alpha3(self):
        self.check("v1.1.1/experimental", "v1alpha3")

    def test_straight_to_v1(self):
        self.check("v1.4.1/experimental", "v1")


if __name__ == "__main__":
    unittest.main(verbosity=2)
