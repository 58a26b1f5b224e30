# SPDX-License-Identifier: Apache-2.0
"""Addresses by which API servers on loopback are reached: one for each, or one that stands before all of them. Endpoints
of a Service must not be loopback addresses, so these are the machine's own."""

import contextlib
import itertools
import socket
import threading


def own_address():
    """An address of this machine that is not loopback. Nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))
        return probe.getsockname()[0]


class Relay:
    """Leads each connection to the next of its targets, (host, port), until it is closed."""

    def __init__(self, *targets, host=None):
        self._targets = itertools.cycle(targets)
        self._listener = socket.create_server((host or own_address(), 0))
        self.host, self.port = self._listener.getsockname()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self._listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
                server = socket.create_connection(next(self._targets))
            except OSError:
                return
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=_copy, args=(source, sink), daemon=True).start()


def _copy(source, sink):
    """Until one of them ends. Each thread closes what it reads from."""
    with source:
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
