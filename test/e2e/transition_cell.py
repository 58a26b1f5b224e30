# SPDX-License-Identifier: Apache-2.0
"""What is kept of one transition, for the table and for other programs."""

import dataclasses
import time


@dataclasses.dataclass
class Cell:
    """What became of one transition."""

    transition: object
    verdict: str = "FAILED"
    problems: list = dataclasses.field(default_factory=list)
    seconds: float = 0
    stages: dict = dataclasses.field(default_factory=dict)
    loaded: dict = dataclasses.field(default_factory=dict)
    refused_examples: dict = dataclasses.field(default_factory=dict)
    identified_as: str = ""  # the bundle that the plan takes the installed one for
    objects: int = 0
    actions: dict = dataclasses.field(default_factory=dict)
    checks: dict = dataclasses.field(default_factory=dict)  # of the last plan: code and severity
    blocked: dict = dataclasses.field(default_factory=dict)  # codes that stopped a plan: how often
    taken: dict = dataclasses.field(default_factory=dict)  # objects that a person took away: the codes
    consents: int = 0
    continued: int = 0  # runs that lost their lease and were continued
    losses: int = 0  # listed by the plan that ran
    found_again: int = 0
    rehearsals: list = dataclasses.field(default_factory=list)  # as the record has them, one for each answer
    reality: dict = dataclasses.field(default_factory=dict)
    refused_now: dict = dataclasses.field(default_factory=dict)  # objects that the target refuses as new ones: why
    stuck: dict = dataclasses.field(default_factory=dict)  # objects that cannot be written any more as they are: why
    writes_refused: list = dataclasses.field(default_factory=list)

    def add_problem(self, problem):
        if problem not in self.problems:
            self.problems.append(problem)

    def json(self):
        found = dataclasses.asdict(self)
        found["transition"] = {**dataclasses.asdict(self.transition), "name": self.transition.name}
        return found


class Clock:
    """Seconds between laps."""

    def __init__(self, laps):
        self._laps = laps
        self._last = time.monotonic()

    def lap(self, name):
        now = time.monotonic()
        self._laps[name] = round(now - self._last, 2)
        self._last = now
