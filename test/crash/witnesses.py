# SPDX-License-Identifier: Apache-2.0
"""Who looks on while a run is killed, and started again: for each strategy the one that sees what it must not do.

A witness is made when the cluster is at its beginning and before there is a thread, and closed in any case.
`at_death` is told that the program is dead, `end` that the run has ended, and whether as it should; `cells` go under
`COLUMNS`, and `problems` are sentences. `VARYING` are metadata that differ from run to run, and `short_choice` has the numbers of the writes at which
a death is likely to do harm."""

import itertools

from backup import Backup
from etcd import address_of, old_shapes, stored
from kube import by_key, policies_path
from policies import converted
from readers import Reader
from residents import changes
from rig import NAME
from watchers import CRD, Watchers

VERSIONS = ("v1alpha2", "v1alpha3")
POLICIES = " backendtlspolicies.v1alpha"
SHOWN = 3
PAUSE_SECONDS = 0.004  # between two samples: the run needs the processor, too
# A sample is as old as its first question, and what is ready has more to get ready.
AROUND_SECONDS = 1


def survivors(rig, before):
    """How many policies are live with their meaning, how many are in the backup, and which are in neither."""
    backup = Backup(rig.api)
    live = {}
    for version in ("v1alpha2", "v1alpha3"):
        for name, item in by_key(rig.api.items(policies_path(version))).items():
            if name in before:
                live[name] = item["spec"] in (before[name]["spec"], converted(before[name])["spec"])
    held = {name for name, old in before.items() if backup.holds(old)}
    lost = [name for name in before if not live.get(name) and name not in held]
    return sum(live.values()), len(held), lost


class RecreateWitness:
    """Every policy is live or in the backup at each death of the program."""

    STRATEGY = "Recreate"
    COLUMNS = ("live", "in backup")
    VARYING = ()

    def __init__(self, rig, before):
        self._rig, self._before = rig, before
        self.cells = ("-", "-")
        self.problems = []

    def at_death(self):
        live, held, lost = survivors(self._rig, self._before)
        self.cells = (live, held)
        self.problems += [f"lost: {lost}"] if lost else []

    def end(self, is_finished):
        """There is nothing that is not in the end state."""

    def close(self):
        """There is nothing to close."""

    @staticmethod
    def short_choice(writes):
        """Every fourth write, and all from the first deletion of a policy to the last creation of one."""
        def first_and_last(matches):
            numbers = [number for number, write in enumerate(writes, 1) if matches(write)]
            return numbers[0], numbers[-1]

        first = first_and_last(lambda write: write.startswith("DELETE backendtlspolicies."))[0]
        last = first_and_last(lambda write: "backendtlspolicies.v1alpha3" in write and "/status" not in write)[1]
        return sorted({*range(1, len(writes) + 1, 4), *range(first - 1, last + 1)})


class InPlaceWitness:
    """Every policy is whole at a version at each look, no watch hears of a deletion, and what was there at the beginning
    is there at the end, the same object."""

    STRATEGY = "InPlace"
    COLUMNS = ("samples", "unserved", "no answer", "put off", "DELETED")
    VARYING = ("generation",)  # counts the writes, of which a dead program may have made one more

    def __init__(self, rig, before):
        self._rig, self._before = rig, before
        self._is_server_killed = len(rig.plane.servers) == 1
        self._num_downs = len(rig.downs)
        self._reader = Reader(rig.other_api, before, VERSIONS, PAUSE_SECONDS)
        self._watchers = Watchers(rig.other_api, VERSIONS, NAME)
        self.cells = ("-",) * len(self.COLUMNS)
        self.problems = []

    def at_death(self):
        """The reader goes on."""

    def end(self, is_finished):
        samples = self._reader.finish()
        seen, _ = self._watchers.finish()
        unanswered, put_off = self._excused(samples.unanswered()), self._excused(samples.put_off())
        unserved = [sample for sample in samples.neither() if sample not in unanswered and sample not in put_off]
        deleted = [event for each in seen.values() for event in each.deleted]
        self.cells = (len(samples), len(unserved), len(unanswered), len(put_off), len(deleted))
        self._blame("unserved", unserved)
        self._blame("served but empty", samples.empty())
        self._blame("DELETED", deleted)
        for version, each in seen.items():
            self._blame(f"events of {version} without its shape", each.not_whole)
        if is_finished:
            self._compare_with_the_beginning()

    def close(self):
        self._reader.finish()
        self._watchers.finish()

    def _compare_with_the_beginning(self):
        after = by_key(self._rig.api.items(policies_path(VERSIONS[1])))
        self._blame("changed", changes(self._before, after, VERSIONS[1]))
        self._blame("in etcd", old_shapes(stored(address_of(self._rig.plane.pids["etcd"]))))

    def _excused(self, samples):
        """Those that were taken while the only server was down."""
        downs = self._rig.downs[self._num_downs:] if self._is_server_killed else []
        return [sample for sample in samples
                if any(began - AROUND_SECONDS < sample[0] < ended + AROUND_SECONDS for began, ended in downs)]

    def _blame(self, what, found):
        if found:
            self.problems.append(f"{what}: {len(found)}, the first: {found[:SHOWN]}")

    @staticmethod
    def short_choice(writes):
        """Every write of the policies' CRD, and one within each row of writes of policies."""
        chosen = []
        for is_of_policies, row in itertools.groupby(enumerate(writes, 1), lambda item: POLICIES in item[1]):
            numbers = [number for number, write in row if is_of_policies or write.endswith(f" {CRD}")]
            chosen += numbers[len(numbers) // 3:][:1] if is_of_policies else numbers
        return chosen


WITNESSES = {witness.STRATEGY: witness for witness in (RecreateWitness, InPlaceWitness)}
