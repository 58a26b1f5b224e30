# SPDX-License-Identifier: Apache-2.0
"""Waiting with a deadline, by looking again and again.

GATELIFT_PATIENCE multiplies the deadlines, for a slow machine or an unoptimised program."""

import os
import time

INTERVAL = 0.2
PATIENCE = float(os.environ.get("GATELIFT_PATIENCE", "1"))


def eventually(look, what, timeout=30, explain=None):
    """The first true value that `look` returns. AssertionError with what was seen last, where there is none in time.

    A `look` that fails is asked again: `explain` adds to the words of the failure."""
    timeout *= PATIENCE
    deadline = time.monotonic() + timeout
    while True:
        try:
            seen = look()
        except Exception as error:  # pylint: disable=broad-except
            seen, problem = None, error
        else:
            problem = seen
        if seen:
            return seen
        if time.monotonic() > deadline:
            more = "\n" + explain() if explain else ""
            raise AssertionError(f"not within {timeout} s: {what}; last seen: {problem!r}{more}")
        time.sleep(INTERVAL)
