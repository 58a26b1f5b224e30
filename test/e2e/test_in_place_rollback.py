# SPDX-License-Identifier: Apache-2.0
"""Back from a conversion in place at each of its stages, and up again: the old bundle, and each policy as it was, under
the uid that it had, with readers and list/watch clients of both versions beside it.

GATELIFT_ROLLBACKS=all makes every stage of four transitions, and takes half an hour; otherwise it is some of one."""

import os
import sys
import time
import unittest

import in_place
from bundles import assert_is_bundle, crds_of, gateway_crds
from etcd import address_of, stored
from fixture import Migration, Scenario
from ground import ADMISSION, POLICY_KINDS, Ground
from kube import collection, key
from policies import APPLIER, NAMESPACES, apply_policy
from residents import Residents, changes, fields_of
from stages import ALL, HALF, OLD, STAGES, Stop, is_in_half
from watchers import CRD

COUNT = 24
EVERYTHING = os.environ.get("GATELIFT_ROLLBACKS") == "all"
SOME = {"Project, half": False, "Hold": False, "Contract, half": False, "Done": True}  # whether up again, too
UP_AGAIN = ("Project, half", "ServeBoth", "Contract, half", "Target", "Done")
KUBECTL = ("annotate", "gwm", in_place.NAME, "gatelift.dev/rollback=true")
LINE = "| {:24} | {:14} | {:>9} | {:>10} | {:>10} | {:16} | {:>7} | {:>7} | {:>7} | {:>7} | {:8} | {:8} |"
HEAD = LINE.format("to", "rolled back at", "served", "old shapes", "new shapes", "stopped by", "seconds", "samples",
                   "neither", "DELETED", "as it was", "up again")


class Cell:
    """One row of the matrix."""

    def __init__(self, target, stage):
        self.target, self.stage = target, stage
        self.at = ("", "", "")
        self.seconds, self.onlookers = None, None
        self.as_it_was, self.up_again = "FAILED", "-"

    def line(self):
        samples, neither, deleted = "", "", ""
        if self.onlookers and self.onlookers.samples:
            samples, neither = len(self.onlookers.samples), len(self.onlookers.samples.neither())
            deleted = sum(len(seen.deleted) for seen in self.onlookers.seen.values())
        seconds = "" if self.seconds is None else f"{self.seconds:.1f}"
        return LINE.format(self.target, self.stage.name, *self.at, self.stage.reason, seconds, samples, neither, deleted,
                           self.as_it_was, self.up_again)


class Cells(Scenario):
    """A test is one cell of the matrix. Subclasses name the target."""

    flags = (in_place.AUDIT,)
    namespaces = NAMESPACES
    target, new, name = None, None, None
    is_policy_there = False

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cells = []
        cls.addClassCleanup(lambda: print("\n" + "\n".join([HEAD, *(cell.line() for cell in cls.cells)]), file=sys.stderr))

    def run_cell(self, stage, is_up_again):
        cell = Cell(self.name or self.target, stage)
        self.cells.append(cell)
        self.begin()
        cell.onlookers = self.look_on()
        migration, operator = self.run_until(stage, cell)
        began = time.monotonic()
        if stage.name == "Approve":
            self.plane.kubectl(*KUBECTL)
            migration.wait_for_reason("NothingToRollBack", in_place.RUN_SECONDS)
        else:
            self.plane.kubectl(*KUBECTL)
            migration.wait_for_reason("RolledBack", in_place.RUN_SECONDS)
            self.assertEqual(migration.status()["unavailable"]["measured"], "0s")
        cell.seconds = time.monotonic() - began
        self.assert_as_before()
        cell.as_it_was = "yes"
        if is_up_again:
            cell.up_again = "FAILED"
            self.go_up_again()
            cell.up_again = "yes"
        self.assertTrue(operator.is_running())
        cell.onlookers.finish()
        cell.onlookers.assert_nobody_missed_a_policy(self)
        cell.onlookers.assert_every_version_was_whole(self)

    def begin(self):
        self.begin_with(in_place.FROM)
        if self.is_policy_there:
            Ground(self.plane).install_policies(self.target)
        self.residents = Residents(self.plane, COUNT)
        self.addCleanup(self.residents.remove_owners)
        self.crds = self.crds_of_old_bundle(gateway_crds(self.plane.api))
        self.admission = self.admission_policies()

    def look_on(self):
        onlookers = in_place.Onlookers(self.plane, self.residents.before, (OLD, self.new))
        self.addCleanup(onlookers.finish)
        return onlookers

    def run_until(self, stage, cell):
        """The migration, stopped, and the operator that is there now: where it was denied a write, another one."""
        stop = Stop(self.plane, stage.denied) if stage.denied else None
        if stop:
            self.addCleanup(stop.remove)
        operator = self.start_operator()
        migration = in_place.start(self.plane, self.target, **stage.spec)
        migration.wait_for_reason(stage.reason, in_place.RUN_SECONDS)
        if stop:
            operator.kill()
        cell.at = self.assert_is_at(stage)
        if stop:
            stop.remove()
            operator = self.start_operator()
        return migration, operator

    def assert_is_at(self, stage):
        """What the matrix says of it."""
        versions = gateway_crds(self.plane.api)[CRD]["spec"]["versions"]
        served = tuple(any(v["name"] == name and v["served"] for v in versions) for name in (OLD, self.new))
        self.assertEqual(served, stage.served)
        values = stored(address_of(self.plane.pids["etcd"])).values()
        found = [sum(f'"{field}":' in value for value in values) for field in ("targetRef", "targetRefs")]
        free = sum(not is_in_half(name) for name in self.residents.before)
        changed = {HALF: free, ALL: COUNT}
        # Those that a stop holds back keep the old shape.
        self.assertEqual(found, [COUNT - free if stage.old == HALF else changed.get(stage.old, 0),
                                 changed.get(stage.new, 0)])
        return "+".join(name for name, is_served in zip((OLD, self.new), served) if is_served), *found

    def assert_as_before(self):
        after = self.residents.live(OLD)
        self.assertEqual(changes(self.residents.before, after, OLD)[:in_place.SHOWN], [])
        for name, item in self.residents.before.items():
            self.assertEqual(fields_of(after[name]), fields_of(item), name)
        self.assertEqual([text for text in stored(address_of(self.plane.pids["etcd"])).values() if "gatelift" in text], [])
        assert_is_bundle(self, self.plane, in_place.FROM)
        crds = gateway_crds(self.plane.api)
        self.assertEqual(self.crds_of_old_bundle(crds), self.crds)
        self.assertEqual(self.admission_policies(), self.admission)
        item = self.residents.applied[0]
        item["spec"]["tls"]["hostname"] = "after.example.com"
        answer = apply_policy(self.plane.api, item, APPLIER)
        self.assertEqual(answer["spec"], item["spec"])
        self.residents.before[key(item)]["spec"] = answer["spec"]

    def crds_of_old_bundle(self, crds):
        """What of a CRD has to come back, by its name; those of later bundles are not in question."""
        return {name: (crd["metadata"]["uid"], crd["spec"], crd["metadata"].get("labels"), crd["metadata"]["annotations"],
                       sorted((each["manager"], each["operation"]) for each in crd["metadata"]["managedFields"]),
                       crd["status"]["storedVersions"])
                for name, crd in crds.items() if name in crds_of(self.plane, in_place.FROM)}

    def admission_policies(self):
        return [(item["kind"], item["metadata"]["name"], item["spec"]) for plural in POLICY_KINDS.values()
                for item in self.plane.api.items(collection(ADMISSION, plural))]

    def go_up_again(self):
        Migration(self.plane, "once-more", self.target, strategy="InPlace").wait_until_ready(in_place.RUN_SECONDS)
        found = changes(self.residents.before, self.residents.live(self.new), self.new)
        self.assertEqual(found[:in_place.SHOWN], [])
        assert_is_bundle(self, self.plane, self.target)


class ToFirst(Cells):
    target, new = "v1.1.1/experimental", "v1alpha3"


class ToFourth(Cells):
    target, new = "v1.4.1/experimental", "v1"


class ToSixth(Cells):
    target, new = "v1.6.1/experimental", "v1"


class ToSixthUnderItsPolicy(Cells):
    target, new = "v1.6.1/experimental", "v1"
    name = "v1.6.1, its policy before"
    is_policy_there = True


def add_cell(cells, stage, is_up_again):
    def test(self):
        self.run_cell(stage, is_up_again)

    setattr(cells, f"test_{STAGES.index(stage):02d}_{stage.name.lower().replace(', ', '_')}", test)


def add_cells():
    for stage in STAGES:
        if EVERYTHING:
            for cells in (ToFirst, ToFourth, ToSixth, ToSixthUnderItsPolicy):
                add_cell(cells, stage, is_up_again=stage.name in UP_AGAIN)
        elif stage.name in SOME:
            add_cell(ToFirst, stage, SOME[stage.name])


add_cells()

if __name__ == "__main__":
    unittest.main(verbosity=2)
