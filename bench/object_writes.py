# SPDX-License-Identifier: Apache-2.0
"""The writes of policies in a conversion in place, from the audit log: each policy is written once per pass."""

import collections
import datetime

RESOURCE = "backendtlspolicies"
PASSES = ("project", "contract", "prove")


def number_of(writes):
    """Of counts by verb and resource: those of policies, and of their status."""
    return sum(count for key, count in writes.items() if key.split()[1].split("/")[0] == RESOURCE)


def seconds(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def figures_of(events, agent):
    """passes: seconds from the first write of a pass to the end of its last; writing: these together; span: from the
    first of all to the last. A policy's first write is one of the first pass, and so on."""
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
    return {"passes": passes, "writing": sum(passes.values()), "span": span}
