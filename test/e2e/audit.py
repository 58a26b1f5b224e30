# SPDX-License-Identifier: Apache-2.0
"""What the API server's audit log says about who wrote what."""

import datetime
import itertools
import json
import urllib.parse

from kube import ApiError
from waiting import eventually

OPERATOR = "system:serviceaccount:gatelift-system:gatelift"
WRITES = ("create", "update", "patch", "delete", "deletecollection")
_marks = itertools.count()


class Write:
    """One write that was made or tried."""

    def __init__(self, event):
        reference = event.get("objectRef", {})
        self.verb = event["verb"]
        self.user = event["user"]["username"]
        self.code = event.get("responseStatus", {}).get("code", 0)
        self.group = reference.get("apiGroup", "")
        self.resource = reference.get("resource", "")
        self.subresource = reference.get("subresource", "")
        self.namespace = reference.get("namespace", "")
        self.name = reference.get("name", "")
        self.answered = datetime.datetime.fromisoformat(event["stageTimestamp"]).timestamp()
        query = urllib.parse.parse_qs(urllib.parse.urlparse(event["requestURI"]).query)
        self.dry_run = "All" in query.get("dryRun", [])

    @property
    def is_our_own(self):
        """In the groups of the operator or its namespace; a question about permissions; an event."""
        return (self.group in ("gatelift.dev", "rehearsal.gatelift.dev", "authorization.k8s.io", "events.k8s.io")
                or self.name.endswith(".rehearsal.gatelift.dev") or self.namespace == "gatelift-system")

    @property
    def is_gateway_api(self):
        return self.group.startswith("gateway.networking.") or (
            self.resource == "customresourcedefinitions" and ".gateway.networking." in self.name)

    def __repr__(self):
        where = "/".join(part for part in (self.group, self.resource, self.subresource) if part)
        return f"{self.user} {self.verb} {where} {self.namespace}/{self.name} {self.code}"


class Audit:
    """The log of one API server, from a mark to the next."""

    def __init__(self, file, api):
        self._file = file
        self._api = api
        self._seen = 0  # the last mark; the next is behind it

    def _read(self, since, until=None):
        with self._file.open("rb") as log:
            log.seek(since)
            return log.read() if until is None else log.read(until - since)

    def mark(self):
        """A place in the log: every call that has been answered before is written before it."""
        name = f"mark-{next(_marks)}"
        try:
            self._api.get(f"/api/v1/namespaces/{name}")
        except ApiError as error:
            if error.status != 404:
                raise
        needle = f'"/api/v1/namespaces/{name}"'.encode()

        def place():
            content = self._read(self._seen)
            at = content.rfind(needle)
            end = content.find(b"\n", at) if at >= 0 else -1
            return self._seen + end + 1 if end >= 0 else None

        self._seen = eventually(place, f"{name} in the audit log")
        return self._seen

    def writes(self, since, until=None):
        """Every write that changed something, or was to."""
        content = self._read(since, until if until is not None else self.mark())
        for line in content.splitlines():
            event = json.loads(line)
            if event["verb"] in WRITES and event["stage"] == "ResponseComplete":
                write = Write(event)
                if not write.dry_run:
                    yield write

    def outside(self, since):
        """The operator's writes outside its own group and namespace."""
        return [write for write in self.writes(since) if write.user == OPERATOR and not write.is_our_own]
