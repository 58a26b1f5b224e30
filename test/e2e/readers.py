# SPDX-License-Identifier: Apache-2.0
"""Who reads policies during a run, as fast as one thread can: was each of them whole at a version, at every look?"""

import collections
import http.client
import itertools
import json
import select
import time

from background import Background
from kube import policies_path
from quick_gets import QuickGets

WHOLE, EMPTY, ABSENT, BUSY, FAILED, SILENT = "whole", "empty", "absent", "busy", "failed", "silent"
NOT_ASKED = ""
# Of the samples that the first version answers whole, one in so many asks the other version as well.
BOTH_EVERY = 3
OLD = "v1alpha2"
CONNECTIONS = 8  # of a reader: while a server that has much to do answers one call, the thread makes others


def is_whole(item, version):
    """Whether a client that knows `version` finds in the object what it acts on."""
    spec = item.get("spec") or {}
    if version == OLD:
        return bool(spec.get("targetRef", {}).get("name") and spec.get("tls", {}).get("hostname"))
    targets = spec.get("targetRefs") or [{}]
    return bool(targets[0].get("name") and spec.get("validation", {}).get("hostname"))


def looks_whole(answer, version):
    """The same at a glance, for what is to be asked next. What it takes for whole is judged by is_whole later."""
    status, body = answer
    fields = (b'"targetRef":', b'"tls":') if version == OLD else (b'"targetRefs":', b'"validation":')
    return status == 200 and all(field in body for field in fields)


class Judge:
    """What answers come to, after all of them were given. Most are the same as another one, and judged once."""

    def __init__(self):
        self._known = {}

    def __call__(self, answer, version):
        if answer is None:
            return NOT_ASKED
        status, body = answer
        if status != 200:
            return {404: ABSENT, 429: BUSY, 503: BUSY}.get(status, FAILED)
        if (body, version) not in self._known:
            self._known[body, version] = WHOLE if is_whole(json.loads(body), version) else EMPTY
        return self._known[body, version]


def sampling(gets, names, versions, numbers, samples, known):
    """One sample after the other over one connection; yields where an answer has to come first.

    A sample is (time, name, answer of the first version, answer of the second). The version that is served at first is
    asked first: where it is not whole any more, the other one has to be by the time that it is asked."""
    paths = {name: [f"{policies_path(version, name[0])}/{name[1]}" for version in versions] for name in names}

    def answer():
        given = gets.answer()
        return known.setdefault(given, given)

    for number in numbers:
        name, now = names[number % len(names)], time.monotonic()
        gets.ask(paths[name][0])
        yield
        first, second = answer(), None
        if number % BOTH_EVERY == 0 or not looks_whole(first, versions[0]):
            gets.ask(paths[name][1])
            yield
            second = answer()
        samples.append((now, name, first, second))


def read(signals, api, names, versions):
    """Samples with what their answers come to, one policy after the other, and the CPU time that they took."""
    samples, numbers, lanes, known = [], itertools.count(), {}, {}  # an answer that comes again is kept once
    for _ in range(CONNECTIONS):
        gets = QuickGets(api)
        lanes[gets] = sampling(gets, names, versions, numbers, samples, known)
    cpu = time.process_time()
    for lane in lanes.values():
        next(lane)
    while not signals.is_over():
        for gets in select.select(lanes, [], [], 1)[0]:
            next(lanes[gets])
        if samples:
            signals.begun.set()
    cpu = time.process_time() - cpu
    for gets in lanes:
        gets.close()
    judge = Judge()
    samples.sort(key=lambda sample: sample[0])
    return [(now, name, judge(first, versions[0]), judge(second, versions[1]))
            for now, name, first, second in samples], cpu


def ask(api, version, name):
    """What one GET of a policy comes to; SILENT where nobody answers."""
    try:
        status, text = api.try_get(f"{policies_path(version, name[0])}/{name[1]}")
    except (http.client.HTTPException, OSError):
        return SILENT
    if status == 200:
        return WHOLE if is_whole(json.loads(text), version) else EMPTY
    return {404: ABSENT, 429: BUSY, 503: BUSY}.get(status, FAILED)


def read_calmly(signals, api, names, versions, pause):
    """The same with so many seconds between two samples, and of a server that may be down."""
    api = api.another()
    samples, cpu = [], time.process_time()
    while not signals.is_over():
        number = len(samples)
        name, now = names[number % len(names)], time.monotonic()
        first = ask(api, versions[0], name)
        second = NOT_ASKED
        if first != WHOLE or number % BOTH_EVERY == 0:
            second = ask(api, versions[1], name)
        samples.append((now, name, first, second))
        signals.begun.set()
        signals.wait(pause)
    api.close()
    return samples, time.process_time() - cpu


class Reader:
    """A process that reads until `finish`, as fast as it can unless it is to pause. `versions` are in the order in which
    they are served."""

    def __init__(self, api, names, versions, pause=None):
        work = (read, api, list(names), versions) if pause is None else (read_calmly, api, list(names), versions, pause)
        self._process = Background(*work)
        self._versions = versions

    def finish(self):
        """What it saw. May be called again."""
        samples, cpu = self._process.finish()
        return Samples(samples, self._versions, cpu)


class Samples:
    """What a reader saw."""

    def __init__(self, samples, versions, cpu=0.0):
        self._samples = samples
        self._versions = versions
        self._cpu = cpu

    def __len__(self):
        return len(self._samples)

    def per_second(self):
        return len(self) / (self._samples[-1][0] - self._samples[0][0])

    def cpu_of_one(self):
        """Seconds of the reader's own CPU time for each."""
        return self._cpu / len(self)

    def neither(self):
        """Those that no version answered whole."""
        return [sample for sample in self._samples if WHOLE not in sample[2:]]

    def unanswered(self):
        """Those of `neither` in which a version was asked for and nobody answered: the server was down."""
        return [sample for sample in self.neither() if SILENT in sample[2:]]

    def put_off(self):
        """Those of `neither`, answered, in which a server said that it is not ready and to ask again."""
        return [sample for sample in self.neither() if BUSY in sample[2:] and SILENT not in sample[2:]]

    def empty(self, names=None):
        """Those that a version answered with an object that lacks what its clients act on."""
        return [sample for sample in self._samples if EMPTY in sample[2:] and (names is None or sample[1] in names)]

    def table(self, timeline):
        """One row per step; `timeline` are (time, step) in order of time."""
        rows = {}
        steps = [(float("-inf"), "before"), *timeline]
        at = 0
        for sample in self._samples:
            while at + 1 < len(steps) and steps[at + 1][0] <= sample[0]:
                at += 1
            rows.setdefault(at, Row(sample[0])).add(sample)
        old, new = self._versions if self._versions[0] == OLD else self._versions[::-1]
        lines = [TABLE_LINE.format("step", "seconds", "samples", f"{old} whole", f"{new} whole", "both", "neither",
                                   "served but empty", "404", "429, 503", "failed")]
        for number, row in rows.items():
            lines.append(row.line(steps[number][1], is_old_first=self._versions[0] == OLD))
        total = Row(self._samples[0][0])
        for sample in self._samples:
            total.add(sample)
        lines.append(total.line("all", is_old_first=self._versions[0] == OLD))
        return "\n".join(lines)


TABLE_LINE = "| {:22} | {:>7} | {:>7} | {:>14} | {:>14} | {:>6} | {:>7} | {:>16} | {:>6} | {:>8} | {:>6} |"


class Row:
    """The samples of one step. Whole counts those that a version answered whole when it was asked."""

    def __init__(self, began):
        self._began = self._ended = began
        self._count = 0
        self._whole = [0, 0]
        self._both = 0
        self._neither = 0
        self._answers = collections.Counter()

    def add(self, sample):
        self._ended, answers = sample[0], sample[2:]
        self._count += 1
        self._whole = [count + (answer == WHOLE) for count, answer in zip(self._whole, answers)]
        self._both += answers == (WHOLE, WHOLE)
        self._neither += WHOLE not in answers
        self._answers.update(set(answers))

    def line(self, step, is_old_first):
        old, new = self._whole if is_old_first else self._whole[::-1]
        return TABLE_LINE.format(step, f"{self._ended - self._began:.2f}", self._count, old, new, self._both,
                                 self._neither, self._answers[EMPTY], self._answers[ABSENT], self._answers[BUSY],
                                 self._answers[FAILED] + self._answers[SILENT])
