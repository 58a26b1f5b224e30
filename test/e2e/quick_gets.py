# SPDX-License-Identifier: Apache-2.0
"""GETs with as little work for each as can be: what is left of a thread's time goes into the next one."""

import functools
import re

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
AT_ONCE = 1 << 16


class Lost(OSError):
    """The server has closed the connection."""


class QuickGets:
    """One connection that is kept, with one call under way at most. Answers are not decoded."""

    def __init__(self, api):
        self._api = api
        self._socket = None
        self._asked = None
        self._left = b""

    def close(self):
        if self._socket:
            self._socket.close()
            self._socket = None
        self._left = b""

    def fileno(self):
        """For select: readable when there is an answer to what was asked."""
        return self._socket.fileno()

    def ask(self, path):
        """Begins one GET."""
        self._asked = path
        if self._socket:
            try:
                self._send()
                return
            except OSError:
                self.close()
        self._send()

    def answer(self):
        """(status, body) of the GET that was begun, whatever it is: nothing is repeated but a connection that was lost."""
        try:
            return self._receive_answer()
        except OSError:
            self.close()
        self._send()
        return self._receive_answer()

    def _send(self):
        if self._socket is None:
            self._socket = self._api.open_socket()
        self._socket.sendall(request_of(self._asked))

    def _receive_answer(self):
        head = self._until(b"\r\n\r\n")
        status, length = int(head[9:12]), LENGTH.search(head)
        if length:
            return status, self._exactly(int(length.group(1)))
        if CHUNKED.search(head):
            return status, self._chunks()
        raise Lost("an answer without an end")

    def _chunks(self):
        body = b""
        while True:
            size = int(self._until(b"\r\n").partition(b";")[0], 16)
            chunk = self._exactly(size + 2)
            if size == 0:
                return body
            body += chunk[:-2]

    def _until(self, mark):
        while (end := self._left.find(mark)) < 0:
            self._left += self._receive()
        taken, self._left = self._left[:end + len(mark)], self._left[end + len(mark):]
        return taken

    def _exactly(self, count):
        while len(self._left) < count:
            self._left += self._receive()
        taken, self._left = self._left[:count], self._left[count:]
        return taken

    def _receive(self):
        data = self._socket.recv(AT_ONCE)
        if not data:
            raise Lost("the connection was closed")
        return data


@functools.cache
def request_of(path):
    return f"GET {path} HTTP/1.1\r\nHost: kubernetes\r\nAccept: application/json\r\n\r\n".encode()
