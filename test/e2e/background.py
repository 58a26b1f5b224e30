# SPDX-License-Identifier: Apache-2.0
"""Work in a process of its own, beside what a test does: it has a processor to itself where there is one."""

import multiprocessing
import os
import threading
import traceback

BEGIN_SECONDS = 60
FORK = multiprocessing.get_context("fork")


class Signals:
    """What the work and its test tell one another."""

    def __init__(self, begun, stop):
        self.begun = begun
        self._stop = stop
        self._parent = os.getpid()

    def is_over(self):
        """Whether the work is to end: its test says so, or is gone."""
        return self._stop.is_set() or os.getppid() != self._parent

    def wait(self, seconds):
        """Sleeps, and says whether the work is to end."""
        return self._stop.wait(seconds) or self.is_over()


class Background:
    """Runs `work(signals, *arguments)` until `finish`.

    It has begun, by its own word, when this is constructed. The process is a fork: make it before there is a thread,
    and finish it in any case, because it holds what is open here."""

    def __init__(self, work, *arguments):
        self._stop, begun = FORK.Event(), FORK.Event()
        self._answer, answer = FORK.Pipe(duplex=False)
        signals = Signals(begun, self._stop)
        self._process = FORK.Process(target=_run, args=(work, answer, signals, arguments), daemon=True)
        self._process.start()
        answer.close()
        self._result = None
        if not begun.wait(BEGIN_SECONDS):
            self.finish()
            raise RuntimeError(f"{work.__name__} did not begin within {BEGIN_SECONDS} s")

    def finish(self):
        """What the work came to; RuntimeError with its traceback where it failed. May be called again."""
        if self._result is None:
            self._stop.set()
            self._result = self._answer.recv()
            self._process.join()
        result, failure = self._result
        if failure:
            raise RuntimeError(f"in a background process:\n{failure}")
        return result


def _run(work, answer, signals, arguments):
    try:
        answer.send((work(signals, *arguments), None))
    except BaseException:  # pylint: disable=broad-except
        answer.send((None, traceback.format_exc()))
    signals.begun.set()


def start_threads(*targets):
    """Daemon threads: they end with their process."""
    for target in targets:
        threading.Thread(target=target, daemon=True).start()
