# SPDX-License-Identifier: Apache-2.0
"""The transitions as one printed table."""

import collections


def action(cell, *names):
    return sum(cell.actions.get(name, 0) for name in names)


def pair(first, second):
    return "-" if first is None else f"{first}/{second}"


def rehearsed(cell):
    """Of the first rehearsal: later ones are without what a person took away."""
    first = cell.rehearsals[0] if cell.rehearsals else {}
    return pair(first.get("accepted"), first.get("refused"))


COLUMNS = (
    # title, width, cell -> text
    ("transition", 26, lambda cell: cell.transition.name),
    ("crt", 3, lambda cell: action(cell, "Create")),
    ("upd", 3, lambda cell: action(cell, "Update", "Reencode", "Carry")),
    ("cnv", 3, lambda cell: action(cell, "Convert", "Rename")),
    ("kept", 4, lambda cell: action(cell, "Keep")),
    ("objects", 7, lambda cell: cell.objects),
    ("taken", 5, lambda cell: len(cell.taken)),
    ("again", 5, lambda cell: cell.found_again),
    ("losses", 6, lambda cell: cell.losses),
    ("rehearsed", 9, rehearsed),
    ("target", 9, lambda cell: pair(cell.reality.get("accepted"), cell.reality.get("refused"))),
    ("conf", 4, lambda cell: cell.reality.get("refusals confirmed", "-")),
    ("verdict", 7, lambda cell: cell.verdict),
    ("s", 5, lambda cell: f"{cell.seconds:.1f}"),
    ("blocked by", 0, lambda cell: " ".join(f"{code}:{count}" for code, count in sorted(cell.blocked.items()))),
)
LEGEND = """\
crt, upd, cnv, kept: CRDs that are created, updated, converted or renamed, and kept though the target lacks them
taken: objects that a person took away because the plan refused them
again: objects that were found again with the intended content
losses: fields that the plan lists as lost
rehearsed: objects that the first rehearsal accepted/refused
target: objects that the target's API takes/refuses as new ones, afterwards
conf: of those that the plan refused, how many the target's API refuses, too
"""


class Table:
    """Prints each row as it comes."""

    def __init__(self, out):
        self._out = out
        self._line(title for title, *_ in COLUMNS)

    def add(self, cell):
        self._line(str(text(cell)) for _, _, text in COLUMNS)
        for problem in cell.problems:
            print(f"    {problem}", file=self._out, flush=True)

    def _line(self, cells):
        texts = [text.ljust(width) if number in (0, len(COLUMNS) - 1) or not width else text.rjust(width)
                 for number, (text, (_, width, _)) in enumerate(zip(cells, COLUMNS))]
        print(" ".join(texts).rstrip(), file=self._out, flush=True)


def totals(cells):
    verdicts = collections.Counter(cell.verdict for cell in cells)
    firsts = [cell.rehearsals[0] for cell in cells if cell.rehearsals]
    misses = sum("and the plan says nothing of it" in problem for cell in cells for problem in cell.problems)
    alarms = sum(problem.endswith("was refused, and the target takes it")
                 for cell in cells for problem in cell.problems)
    writes = sum(len(cell.writes_refused) for cell in cells)
    sources = {cell.transition.source: cell.identified_as for cell in cells if cell.identified_as}
    exact = sum(source == found for source, found in sources.items())
    words = [
        LEGEND,
        f"{exact} of {len(sources)} installed bundles are recognised exactly",
        f"{len(cells)} transitions: " + ", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts.items())),
        f"{sum(cell.objects for cell in cells)} objects, {sum(cell.found_again for cell in cells)} found again, "
        f"{sum(len(cell.taken) for cell in cells)} taken away, {sum(cell.losses for cell in cells)} losses listed",
        f"rehearsal accepted {sum(each.get('accepted', 0) for each in firsts)} objects and refused "
        f"{sum(each.get('refused', 0) for each in firsts)}, in {len(firsts)} transitions",
        f"not said, and refused afterwards: {misses} objects and {writes} writes; refused, and acceptable: {alarms}; "
        f"refused, and the target refuses them: {sum(cell.reality.get('refusals confirmed', 0) for cell in cells)}",
        f"{sum(cell.seconds for cell in cells):.0f} s",
    ]
    return "\n".join(words)
