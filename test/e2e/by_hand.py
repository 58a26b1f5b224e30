# SPDX-License-Identifier: Apache-2.0
"""The conversion in place made by plain calls, for nobody who writes meanwhile: what looks on during a run is held to
this, in the right order and in wrong ones (test_onlookers.py)."""

import copy
import json
import time

from bundles import crds_of
from intention import changes_shape
from kube import CRDS, key, policies_path
from policies import LAST_APPLIED, converted
from waiting import eventually
from watchers import CRD

PATH = f"{CRDS}/{CRD}"
MANAGER = "by-hand"
WATCHES_END = 3  # seconds for which an API server may still send events to watches of a version that it serves no more
RENAMED = {"f:caCertRefs": "f:caCertificateRefs", "f:wellKnownCACerts": "f:wellKnownCACertificates"}


class ByHand:
    """v1.0.0 to v1.1.1, experimental. `steps` are (time, name of the step)."""

    old, new = "v1alpha2", "v1alpha3"

    def __init__(self, plane, target="v1.1.1/experimental"):
        self._api = plane.api
        self._target = crds_of(plane, target)[CRD]
        self.steps = []

    def _begin(self, step):
        self.steps.append((time.monotonic(), step))

    def expand(self):
        self._begin("Expand")
        self._put(self._bridge(True, False, self.old))

    def project(self):
        self._begin("Project")
        for item in self._api.items(policies_path(self.old)):
            if changes_shape(item, self.new):
                spec = converted(item, self.new)["spec"]
                self._patch(item, self.old, {"metadata": {"resourceVersion": item["metadata"]["resourceVersion"]},
                                             "spec": spec})

    def serve_both(self):
        self._begin("ServeBoth")
        self._put(self._bridge(True, True, self.new))
        self._wait_for(self.new, True)

    def stop_serving_old(self):
        self._begin("Contract")
        self._put(self._bridge(False, True, self.new))
        self._wait_for(self.old, False)
        time.sleep(WATCHES_END)

    def contract(self, skip=None):
        for item in self._api.items(policies_path(self.new)):
            if key(item) != skip:
                fields = item["metadata"]["managedFields"]  # as they were before the annotation is written
                self._convert_last_applied(item)
                self._patch(item, self.new, self._contraction(item, fields), "json")

    def apply_target(self):
        self._begin("Target")
        self._api.patch(PATH + "/status", {"status": {"storedVersions": [self.new]}}, manager="kubectl")
        body = {**self._target, "metadata": {part: value for part, value in self._target["metadata"].items() if value}}
        body.pop("status", None)
        self._api.apply(PATH, body, "kubectl", force=True)
        self._begin("Done")

    def flip_with_real_schemas(self):
        """What destroys: the target's own schema stored over objects of the old shape."""
        self._begin("Flip")
        crd = self._api.get(PATH)
        old = copy.deepcopy(crd["spec"]["versions"][0])
        new = next(each for each in self._target["spec"]["versions"] if each["name"] == self.new)
        crd["spec"]["versions"] = [{**old, "storage": False}, new]
        self._put(crd)
        self._wait_for(self.new, True)

    def _bridge(self, serves_old, serves_new, storage):
        crd = self._api.get(PATH)
        target = next(each for each in self._target["spec"]["versions"] if each["name"] == self.new)
        present = {each["name"]: each for each in crd["spec"]["versions"]}
        schema = union(present[self.old]["schema"]["openAPIV3Schema"], target["schema"]["openAPIV3Schema"])
        crd["spec"]["versions"] = [
            {**present[self.old], "served": serves_old, "storage": storage == self.old,
             "schema": {"openAPIV3Schema": schema}},
            {**target, "served": serves_new, "storage": storage == self.new, "schema": {"openAPIV3Schema": schema}}]
        return crd

    def _put(self, crd):
        self._api.replace(PATH, crd, MANAGER)

    def _wait_for(self, version, served):
        eventually(lambda: (self._api.find(policies_path(version)) is not None) == served, f"{version}: {served}")

    def _patch(self, item, version, body, kind="merge"):
        namespace, name = key(item)
        self._api.patch(f"{policies_path(version, namespace)}/{name}", body, kind, MANAGER)

    def _contraction(self, item, fields):
        kept = [mapped(entry, self.new) for entry in fields if entry["manager"] != MANAGER]
        return [*({"op": "remove", "path": f"/spec/{field}"} for field in ("targetRef", "tls")),
                {"op": "replace", "path": "/metadata/managedFields", "value": kept}]

    def _convert_last_applied(self, item):
        """In a write of its own: changed together with managedFields, the annotation would be found to be ours."""
        applied = item["metadata"].get("annotations", {}).get(LAST_APPLIED)
        if applied:
            manifest = json.loads(applied)
            new = {**manifest, **{part: converted(manifest, self.new)[part] for part in ("apiVersion", "spec")}}
            text = json.dumps(new, separators=(",", ":"), sort_keys=True, ensure_ascii=False) + "\n"
            self._patch(item, self.new, {"metadata": {"annotations": {LAST_APPLIED: text}}})


def mapped(entry, version):
    """A managedFields entry of v1alpha2 at a later version."""
    entry = copy.deepcopy(entry)
    entry["apiVersion"] = entry["apiVersion"].replace(ByHand.old, version)
    spec = entry["fieldsV1"].get("f:spec", {})
    if spec.pop("f:targetRef", None) is not None:
        spec["f:targetRefs"] = {}
    tls = spec.pop("f:tls", None)
    if tls is not None:
        spec["f:validation"] = {RENAMED.get(name, name): value for name, value in tls.items()}
    return entry


def union(left, right):
    """A schema that has the properties of both, and of what both have the demands that both make."""
    merged = {**left, **right}
    if "properties" in left and "properties" in right:
        parts = {**left["properties"], **right["properties"]}
        for name in set(left["properties"]) & set(right["properties"]):
            parts[name] = union(left["properties"][name], right["properties"][name])
        merged["properties"] = parts
    if isinstance(left.get("items"), dict) and isinstance(right.get("items"), dict):
        merged["items"] = union(left["items"], right["items"])
    for demand in ("required", "x-kubernetes-validations"):
        both = [each for each in left.get(demand, []) if each in right.get(demand, [])]
        merged.pop(demand, None)
        if both:
            merged[demand] = both
    return merged
