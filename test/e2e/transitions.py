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
from intention import Listed
from judgement import Judgement
from kube import MIGRATIONS, collection
from person import Blocked, Person
from transition_cell import Cell, Clock
from waiting import eventually

RUN = "matrix"
RUN_SECONDS = 240  # a run takes three on an idle machine
TRIES = 3
ROUNDS = 6  # of a person who takes away what the plan refuses
REFUSALS = (400, 403, 422)
REHEARSED = ("RehearsalRefused", "InvalidAtTarget")
BEFORE_WRITES = ("Plan", "Approve", "Rehearse")


def releases():
    """The versions of the catalogue, in order."""
    listed = subprocess.run([program(), "bundles", "list", "--local", "--bundles", BUNDLES, "-o", "json"],
                            capture_output=True, text=True, check=True).stdout
    return list(dict.fromkeys(bundle["version"] for bundle in json.loads(listed)))


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
        person = Person(self._api, cell, loaded)
        plan = self._carry_out(cell, person)
        clock.lap("migrate")
        cell.actions = dict(collections.Counter(action["action"] for action in plan["actions"]))
        cell.checks = dict(collections.Counter(f"{check['severity']} {check['check']}" for check in plan["checks"]))
        cell.losses = sum(check["check"].endswith("Loss") for check in plan["checks"])
        judgement = Judgement(self._plane, cell.transition.target, loaded, Listed(plan), plan)
        judgement.judge(person.taken)
        cell.problems += judgement.problems
        cell.found_again = judgement.counts["found again"]
        cell.reality = {part: judgement.counts[part] for part in ("accepted", "refused", "refusals confirmed")}
        cell.refused_now, cell.stuck = judgement.refused_now, judgement.stuck
        self._compare_with_rehearsal(cell, plan, person, judgement.refused_before)
        clock.lap("judge")

    def _carry_out(self, cell, person):
        """The plan that was carried out, with what rehearsal added to it."""
        for _ in range(ROUNDS):
            plan = self._plan(cell)
            if person.take_away(plan["checks"]):
                continue
            person.consent(plan["checks"])
            status, words, record = self._migrate(cell, person.consents())
            checks = record.get("plan", {}).get("checks", [])
            if status == 0:
                self._judge_record(cell, record)
                plan["checks"] += [check for check in checks if check not in plan["checks"]]
                return plan
            is_asking = status == 3 and record.get("phase") in BEFORE_WRITES
            if not is_asking or person.take_away(checks) + person.consent(checks) == 0:
                raise Broken(f"the run ends with {status} in phase {record.get('phase')}: {explain(record)} {words[-600:]}")
        raise Broken(f"after {ROUNDS} rounds something is still asked for: {cell.blocked}")

    def _plan(self, cell):
        result = self._plane.gatelift("plan", "--to", cell.transition.target, "--bundles", BUNDLES, "--name", RUN,
                                      "--strategy", "Recreate", "-o", "json")
        if result.returncode not in (0, 3):
            raise Broken(f"plan exits with {result.returncode}: {result.stderr}")
        plan = json.loads(result.stdout)
        self._keep(cell, "plan.json", result.stdout)
        if plan.get("checksOmitted"):
            cell.add_problem(f"the plan leaves {plan['checksOmitted']} checks out")
        self._identify(cell, plan)
        return plan

    def _identify(self, cell, plan):
        cell.identified_as = f"{plan['from']['version']}/{plan['from']['channel']}"
        if cell.identified_as != cell.transition.source:
            cell.add_problem(f"{cell.transition.source} is taken for {cell.identified_as}")

    def _migrate(self, cell, accept):
        """(exit status, words, status of the record) of one run."""
        self._forget_record()
        mark = self._plane.audit.mark()
        # The command line has no way to say which resolution is wanted.
        run = self._by_resource if any("resolution" in each for each in accept) else self._by_command
        status, words = run(cell, accept)
        cell.writes_refused += [repr(write) for write in self._plane.audit.writes(mark)
                                if write.code in REFUSALS and write.is_gateway_api]
        record = self._api.find(f"{MIGRATIONS}/{RUN}") or {}
        report = self._api.find(collection("v1", "configmaps", NAMESPACE) + f"/{RUN}-report") or {}
        self._keep(cell, "migrate.txt", words)
        self._keep(cell, "record.json", json.dumps(record, indent=1))
        for name, text in report.get("data", {}).items():
            self._keep(cell, name, text)
        if "rehearsal" in record.get("status", {}):
            cell.rehearsals.append(record["status"]["rehearsal"])
        return status, words, record.get("status", {})

    def _forget_record(self):
        """A round of its own: nothing of an earlier answer is looked at."""
        path = f"{MIGRATIONS}/{RUN}"
        found = self._api.find(path)
        if found:
            if found["metadata"].get("finalizers"):
                self._api.patch(path, {"metadata": {"finalizers": None}})
            self._api.delete(path)

    def _by_command(self, cell, accept):
        """(exit status, words) of `gatelift migrate`, continued as it says where a slow machine has cost it its lease."""
        arguments = []
        for consent in accept:
            arguments += ["--accept", ",".join(consent.get(part, "") for part in ("check", "object", "field"))]
        words = ""
        for _ in range(TRIES):
            result = self._plane.gatelift("migrate", "--to", cell.transition.target, "--bundles", BUNDLES, "--name",
                                          RUN, "--yes", "--strategy", "Recreate", "--timeout", f"{RUN_SECONDS}s", *arguments,
                                          timeout=2 * RUN_SECONDS)
            words += result.stdout + result.stderr
            if "\ncontinue: " not in result.stderr:
                break
            cell.continued += 1
        return result.returncode, words

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

    def _compare_with_rehearsal(self, cell, plan, person, refused_before):
        """An object that the target refuses has to be one that the plan speaks of, and the other way round. Without a
        rehearsal the first is not asked of objects that are here to be refused."""
        listed = Listed(plan)
        for what, found in (("cannot be written any more", cell.stuck),
                            ("would be refused as a new one", cell.refused_now)):
            for name, why in found.items():
                if (cell.rehearsals or f"/{tightened.NAMESPACE}/" not in name) and not listed.about(name):
                    cell.problems.append(f"{name} {what}, and the plan says nothing of it: {why}")
        refused = {check["object"] for check in plan["checks"]
                   if check["check"] in REHEARSED and check["severity"] == "Consent"} - set(person.taken)
        confirmed = refused & {*cell.stuck, *cell.refused_now, *refused_before}
        cell.reality["refusals confirmed"] += len(confirmed)
        for name in sorted(refused - confirmed):
            cell.problems.append(f"{name} was refused, and the target takes it")

    def _keep(self, cell, name, text):
        if self._artifacts:
            folder = self._artifacts / cell.transition.name.replace(" -> ", "_to_").replace(" ", "-")
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)


def explain(record):
    asking = [each for each in record.get("conditions", []) if each["type"] in ("Stalled", "Ready")]
    return f"{json.dumps(asking)} {json.dumps(record.get('failures', []))}"


def adds_up(counts):
    return counts.get("found", 0) == sum(counts.get(part, 0) for part in ("done", "unchanged", "skipped", "failed"))
