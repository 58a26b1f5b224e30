# SPDX-License-Identifier: Apache-2.0
"""A small client of the Kubernetes API, for what a test prepares and looks at. People's own calls go through kubectl."""

import base64
import copy
import http.client
import json
import pathlib
import re
import socket
import ssl
import time
import urllib.parse

GATEWAY = "gateway.networking.k8s.io"
PATCHES = {
    "merge": "application/merge-patch+json",
    "json": "application/json-patch+json",
    "apply": "application/apply-patch+yaml",
}


class ApiError(Exception):
    """An answer that is no success."""

    def __init__(self, call, status, text):
        super().__init__(f"{call}: {status} {text[:2000]}")
        self.status = status
        self.text = text


def collection(api_version, plural, namespace=None):
    """The path of a collection, of all namespaces where none is named."""
    root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
    return f"{root}/namespaces/{namespace}/{plural}" if namespace else f"{root}/{plural}"


def policies_path(version, namespace=None):
    return collection(f"{GATEWAY}/{version}", "backendtlspolicies", namespace)


CRDS = collection("apiextensions.k8s.io/v1", "customresourcedefinitions")
MIGRATIONS = collection("gatelift.dev/v1alpha1", "gatewayapimigrations")
SECRETS = collection("v1", "secrets", "gatelift-system")


class Api:
    """One connection, for one thread. Calls that a server asks to repeat (429) are repeated for ten seconds."""

    def __init__(self, kubeconfig, scratch):
        text = pathlib.Path(kubeconfig).read_text()

        def value(key):
            return re.search(rf"^\s*{key}: (\S+)$", text, re.MULTILINE).group(1)

        self._address = urllib.parse.urlparse(value("server"))
        files = {}
        for key in ("certificate-authority-data", "client-certificate-data", "client-key-data"):
            files[key] = pathlib.Path(scratch) / f"{key}.pem"
            files[key].write_bytes(base64.b64decode(value(key)))
        self._tls = ssl.create_default_context(cafile=files["certificate-authority-data"])
        self._tls.load_cert_chain(files["client-certificate-data"], files["client-key-data"])
        self._connection = None

    def another(self):
        """A connection of its own to the same server, for another thread or process."""
        twin = copy.copy(self)
        twin._connection = None
        return twin

    def at(self, server):
        """The same, of another API server, by its URL."""
        twin = self.another()
        twin._address = urllib.parse.urlparse(server)
        return twin

    def close(self):
        if self._connection:
            self._connection.close()
            self._connection = None

    def call(self, method, path, body=None, content_type="application/json", **query):
        if query:
            path += "?" + urllib.parse.urlencode(query)
        deadline = time.monotonic() + 10
        while True:
            status, text = self._exchange(method, path, body, content_type)
            if status == 429 and time.monotonic() < deadline:
                time.sleep(0.1)
                continue
            if status >= 300:
                raise ApiError(f"{method} {path}", status, text)
            return json.loads(text) if text.startswith("{") else text

    def _exchange(self, method, path, body, content_type):
        payload = None if body is None else json.dumps(body)
        headers = {"Accept": "application/json"}
        if payload is not None:
            headers["Content-Type"] = content_type
        for fresh in (False, True):
            if fresh or self._connection is None:
                self.close()
                self._connection = self._connect(timeout=30)
            try:
                self._connection.request(method, path, payload, headers)
                answer = self._connection.getresponse()
                return answer.status, answer.read().decode()
            except (http.client.HTTPException, OSError):
                if fresh:
                    self.close()
                    raise
        raise AssertionError("unreachable")

    def _connect(self, timeout=None):
        return http.client.HTTPSConnection(self._address.hostname, self._address.port, context=self._tls,
                                           timeout=timeout)

    def try_get(self, path):
        """(status, text) of one GET, whatever it is: nothing is repeated but a connection that was lost."""
        return self._exchange("GET", path, None, "")

    def open_socket(self):
        """A connection to the server, for who speaks HTTP himself (quick_gets.py)."""
        host, port = self._address.hostname, self._address.port
        opened = self._tls.wrap_socket(socket.create_connection((host, port), timeout=30), server_hostname=host)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return opened

    def watch(self, path, **query):
        """The events of a watch until the server ends it, over a connection of its own."""
        path += "?" + urllib.parse.urlencode({**query, "watch": "true"})
        connection = self._connect()
        try:
            connection.request("GET", path, headers={"Accept": "application/json"})
            answer = connection.getresponse()
            if answer.status >= 300:
                raise ApiError(f"WATCH {path}", answer.status, answer.read().decode())
            for line in answer:
                yield json.loads(line)
        finally:
            connection.close()

    def get(self, path, **query):
        return self.call("GET", path, **query)

    def find(self, path):
        """None where there is no such object, or no such collection."""
        try:
            return self.get(path)
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def items(self, path, **query):
        """The objects of a collection; none where it is not served."""
        try:
            listed = self.get(path, **query)
        except ApiError as error:
            if error.status == 404:
                return []
            raise
        kind = listed["kind"].removesuffix("List")
        return [{"apiVersion": listed["apiVersion"], "kind": kind, **item} for item in listed["items"]]

    def create(self, path, body, manager="test"):
        return self.call("POST", path, body, fieldManager=manager)

    def replace(self, path, body, manager="test"):
        return self.call("PUT", path, body, fieldManager=manager)

    def patch(self, path, body, kind="merge", manager="test"):
        return self.call("PATCH", path, body, PATCHES[kind], fieldManager=manager)

    def apply(self, path, body, manager, force=False):
        return self.call("PATCH", path, body, PATCHES["apply"], fieldManager=manager, force=str(force).lower())

    def delete(self, path):
        """Whether there was something to delete."""
        try:
            self.call("DELETE", path)
            return True
        except ApiError as error:
            if error.status == 404:
                return False
            raise


def key(item):
    """(namespace, name)"""
    return item["metadata"].get("namespace", ""), item["metadata"]["name"]


def by_key(items):
    return {key(item): item for item in items}
