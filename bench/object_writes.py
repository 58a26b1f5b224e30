# SPDX-License-Identifier: Apache-2.0
"""The writes of policies in a conversion in place, from the audit log: each policy is written once per pass."""

import bisect
import collections
import contextlib
import datetime
import threading
import time

RESOURCE = "backendtlspolicies"
PASSES = ("project", "contract", "prove")


def number_of(writes):
    """Of counts by verb and resource: those of policies, and of their status."""
    return sum(count for key, count in writes.items() if key.split()[1].split("/")[0] == RESOURCE)


def seconds(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


class Clock:
    """What CPU time was used when, by a client and by the server: what passes cost on a machine that does other work
    beside. `server` says how much it has used, `client` too, and fails while there is none."""

    EVERY = 0.05

    def __init__(self, client, server):
        self._sources = {"client": client, "server": server}
        self._times, self._used, self._over = [], {name: [] for name in self._sources}, threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self):
        last = dict.fromkeys(self._sources, 0.0)
        while not self._over.wait(self.EVERY):
            self._times.append(time.time())
            for name, source in self._sources.items():
                with contextlib.suppress(OSError):  # it has ended, or not begun
                    last[name] = source()
                self._used[name].append(last[name])

    def finish(self):
        self._over.set()
        self._thread.join()

    def used(self, spans):
        """Seconds of each in these spans together."""
        return {name: sum(self._at(used, ended) - self._at(used, began) for began, ended in spans)
                for name, used in self._used.items()}

    def _at(self, used, moment):
        after = bisect.bisect_left(self._times, moment)
        if after == 0 or after == len(self._times):
            return used[min(after, len(used) - 1)]
        began, ended = self._times[after - 1], self._times[after]
        return used[after - 1] + (used[after] - used[after - 1]) * (moment - began) / (ended - began)


def figures_of(events, agent, clock):
    """passes: seconds from the first write of a pass to the end of its last; writing: these together; span: from the
    first of all to the last; clientCPU, serverCPU: what was used during the passes. A policy's first write is one of the
    first pass, and so on."""
    clock.finish()
    turns, spans = collections.Counter(), {}
    for event in sorted(events, key=lambda event: event["requestReceivedTimestamp"]):
        reference = event.get("objectRef", {})
        if reference.get("resource") != RESOURCE or event["verb"] not in ("create", "update", "patch", "delete"):
            continue
        if not event.get("userAgent", "").startswith(agent) or "dryRun" in event["requestURI"]:
            continue
        key = reference.get("namespace"), reference.get("name")
        name = PASSES[turns[key]] if turns[key] < len(PASSES) else "further"
        turns[key] += 1
        began, ended = seconds(event["requestReceivedTimestamp"]), seconds(event["stageTimestamp"])
        first, last = spans.get(name, (began, ended))
        spans[name] = min(first, began), max(last, ended)
    passes = {name: last - first for name, (first, last) in spans.items()}
    span = max(last for _, last in spans.values()) - min(first for first, _ in spans.values())
    used = clock.used(spans.values())
    return {"passes": passes, "writing": sum(passes.values()), "span": span,
            "passesCPU": used["client"], "passesServerCPU": used["server"]}
