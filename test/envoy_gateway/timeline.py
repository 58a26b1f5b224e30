# SPDX-License-Identifier: Apache-2.0
"""What the proxies of a Gateway were told over time: which covered clusters they speak TLS to, from when to when.

All times are seconds since 1970, by the clock of the one machine that everything runs on."""

import dataclasses

TLS, PLAINTEXT, ABSENT = "TLS", "PLAINTEXT", "absent"


@dataclasses.dataclass(frozen=True)
class State:
    """How a proxy speaks from a time on. A proxy that loses its controller goes on as it was told last."""

    since: float
    speech: tuple  # one of the three for each covered cluster

    def count(self, speech):
        return self.speech.count(speech)

    @property
    def is_covered(self):
        """Every covered cluster is there, and spoken to with TLS."""
        return self.count(TLS) == len(self.speech)


def states(reports, covered):
    """One state for each answer, the first first."""
    return [State(report["time"], tuple(report["clusters"].get(name, ABSENT) for name in covered))
            for report in reports if report["what"] == "answer"]


def gaps(seen):
    """(begin, end) of each time in which a covered cluster was not spoken to with TLS; end is None where it lasts."""
    found = []
    begin = None
    for state in seen:
        if begin is None and not state.is_covered:
            begin = state.since
        elif begin is not None and state.is_covered:
            found.append((begin, state.since))
            begin = None
    return found + ([(begin, None)] if begin is not None else [])


def state_at(seen, when):
    """What was told last at that time; None where nothing was."""
    return next((state for state in reversed(seen) if state.since <= when), None)


def rows(seen, moments):
    """The table's rows: each moment, and each answer that changed something, in their order."""
    begin = min(when for _, when in moments)
    lines = [(when, name, state_at(seen, when)) for name, when in moments]
    before = None
    for state in seen:
        if before and state.speech != before.speech:
            lines.append((state.since, "… the proxies are told", state))
        before = state
    # The last answer that came before the first moment is what it was like at the beginning.
    kept = sorted((line for line in lines if line[0] >= begin), key=lambda line: line[0])
    return [(name, state.count(TLS) if state else 0, state.count(PLAINTEXT) if state else 0, when - begin)
            for when, name, state in kept]


def table(title, lines):
    """As text that Markdown takes for a table."""
    shown = [f"| {title} | TLS | PLAINTEXT | seconds |", "|---|---|---|---|"]
    shown += [f"| {name} | {tls} | {plain} | {seconds:.2f} |" for name, tls, plain, seconds in lines]
    return "\n".join(shown)
