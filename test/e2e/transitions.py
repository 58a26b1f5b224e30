# SPDX-License-Identifier: Apache-2.0
"""Runs transitions from bundle to bundle on one API server: plan, a person's answers to it, migrate, judge."""

import collections
import json
import subprocess
import time
import traceback

import tightened
from bundles import BUNDLES
from fixture import NAMESPACE, Migration, Operator, program
from ground import name_of
from intention import Listed
from judgement import Judgement
from kube import MIGRATIONS, collection
from transition_cell import Cell, Clock
from transition_list import RIGHT
from waiting import eventually

RUN = "matrix"
RUN_SECONDS = 240  # a run takes three on an idle machine
ROUNDS = 6  # of a person who takes away what the plan refuses
REFUSALS = (400, 403, 422)
BEFORE_WRITES = ("Plan", "Approve", "Rehearse")


def releases():
    """The versions of the catalogue, in order."""
    listed = subprocess.run([program(), "bundles", "list", "--local", "--bundles", BUNDLES, "-o", "json"],
                            capture_output=True, text=True, check=True).stdout
    return list(dict.fromkeys(bundle["version"] for bundle in json.loads(listed)))


class Blocked(Exception):
    """The plan cannot run, and nobody but gatelift could change that."""


class Broken(Exception):
    """gatelift did what it should not."""


class Runner:
    """Makes transitions, one after the other, in one cluster."""

    def __init__(self, plane, ground, artifacts=None):
        self._plane = plane
        self._api = plane.api
        self._ground = ground
        self._artifacts = artifacts

    def run(self, transition):
        cell = Cell(transition)
        started = time.monotonic()
        try:
            self._run(cell)
        except Blocked:
            cell.verdict = "FAILED" if cell.problems else "blocked"
        except Broken as error:
            cell.problems.append(str(error)[:1500])
        except Exception:  # pylint: disable=broad-except
            # A long run goes on with the others.
            cell.problems.append("the matrix itself failed: " + traceback.format_exc())
        else:
            cell.verdict = "FAILED" if cell.problems else "ok"
        cell.seconds = round(time.monotonic() - started, 2)
        self._keep(cell, "cell.json", json.dumps(cell.json(), indent=1))
        return cell

    def _run(self, cell):
        clock = Clock(cell.stages)
        self._ground.clean()
        clock.lap("clean")
        loaded = self._ground.prepare(cell.transition.source)
        cell.loaded, cell.objects = dict(loaded.counts), len(loaded.items)
        cell.refused_examples = loaded.refused
        clock.lap("prepare")
        plan, taken = self._settle(cell, loaded, {})
        clock.lap("plan")
        while not self._migrate(cell, plan, loaded, taken):
            plan, taken = self._settle(cell, loaded, taken)
        clock.lap("migrate")
        cell.actions = dict(collections.Counter(action["action"] for action in plan["actions"]))
        cell.checks = dict(collections.Counter(f"{check['severity']} {check['check']}" for check in plan["checks"]))
        cell.losses = sum(check["check"].endswith("Loss") for check in plan["checks"])
        judgement = Judgement(self._plane, cell.transition.target, loaded, Listed(plan), plan)
        judgement.judge(taken)
        cell.problems += judgement.problems
        cell.found_again = judgement.counts["found again"]
        cell.reality = {part: judgement.counts[part] for part in ("accepted", "refused", "refusals confirmed")}
        cell.refused_now, cell.stuck = judgement.refused_now, judgement.stuck
        self._compare_with_rehearsal(cell, plan)
        clock.lap("judge")

    # The plan, and a person who answers it

    def _plan(self, cell):
        result = self._plane.gatelift("plan", "--to", cell.transition.target, "--bundles", BUNDLES, "--name", RUN,
                                      "-o", "json")
        if result.returncode not in (0, 3):
            raise Broken(f"plan exits with {result.returncode}: {result.stderr}")
        plan = json.loads(result.stdout)
        self._keep(cell, "plan.json", result.stdout)
        if plan.get("checksOmitted"):
            self._add_problem(cell, f"the plan leaves {plan['checksOmitted']} checks out")
        self._identify(cell, plan)
        return plan

    def _settle(self, cell, loaded, taken):
        """(a plan without a blocker, {name: object} of those that were taken away, also for it)"""
        for _ in range(ROUNDS):
            plan = self._plan(cell)
            blockers = [check for check in plan["checks"] if check["severity"] == "Blocker"]
            if not blockers:
                return plan, taken
            for check in blockers:
                cell.blocked[check["check"]] = cell.blocked.get(check["check"], 0) + 1
            items = {name_of(item): item for item in loaded.items if name_of(item) not in taken}
            self._judge_blockers(cell, [check for check in blockers if not is_removable(check, items)])
            for check in blockers:
                if check["object"] not in taken:
                    self._judge_right(cell, check["check"])
                    self._take_away(cell, loaded, items[check["object"]], check["check"], taken)
        raise Broken(f"after {ROUNDS} rounds the plan is still blocked: {cell.blocked}")

    def _take_away(self, cell, loaded, item, code, taken):
        self._api.delete(loaded.path_of(item))
        taken[name_of(item)] = item
        cell.taken[name_of(item)] = code

    def _judge_blockers(self, cell, left):
        """Blockers that no single object is behind stop the transition."""
        if not left:
            return
        for check in left:
            self._judge_right(cell, check["check"], whole=True)
        shown = [f"{check['check']} {check.get('object', '')} {check.get('field', '')}: {check['message']}"
                 for check in left[:2]]
        if cell.problems:
            cell.problems += shown
        raise Blocked

    def _judge_right(self, cell, code, whole=False):
        """A code that the table has must be right for the transition; the others are asked of the API server, if their
        object can be taken away, and are wrong otherwise."""
        if code in RIGHT:
            if not RIGHT[code][0](cell.transition):
                self._add_problem(cell, f"{code} stops it, which is right only where {RIGHT[code][1]}")
        elif whole:
            self._add_problem(cell, f"{code} stops it, and the table does not have that")

    @staticmethod
    def _add_problem(cell, problem):
        if problem not in cell.problems:
            cell.problems.append(problem)

    def _identify(self, cell, plan):
        cell.identified_as = f"{plan['from']['version']}/{plan['from']['channel']}"
        if cell.identified_as != cell.transition.source:
            self._add_problem(cell, f"{cell.transition.source} is taken for {cell.identified_as}")

    # The run

    def _migrate(self, cell, plan, loaded, taken):
        """Whether the run has come to its end. Not where rehearsal refused objects: then they are taken away."""
        accept = [self._consent(cell, check) for check in plan["checks"] if check["severity"] == "Consent"]
        cell.consents = len(accept)
        mark = self._plane.audit.mark()
        # The command line has no way to say which resolution is wanted.
        run = self._by_resource if any("resolution" in each for each in accept) else self._by_command
        status, words = run(cell, accept)
        self._keep(cell, "migrate.txt", words)
        cell.writes_refused += [repr(write) for write in self._plane.audit.writes(mark)
                                if write.code in REFUSALS and write.is_gateway_api]
        record = self._api.find(f"{MIGRATIONS}/{RUN}") or {}
        self._keep(cell, "record.json", json.dumps(record, indent=1))
        self._keep(cell, "report.txt", self._report())
        record = record.get("status", {})
        cell.rehearsal = record.get("rehearsal", {})
        if status == 0:
            self._judge_record(cell, record)
            return True
        if status == 3 and record.get("phase") in BEFORE_WRITES:
            if self._take_away_refused(cell, loaded, record, taken):
                return False
        ready = [each for each in record.get("conditions", []) if each["type"] in ("Stalled", "Ready")]
        raise Broken(f"the run ends with {status} in phase {record.get('phase')}: {json.dumps(ready)} "
                     f"{json.dumps(record.get('failures', []))} {words[-600:]}")

    @staticmethod
    def _consent(cell, check):
        consent = {part: check[part] for part in ("check", "object", "field") if part in check}
        resolutions = check.get("resolutions", [])
        if resolutions:
            # Steps take one of the two, jumps the other.
            check["resolution"] = consent["resolution"] = resolutions[cell.transition.kind == "step"]
        return consent

    def _by_command(self, cell, accept):
        """(exit status, words) of `gatelift migrate`."""
        arguments = []
        for consent in accept:
            arguments += ["--accept", ",".join(consent.get(part, "") for part in ("check", "object", "field"))]
        result = self._plane.gatelift("migrate", "--to", cell.transition.target, "--bundles", BUNDLES, "--name", RUN,
                                      "--yes", "--timeout", f"{RUN_SECONDS}s", *arguments, timeout=2 * RUN_SECONDS)
        return result.returncode, result.stdout + result.stderr

    def _by_resource(self, cell, accept):
        """The same of `gatelift controller`, which carries a resource out."""
        migration = Migration(self._plane, RUN, cell.transition.target, accept=accept)
        operator = Operator(self._plane, kubeconfig=self._plane.kubeconfig)
        try:
            eventually(lambda: "True" in (migration.condition("Ready").get("status"),
                                          migration.condition("Stalled").get("status")),
                       f"{RUN} is Ready or Stalled", RUN_SECONDS, migration.explain)
        finally:
            operator.stop()
        return 0 if migration.condition("Ready").get("status") == "True" else 3, operator.output()

    def _take_away_refused(self, cell, loaded, status, taken):
        """Takes away what stops the run before its first write; how many objects."""
        refused = {failure["object"]: failure.get("reason", "") for failure in status.get("failures", [])}
        refused |= {check.get("object", ""): check["check"] for check in status.get("plan", {}).get("checks", [])
                    if check["severity"] == "Blocker"}
        items = [item for item in loaded.items if name_of(item) in refused and name_of(item) not in taken]
        for item in items:
            code = refused[name_of(item)]
            cell.blocked[code] = cell.blocked.get(code, 0) + 1
            self._judge_right(cell, code)
            self._take_away(cell, loaded, item, code, taken)
        return len(items)

    def _judge_record(self, cell, status):
        if status and status.get("phase") != "Done":
            cell.problems.append(f"the record ends in phase {status.get('phase')}")
        for failure in status.get("failures", []):
            cell.problems.append(f"the record has a failure: {json.dumps(failure)}")
        wrong = [crd["name"] for crd in status.get("crds", []) if not adds_up(crd.get("objects", {}))]
        if wrong:
            cell.problems.append(f"the counts of {len(wrong)} CRDs do not add up, first {wrong[0]}")
        for write in cell.writes_refused:
            cell.problems.append(f"the API server refused a write of the run: {write}")

    def _report(self):
        found = self._api.find(collection("v1", "configmaps", NAMESPACE) + f"/{RUN}-report") or {}
        return found.get("data", {}).get("report.txt", "")

    # Rehearsal and reality

    def _compare_with_rehearsal(self, cell, plan):
        """An object that the target would refuse has to be one that the plan speaks of. Without a rehearsal this is not
        asked of objects that are here to be refused."""
        listed = Listed(plan)
        for what, found in (("cannot be written any more", cell.stuck),
                            ("would be refused as a new one", cell.refused_now)):
            for name, why in found.items():
                if (cell.rehearsal or f"/{tightened.NAMESPACE}/" not in name) and not listed.about(name):
                    cell.problems.append(f"{name} {what}, and the plan says nothing of it: {why}")

    def _keep(self, cell, name, text):
        if self._artifacts:
            folder = self._artifacts / cell.transition.name.replace(" -> ", "_to_").replace(" ", "-")
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)


def is_removable(check, items):
    """Whether a person can do away with a blocker by taking its object away. For a loss nobody would."""
    return check.get("object", "") in items and not check["check"].endswith("Loss")


def adds_up(counts):
    return counts.get("found", 0) == sum(counts.get(part, 0) for part in ("done", "unchanged", "skipped", "failed"))
