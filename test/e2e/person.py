# SPDX-License-Identifier: Apache-2.0
"""What a person does about a plan that asks for something: takes away objects that it refuses, and consents."""

from ground import name_of
from transition_list import RIGHT


class Blocked(Exception):
    """Something stops the plan that no person can do anything about in the cluster."""


class Person:
    """Answers the checks of one transition's plans, and notes what was asked in the transition's cell."""

    def __init__(self, api, cell, loaded):
        self._api = api
        self._cell = cell
        self._loaded = loaded
        self._consents = {}
        self.taken = {}  # {name: object}

    def consents(self):
        """As spec.accept has them."""
        return list(self._consents.values())

    def take_away(self, checks):
        """Takes the objects behind blockers away: how many. Blocked where there is a blocker without one."""
        blockers = [check for check in checks if check["severity"] == "Blocker"]
        items = {name_of(item): item for item in self._loaded.items if name_of(item) not in self.taken}
        left = [check for check in blockers if not is_removable(check, items)]
        for check in blockers:
            self._cell.blocked[check["check"]] = self._cell.blocked.get(check["check"], 0) + 1
            self._judge(check["check"], whole=check in left)
        if left:
            self._refuse(left)
        for name in dict.fromkeys(check["object"] for check in blockers):
            self._api.delete(self._loaded.path_of(items[name]))
            self.taken[name] = items[name]
        self._cell.taken |= {check["object"]: check["check"] for check in blockers}
        return len(blockers)

    def _refuse(self, left):
        if self._cell.problems:
            self._cell.problems += [f"{check['check']} {check.get('object', '')} {check.get('field', '')}: "
                                    f"{check['message']}" for check in left[:2]]
        raise Blocked

    def consent(self, checks):
        """Gives what is asked for: how many consents that were not given before."""
        before = len(self._consents)
        for check in checks:
            if check["severity"] != "Consent" or check.get("accepted"):
                continue
            consent = {part: check[part] for part in ("check", "object", "field") if part in check}
            resolutions = check.get("resolutions", [])
            if resolutions:
                # Steps take one of the two, jumps the other.
                consent["resolution"] = resolutions[self._cell.transition.kind == "step"]
            self._consents.setdefault(tuple(consent.values()), consent)
        self._cell.consents = len(self._consents)
        return len(self._consents) - before

    def _judge(self, code, whole):
        """A code that the table has must be right for the transition. Of the others the API server is asked afterwards,
        where there is an object to ask about."""
        if code in RIGHT:
            is_right, where = RIGHT[code]
            if not is_right(self._cell.transition):
                self._cell.add_problem(f"{code} stops it, which is right only where {where}")
        elif whole:
            self._cell.add_problem(f"{code} stops it, and the table does not have that")


def is_removable(check, items):
    """Whether a person can do away with a blocker by taking its object away. For a loss nobody would."""
    return check.get("object", "") in items and not check["check"].endswith("Loss")
