# SPDX-License-Identifier: Apache-2.0
"""Who watches policies during a run as controllers do (list, watch, and watch again from where it ended), and what step
the run is at."""

import collections
import http.client
import time
import traceback

from background import Background, start_threads
from kube import MIGRATIONS, ApiError, key, policies_path
from readers import is_whole

PAUSE = 0.02
SETTLE_SECONDS = 0.5  # after which what was written before has come through a watch
CRD = "backendtlspolicies.gateway.networking.k8s.io"


class Informer:
    """One list/watch client of one version."""

    def __init__(self, api, version):
        self._api = api.another()
        self._path = policies_path(version)
        self._version = version
        self._revision = None
        self._uids = None
        self._failure = None
        self.events = collections.Counter()
        self.deleted, self.added, self.not_whole = [], [], []

    def run(self):
        """Its thread ends where the server says what no client gets over."""
        try:
            self._follow()
        except Exception:  # pylint: disable=broad-except
            self._failure = traceback.format_exc()

    def _follow(self):
        while True:
            try:
                if self._revision is None:
                    self._list()
                self._watch()
            except ApiError as error:
                self._note(error)
            except (http.client.HTTPException, OSError):
                self.events["connection lost"] += 1
            time.sleep(PAUSE)

    def _note(self, error):
        """404: the version is not served. 410: what was seen last is too old, so list again."""
        if error.status == 410:
            self._revision = None
        elif error.status not in (404, 429, 503):
            raise error
        self.events[f"answered {error.status}"] += 1

    def _list(self):
        listed = self._api.get(self._path)
        found = {key(item): item["metadata"]["uid"] for item in listed["items"]}
        for name, uid in (self._uids or {}).items():
            if found.get(name) != uid:
                self.deleted.append((time.monotonic(), name))
        self._uids = found
        self._revision = listed["metadata"]["resourceVersion"]
        self.events["lists"] += 1

    def _watch(self):
        self.events["watches"] += 1
        for event in self._api.watch(self._path, resourceVersion=self._revision, allowWatchBookmarks="true"):
            item = event["object"]
            if event["type"] == "ERROR":
                raise ApiError("WATCH", item["code"], str(item))
            self._revision = item["metadata"]["resourceVersion"]
            if event["type"] != "BOOKMARK":
                self._take(event["type"], item)

    def _take(self, kind, item):
        self.events[kind] += 1
        name = key(item)
        if kind == "DELETED":
            self._uids.pop(name, None)
            self.deleted.append((time.monotonic(), name))
            return
        if kind == "ADDED":
            self.added.append((time.monotonic(), name))
        self._uids[name] = item["metadata"]["uid"]
        if not is_whole(item, self._version):
            self.not_whole.append((time.monotonic(), name))

    def has_begun(self):
        """It watches, or its version is not served, or it has failed."""
        return bool(self.events["watches"] or self.events["answered 404"] or self._failure)

    def seen(self):
        if self._failure:
            raise RuntimeError(f"the informer of {self._version} failed:\n{self._failure}")
        return Seen(dict(self.events), list(self.deleted), list(self.added), list(self.not_whole))


# What one informer saw: counts by type of event, and (time, name) of each deletion, addition, and of each object that
# lacked what a client of that version acts on.
Seen = collections.namedtuple("Seen", "events deleted added not_whole")


class Steps:
    """(time, "phase step") of a migration as its status says it, from the first one on."""

    def __init__(self, api, name):
        self._api = api.another()
        self._selector = {"fieldSelector": f"metadata.name={name}"}
        self.seen = []

    def run(self):
        while True:
            try:
                for event in self._api.watch(MIGRATIONS, **self._selector):
                    if event["type"] in ("ADDED", "MODIFIED"):
                        self._take(event["object"].get("status", {}))
            except (ApiError, http.client.HTTPException, OSError):
                pass
            time.sleep(PAUSE)

    def _take(self, status):
        step = " ".join(part for part in (status.get("phase"), step_of(status)) if part)
        if step and (not self.seen or self.seen[-1][1] != step):
            self.seen.append((time.monotonic(), step))


def step_of(status):
    """Where the policies are, by a migration's status."""
    return next((crd.get("step") for crd in status.get("crds", []) if crd["name"] == CRD), None)


def follow(signals, api, versions, migration):
    informers = {version: Informer(api, version) for version in versions}
    steps = Steps(api, migration)
    start_threads(steps.run, *(informer.run for informer in informers.values()))
    while not all(informer.has_begun() for informer in informers.values()) and not signals.wait(PAUSE):
        pass
    signals.begun.set()
    while not signals.wait(1):
        pass
    time.sleep(SETTLE_SECONDS)
    return {version: informer.seen() for version, informer in informers.items()}, list(steps.seen)


class Watchers:
    """A process with a list/watch client of each version, and one of the migration."""

    def __init__(self, api, versions, migration):
        self._process = Background(follow, api, versions, migration)

    def finish(self):
        """({version: Seen}, [(time, step)]). May be called again."""
        return self._process.finish()
