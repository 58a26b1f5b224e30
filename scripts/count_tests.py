#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Adds up ctest's JUnit reports: a line for each, the names of what failed, and "N passed, N failed".

Exits 1 where something failed, and where nothing was run at all. A test that could not be started has
failed; one that said itself that it has nothing to do here was skipped and counts as neither.
"""

import argparse
import pathlib
import sys
import xml.etree.ElementTree as ET

# How ctest puts it when a test's own output or exit status asked for it.
SKIPPED_BY_ITSELF = ("SKIP_RETURN_CODE", "SKIP_REGULAR_EXPRESSION_MATCHED")


def outcome(case):
    status = case.get("status")
    if status == "run":
        return "passed"
    if status == "disabled":
        return "skipped"
    skipped = case.find("skipped")
    message = "" if skipped is None else skipped.get("message", "")
    if status == "notrun" and message.startswith(SKIPPED_BY_ITSELF):
        return "skipped"
    return "failed"


def outcomes(report):
    """Pairs of a test's name and its outcome; one failure where the report cannot be read."""
    try:
        cases = list(ET.parse(report).getroot().iter("testcase"))
    except (OSError, ET.ParseError) as error:
        return [(f"no report: {error}", "failed")]
    return [(case.get("name"), outcome(case)) for case in cases]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reports", nargs="*", type=pathlib.Path)
    parser.add_argument("--broken", nargs="*", default=[], metavar="NAME", help="what failed outside of the tests")
    arguments = parser.parse_args()
    total = {"passed": 0, "failed": len(arguments.broken), "skipped": 0}
    failures = [f"{name} (not a test)" for name in arguments.broken]
    for report in arguments.reports:
        found = outcomes(report)
        counts = {kind: sum(1 for _, each in found if each == kind) for kind in total}
        print(f"{report.stem}: {counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
        failures += [f"{report.stem}: {name}" for name, each in found if each == "failed"]
        for kind, count in counts.items():
            total[kind] += count
    for failure in failures:
        print(f"FAILED {failure}")
    if total["passed"] + total["failed"] == 0:
        print("no test was run")
    print(f"{total['passed']} passed, {total['failed']} failed")
    sys.exit(1 if total["failed"] or not total["passed"] else 0)


if __name__ == "__main__":
    main()
