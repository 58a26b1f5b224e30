# SPDX-License-Identifier: Apache-2.0
"""Everybody who writes policies while their kind changes its shape, and a model of what their writes add up to."""

import collections
import copy
import random
import threading
import time

from background import FORK, Background, start_threads
from kube import ApiError, key, policies_path
from policies import APPLIER, policy
from residents import UPDATER, as_list, at

OLD = "v1alpha2"
TICK, TICK_SECONDS = "example.com/tick", 0.05
MADE_NAMESPACE, MOST_MADE = "auth", 20
# What a writer just tries again: its version is not served (any more or yet), somebody was quicker, the server is busy.
AGAIN = (404, 409, 429, 503)
SHAPES = {True: ("targetRef", "tls"), False: ("targetRefs", "validation")}


class Model:
    """The last words of each writer. All of it is plain data once the writers have ended."""

    def __init__(self, manifests):
        self.manifests = {key(item): copy.deepcopy(item) for item in manifests}  # at v1alpha2
        self.ticks = {}  # {name: value of the label}
        self.statuses = collections.defaultdict(dict)  # {name: {controller: message}}
        self.made = {}  # {name: manifest at v1alpha2}
        self.counts = collections.Counter()  # (writer, version or what else happened)
        self.problems = []
        self.conflicts = collections.Counter()  # managers that stood in the way of an apply without force

    def count(self):
        """Writes that succeeded, by writer and version, and the rest, for a person to read."""
        return ", ".join(f"{count} {who} {what}" for (who, what), count in sorted(self.counts.items()))


class Versions:
    """Which versions a writer may use now."""

    def __init__(self, api, new, prefer_new):
        self._api = api.another()
        self._new = new
        self._prefer_new = prefer_new
        self._served = {OLD: True, new: False}

    def run(self):
        while True:
            for version in self._served:
                status, _ = self._api.try_get(policies_path(version) + "?limit=1")
                if status in (200, 404):
                    self._served[version] = status == 200
            time.sleep(TICK_SECONDS)

    def is_served(self, version):
        return self._served[version]

    def choose(self, dice):
        """Any that is served; of both the new one alone, once people have turned to it."""
        if self._served[OLD] and self._served[self._new] and not self._prefer_new.is_set():
            return dice.choice((OLD, self._new))
        return self._new if self._served[self._new] else OLD


class Writer:
    """One thread that writes again and again. Subclasses make one write in `write`."""

    def __init__(self, name, seconds, common):
        self.name = name
        self._seconds = seconds
        self._api, self._model, self._versions, self._signals = common
        self._api = self._api.another()
        self._dice = random.Random(name)
        self._number = 0

    def run(self):
        while not self._signals.is_over():
            began = time.monotonic()
            self._number += 1
            try:
                version = self.write(self._number)
                self._model.counts[self.name, f"at {version}" if version else "passed over"] += 1
            except ApiError as error:
                self._model.counts[self.name, f"answered {error.status}"] += 1
                if error.status not in AGAIN:
                    self._model.problems.append(f"{self.name}: {error}")
            time.sleep(max(0, self._seconds - (time.monotonic() - began)))
        self._api.close()

    def write(self, number):
        """The version that was written at; None where there was nothing to do. Notes it in the model."""
        raise NotImplementedError

    def path(self, name, version):
        return f"{policies_path(version, name[0])}/{name[1]}"


class Ticker(Writer):
    """A label, at the version that has been there, and at the new one when that is gone."""

    def write(self, number):
        name = self._dice.choice(sorted(self._model.manifests))
        version = OLD if self._versions.is_served(OLD) else self._versions.choose(self._dice)
        self._api.patch(self.path(name, version), {"metadata": {"labels": {TICK: f"t{number}"}}}, manager="ticker")
        self._model.ticks[name] = f"t{number}"
        return version


class Controller(Writer):
    """One that knows one version: it puts its own entry into the status, and leaves those of others."""

    def __init__(self, name, seconds, common, version):
        super().__init__(name, seconds, common)
        self._version = version
        self._controller = f"example.com/{name}"

    def write(self, number):
        if not self._versions.is_served(self._version):
            return None
        name = self._dice.choice(sorted(self._model.manifests))
        path = self.path(name, self._version)
        item = self._api.get(path)
        others = [each for each in item.get("status", {}).get("ancestors", [])
                  if each["controllerName"] != self._controller]
        message = f"seen {number} times"
        condition = {"type": "Accepted", "status": "True", "reason": "Accepted", "message": message,
                     "lastTransitionTime": "2026-01-02T03:04:05Z",
                     "observedGeneration": item["metadata"]["generation"]}
        entry = {"ancestorRef": {"name": "edge"}, "controllerName": self._controller, "conditions": [condition]}
        self._api.replace(path + "/status", {**item, "status": {"ancestors": [*others, entry]}}, self.name)
        self._model.statuses[name][self._controller] = message
        return self._version


class Editor(Writer):
    """One who changes specs, at either version: not at another one than before while the last change has not arrived
    there, because that would be an edit of both sides."""

    def __init__(self, name, seconds, common, manifests):
        super().__init__(name, seconds, common)
        self._names = [key(item) for item in manifests]
        self._last = {}

    def write(self, number):
        name, version = self._dice.choice(self._names), self._versions.choose(self._dice)
        if self._last.get(name, version) != version and not self._has_arrived(name, version):
            return None
        manifest = copy.deepcopy(self._model.manifests[name])
        manifest["spec"]["tls"]["hostname"] = f"{self.name}-{number}.example.com"
        if not self.send(manifest, version):
            return None
        self._model.manifests[name] = manifest
        self._last[name] = version
        return version

    def _has_arrived(self, name, version):
        spec = self._api.get(self.path(name, version)).get("spec", {})
        wanted = self._model.manifests[name]["spec"]["tls"]["hostname"]
        return spec.get(SHAPES[version == OLD][1], {}).get("hostname") == wanted

    def send(self, manifest, version):
        """Whether it was written."""
        raise NotImplementedError


class ServerSide(Editor):
    """Server-side apply: without force, and with it where a manager stands in the way, as Argo CD and Flux have it."""

    def send(self, manifest, version):
        path, body = self.path(key(manifest), version), at(manifest, version)
        try:
            self._api.apply(path, body, APPLIER)
        except ApiError as error:
            if error.status != 409:
                raise
            self._model.conflicts[f"{version}: {error.text[:300]}"] += 1
            self._api.apply(path, body, APPLIER, force=True)
        return True


class ClientSide(Editor):
    """kubectl apply."""

    def __init__(self, name, seconds, common, manifests, kubectl):
        super().__init__(name, seconds, common, manifests)
        self._kubectl = kubectl

    def send(self, manifest, version):
        result = self._kubectl("apply", "-f", "-", text=as_list([at(manifest, version)]))
        if result.returncode != 0:
            self._model.counts[self.name, "refused"] += 1
            if self._versions.is_served(version):
                self._model.conflicts[f"kubectl at {version}: {result.stderr[:300]}"] += 1
        return result.returncode == 0


class Typed(Editor):
    """A client that reads, changes and replaces the object, and drops what its version has no field for."""

    def send(self, manifest, version):
        path = self.path(key(manifest), version)
        item = self._api.get(path)
        spec = at(manifest, version)["spec"]
        self._api.replace(path, {**item, "spec": {field: spec[field] for field in SHAPES[version == OLD]}}, UPDATER)
        return True


class Maker(Writer):
    """Policies that come and go, at either version."""

    def write(self, number):
        version = self._versions.choose(self._dice)
        if len(self._model.made) >= MOST_MADE or (self._model.made and self._dice.random() < 0.4):
            name = self._dice.choice(sorted(self._model.made))
            self._api.call("DELETE", self.path(name, version))
            del self._model.made[name]
        else:
            manifest = policy(MADE_NAMESPACE, f"made-{number}")
            self._api.create(policies_path(version, MADE_NAMESPACE), at(manifest, version), "maker")
            self._model.made[key(manifest)] = manifest
        return version


def write(signals, plane, residents, new, prefer_new):
    """All of them, until their test says that it is over. The model."""
    model = Model([*residents.applied, *residents.client_side, *residents.created])
    versions = Versions(plane.api, new, prefer_new)
    common = (plane.api, model, versions, signals)
    writers = [
        Ticker("ticker", TICK_SECONDS, common),
        Controller("old-controller", 0.1, common, OLD), Controller("new-controller", 0.1, common, new),
        ServerSide("git-server-side", 0.2, common, residents.applied),
        ClientSide("git-client-side", 1, common, residents.client_side, plane.run_kubectl),
        Typed("typed", 0.3, common, residents.created), Maker("maker", 0.25, common)]
    start_threads(versions.run)
    threads = [threading.Thread(target=writer.run, name=writer.name) for writer in writers]
    for thread in threads:
        thread.start()
    signals.begun.set()
    for thread in threads:
        thread.join()
    return model


class Writers:
    """A process of all who write."""

    def __init__(self, plane, residents, new):
        self._prefer_new = FORK.Event()
        self._process = Background(write, plane, residents, new, self._prefer_new)

    def turn_to_the_new_version(self):
        """From now on people write at the old version only while there is no other; controllers go on."""
        self._prefer_new.set()

    def finish(self):
        """The model. May be called again."""
        return self._process.finish()
