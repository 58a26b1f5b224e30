#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a client asked of the API server, and when: `timeline.py AUDIT_LOG [AGENT]`, from an audit log that
`scripts/bench --keep DIR` left of a sample. Calls of one kind that follow each other closely are one line: when they began, how long
they took together, how many there were, how long the server worked on each, and how many were under way at once. Gaps
between the lines are time in which the client asked nothing.
"""

import collections
import datetime
import json
import sys


def seconds(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def calls(path, agent):
    with open(path, encoding="utf-8") as file:
        for line in file:
            event = json.loads(line)
            if not event.get("userAgent", "").startswith(agent) or event["verb"] == "watch":
                continue
            reference = event.get("objectRef", {})
            resource = reference.get("resource", event["requestURI"].split("?")[0])
            if "subresource" in reference:
                resource += "/" + reference["subresource"]
            dry = " (dry run)" if "dryRun" in event["requestURI"] else ""
            code = event["responseStatus"].get("code", 0)
            refused = f" -> {code}" if code >= 400 else ""
            yield (seconds(event["requestReceivedTimestamp"]), seconds(event["stageTimestamp"]),
                   f"{event['verb']} {resource}{dry}{refused}", event["user"]["username"])


def runs(all_calls, quiet):
    """Calls of one kind, as long as the next comes within `quiet` seconds."""
    lines, last = [], {}
    for began, ended, what, _ in sorted(all_calls):
        line = last.get(what)
        if line is None or began - line["ended"] > quiet:
            line = last[what] = {"began": began, "ended": ended, "what": what, "count": 0, "busy": 0.0}
            lines.append(line)
        line["ended"] = max(line["ended"], ended)
        line["count"] += 1
        line["busy"] += ended - began
    return lines


def main():
    agent = sys.argv[2] if len(sys.argv) > 2 else "gatelift/"
    found = list(calls(sys.argv[1], agent))
    if not found:
        sys.exit(f"no calls of {agent} in {sys.argv[1]}")
    lines = runs(found, 0.05)
    zero, covered = lines[0]["began"], lines[0]["began"]
    print(f"{'at':>8} {'took':>7} {'idle':>6} {'calls':>6} {'each':>8} {'wide':>5}  what")
    for line in lines:
        idle, took = max(0.0, line["began"] - covered), line["ended"] - line["began"]
        covered = max(covered, line["ended"])
        print(f"{line['began'] - zero:8.3f} {took:7.3f} {idle:6.3f} {line['count']:6d} "
              f"{line['busy'] / line['count'] * 1000:6.1f}ms {line['busy'] / max(took, 1e-6):5.1f}  {line['what']}")
    totals = collections.Counter()
    for began, ended, what, _ in found:
        totals[what] += ended - began
    print(f"\n{covered - zero:.3f} s in all; server time by kind of call:")
    for what, busy in totals.most_common(12):
        print(f"{busy:8.3f} s  {what}")


if __name__ == "__main__":
    main()
