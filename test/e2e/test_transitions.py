# SPDX-License-Identifier: Apache-2.0
"""A few of the transitions of scripts/transition-matrix, one of each kind of action; and that the matrix would see it,
were something lost."""

import sys
import unittest

from fixture import Scenario
from ground import Ground
from kube import CRDS, GATEWAY, collection
from matrix_text import Table, totals
from transition_list import SHORT, Transition, transitions
from transitions import Runner, releases

ROUTE = collection(f"{GATEWAY}/v1beta1", "httproutes", "matrix") + "/full"
GRANT = collection(f"{GATEWAY}/v1beta1", "referencegrants", "matrix") + "/full"


class Saboteur(Runner):
    """Does harm between the migration and its judgement."""

    def _migrate(self, *arguments):
        outcome = super()._migrate(*arguments)
        self._api.patch(ROUTE, {"metadata": {"labels": None}})
        self._api.patch(ROUTE, [{"op": "remove", "path": "/spec/rules/0/backendRefs/1"}], "json")
        self._api.delete(GRANT)
        self._api.patch(f"{CRDS}/gateways.{GATEWAY}/status", {"status": {"storedVersions": ["v1beta1", "v1alpha2"]}})
        self._api.patch(f"{CRDS}/gatewayclasses.{GATEWAY}", {"spec": {"names": {"shortNames": ["gc", "class"]}}})
        return outcome


class Transitions(Scenario):
    flags = ("--apiserver-arg=--audit-log-maxsize=4000",)

    def setUp(self):
        self.addCleanup(self.plane.reset)

    def test_one_of_each_kind_of_action(self):
        wanted = [each for each in transitions(releases()) if each.name in SHORT]
        self.assertEqual(len(wanted), len(SHORT))
        runner = Runner(self.plane, Ground(self.plane))
        table, cells = Table(sys.stderr), []
        for transition in wanted:
            cells.append(runner.run(transition))
            table.add(cells[-1])
        print(totals(cells), file=sys.stderr)
        for cell in cells:
            with self.subTest(cell.transition.name):
                self.assertNotEqual(cell.verdict, "FAILED", cell.problems)

    def test_what_is_lost_or_changed_is_seen(self):
        runner = Saboteur(self.plane, Ground(self.plane, with_tightened=False))
        cell = runner.run(Transition("step", "v0.7.0/standard", "v0.7.1/standard"))
        self.assertEqual(cell.verdict, "FAILED")
        wanted = (
            f"gatewayclasses.{GATEWAY} is not the target's: .names.shortNames",
            f"gateways.{GATEWAY}: storedVersions is ['v1beta1', 'v1alpha2']",
            "HTTPRoute/matrix/full: metadata.labels gone",
            "HTTPRoute/matrix/full: spec.rules[0].backendRefs changed",
            "ReferenceGrant/matrix/full is not found again")
        for words in wanted:
            self.assertTrue(any(words in problem for problem in cell.problems), (words, cell.problems))
        for problem in cell.problems:
            self.assertTrue(any(words in problem for words in wanted), problem)


if __name__ == "__main__":
    unittest.main(verbosity=2)
