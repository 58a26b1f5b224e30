# SPDX-License-Identifier: Apache-2.0
"""Policies that stay where they are while their kind changes its shape, and whether they did."""

import copy
import json

from intention import KEPT_METADATA
from kube import by_key, key, policies_path
from policies import (LAST_APPLIED, NAMESPACES, STATUS_WRITER, apply_policy, converted, create_owner, owners_of,
                      status_of, varied)

FINALIZER = "example.com/held"
UPDATER = "person"
IDENTITY = ("uid", "creationTimestamp")


class Residents:
    """Policies at v1alpha2, or at a later version, a third of them each by server-side apply, by kubectl's client-side apply, and by plain
    writes; with and without labels, annotations, owners, finalizers and status.

    `applied`, `client_side` and `created` are the manifests by way, at v1alpha2, `before` the objects as they were
    served."""

    def __init__(self, plane, count, version="v1alpha2"):
        self._version = version
        self._api = plane.api
        self.applied, self.client_side, self.created = [], [], []
        owners = {namespace: create_owner(self._api, namespace) for namespace in NAMESPACES}
        for i in range(count):
            item = varied(i, owners)
            if i % 8 == 7:
                item["metadata"]["finalizers"] = [FINALIZER]
            (self.applied, self.client_side, self.created)[i // 6 % 3].append(item)
        for item in self.applied:
            apply_policy(self._api, at(item, version))
        plane.kubectl("apply", "-f", "-", text=as_list([at(item, version) for item in self.client_side]), timeout=600)
        for item in self.created:
            self._api.create(policies_path(version, key(item)[0]), at(item, version), UPDATER)
        for number, item in enumerate(self.live(version).values()):
            if number % 4 != 3:
                self._write_status(item)
        self.before = self.live(version)

    def _write_status(self, item):
        namespace, name = key(item)
        self._api.patch(f"{policies_path(self._version, namespace)}/{name}/status", {"status": status_of(item)},
                        manager=STATUS_WRITER)

    def live(self, version):
        return by_key(self._api.items(policies_path(version)))

    def manifests(self):
        """{name: manifest at v1alpha2}"""
        return by_key(copy.deepcopy([*self.applied, *self.client_side, *self.created]))

    def remove_owners(self):
        for namespace in NAMESPACES:
            self._api.delete(f"/api/v1/namespaces/{namespace}/services/owner")


def as_applied(manifest, version):
    """The manifest at a later version, as its owner would have it in Git."""
    new = converted(manifest, version)
    if "finalizers" in manifest["metadata"]:
        new["metadata"]["finalizers"] = manifest["metadata"]["finalizers"]
    return new


def at(manifest, version):
    return manifest if version == "v1alpha2" else as_applied(manifest, version)


def as_list(items):
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items})


def kept(item):
    """What of an object's metadata and status may not change while it is converted in place."""
    metadata = {part: copy.deepcopy(item["metadata"].get(part)) for part in (*KEPT_METADATA, *IDENTITY)}
    if metadata["annotations"]:
        metadata["annotations"].pop(LAST_APPLIED, None)
        metadata["annotations"] = metadata["annotations"] or None
    return {"metadata": metadata, "status": item.get("status"), "owners": owners_of(item)}


def fields_of(item):
    """Who owns which fields by which version, without when that was."""
    entries = [{part: value for part, value in entry.items() if part != "time"}
               for entry in item["metadata"]["managedFields"]]
    return sorted(entries, key=lambda entry: json.dumps(entry, sort_keys=True))


def _without_own_namespace(note, namespace):
    """kubectl's note, without a target's namespace that goes without saying: v1alpha3 has no field for it."""
    note = copy.deepcopy(note)
    target = (note or {}).get("spec", {}).get("targetRef", {})
    if target.get("namespace") == namespace:
        del target["namespace"]
    return note


def changes(before, after, version):
    """What became of policies that were served as `before` and now are as `after` at `version`: sentences about what
    should not have, none where there is nothing."""
    found = [f"{name} is {'gone' if name in before else 'new'}" for name in sorted(set(before) ^ set(after))]
    for name in sorted(set(before) & set(after)):
        old, new = before[name], after[name]
        wanted = old["spec"] if version == "v1alpha2" else converted(old, version)["spec"]
        if new["spec"] != wanted:
            found.append(f"{name}: spec is {json.dumps(new['spec'])}, not {json.dumps(wanted)}")
        for part, value in kept(old).items():
            if kept(new)[part] != value:
                found.append(f"{name}: {part} is {json.dumps(kept(new)[part])}, and was {json.dumps(value)}")
        found += _foreign_versions(name, new, version)
        notes = [_without_own_namespace(note, name[0]) for note in (last_applied(new), last_applied(old, version))]
        if notes[0] != notes[1]:
            found.append(f"{name}: last applied is {notes[0]}")
    return found


def last_applied(item, version="v1alpha2"):
    """What kubectl's annotation has of the shape, at a later version if one is named; None where there is none."""
    text = item["metadata"].get("annotations", {}).get(LAST_APPLIED)
    manifest = json.loads(text) if text else None
    if manifest and version != "v1alpha2":
        manifest = converted(manifest, version)
    return manifest and {part: manifest[part] for part in ("apiVersion", "spec")}


def _foreign_versions(name, item, version):
    versions = {entry["apiVersion"].rpartition("/")[2] for entry in item["metadata"]["managedFields"]} - {version}
    return [f"{name}: managedFields name {', '.join(sorted(versions))}"] if versions else []
