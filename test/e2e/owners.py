# SPDX-License-Identifier: Apache-2.0
"""Policies that several managers share, each of them the owner of some fields, by every way of writing that there is; and
who owns what afterwards. Which manager has which fields is drawn by lot: a seed gives the same again."""

import copy
import json
import random

from by_hand import mapped
from kube import PATCHES, ApiError, by_key, key, policies_path
from policies import LAST_APPLIED, NAMESPACES, ca, policy, status_of
from residents import as_applied, fields_of

OLD = "v1alpha2"
CLIENT_SIDE = "kubectl-client-side-apply"
# What a manager may have of a policy that is there already. Values are the same whoever writes them.
PARTS = ("targetRef", "hostname", "ca", "labels", "annotations", "finalizers")


class Policy:
    """One object. `applied` has each Apply manager's manifest at v1alpha2."""

    def __init__(self, api, dice, number):
        self._api, self._dice, self._number = api, dice, number
        self._whole = policy(dice.choice(NAMESPACES), f"shared-{number:03d}",
                             **dice.choice(({"wellKnownCACerts": "System"}, {"caCertRefs": ca("ca-0")},
                                            {"caCertRefs": ca("ca-0", "ca-1")})))
        if dice.random() < 0.5:
            self._whole["spec"]["targetRef"]["sectionName"] = "https"
        self.name = key(self._whole)
        self.applied = {}
        self._path = f"{policies_path(OLD, self.name[0])}/{self.name[1]}"
        self._make()
        for rank in range(dice.randrange(1, 5)):
            dice.choice((self._apply, self._apply, self._merge_patch, self._put, self._json_patch))(f"manager-{rank}")
        for write in dice.sample((self._update_status, self._apply_status), dice.randrange(3)):
            write()
        self.before = api.get(self._path)

    def _part(self, parts, manager):
        """A manifest with some parts of the whole."""
        item = {part: self._whole[part] for part in ("apiVersion", "kind")}
        item["metadata"] = {"namespace": self.name[0], "name": self.name[1]}
        spec, tls = {}, {}
        whole = self._whole["spec"]
        if "targetRef" in parts:
            spec["targetRef"] = whole["targetRef"]
        if "hostname" in parts:
            tls["hostname"] = whole["tls"]["hostname"]
        if "ca" in parts:
            tls |= {field: value for field, value in whole["tls"].items() if field != "hostname"}
        if tls:
            spec["tls"] = tls
        if spec:
            item["spec"] = spec
        if "labels" in parts:
            item["metadata"]["labels"] = {f"example.com/{manager}": "yes", "shared": "yes"}
        if "annotations" in parts:
            item["metadata"]["annotations"] = {f"example.com/{manager}": "ä \"quoted\""}
        if "finalizers" in parts:
            item["metadata"]["finalizers"] = [f"example.com/{manager}"]
        return copy.deepcopy(item)

    def _some(self, least=1):
        return self._dice.sample(PARTS, self._dice.randrange(least, len(PARTS) + 1))

    def _make(self):
        """Who makes it has to give it all that it needs."""
        parts = {"targetRef", "hostname", "ca", *self._some(0)}
        way = self._dice.choice(("apply", "create", "client-side"))
        item = self._part(parts, "maker")
        if way == "apply":
            self._api.apply(self._path, item, "maker")
            self.applied["maker"] = item
            return
        if way == "client-side":
            note = json.dumps(item, separators=(",", ":"), sort_keys=True) + "\n"
            item["metadata"].setdefault("annotations", {})[LAST_APPLIED] = note
        self._api.create(policies_path(OLD, self.name[0]), item, CLIENT_SIDE if way == "client-side" else "maker")

    def _apply(self, manager):
        """Without force: what another manager holds with another value is left to it."""
        item = self._part(self._some(), manager)
        try:
            self._api.apply(self._path, item, manager)
        except ApiError as error:
            if error.status != 409:
                raise
            return
        self.applied[manager] = item

    def _merge_patch(self, manager):
        """A value of its own where there was another, and a part that may be new."""
        if self._dice.random() < 0.4:
            self._set_hostname(f"{manager}-{self._number}.example.com")
        parts = self._some()
        item = self._part(parts, manager)
        # A list is replaced as a whole, and with it what others put there.
        item["metadata"].pop("finalizers", None)
        self._api.patch(self._path, {"metadata": item["metadata"], "spec": item.get("spec", {})}, manager=manager)

    def _put(self, manager):
        item = self._api.get(self._path)
        item["metadata"].setdefault("labels", {})[f"example.com/{manager}"] = "yes"
        if self._dice.random() < 0.4:
            self._set_hostname(f"{manager}-{self._number}.example.com")
            item["spec"]["tls"]["hostname"] = self._whole["spec"]["tls"]["hostname"]
        self._api.replace(self._path, item, manager)

    def _json_patch(self, manager):
        patch = [{"op": "add", "path": "/spec/targetRef/sectionName", "value": "http"}]
        self._whole["spec"]["targetRef"]["sectionName"] = "http"
        self._api.patch(self._path, patch, "json", manager)
        # A list of targets is one value: at a later version a manager cannot share a part of it.
        whole = self._whole["spec"]["targetRef"]
        self._forget(lambda spec: spec.get("targetRef", whole) != whole)

    def _set_hostname(self, value):
        """Whoever applied another one applies without force no more: a conflict of theirs, before and after."""
        self._whole["spec"]["tls"]["hostname"] = value
        self._forget(lambda spec: spec.get("tls", {}).get("hostname", value) != value)

    def _forget(self, differs):
        self.applied = {manager: item for manager, item in self.applied.items() if not differs(item.get("spec", {}))}

    def _update_status(self):
        item = self._api.get(self._path)
        self._api.replace(self._path + "/status", {**item, "status": status_of(item)}, "controller")

    def _apply_status(self):
        item = self._part((), "")
        item["status"] = {"ancestors": status_of(self._api.get(self._path))["ancestors"]}
        try:
            self._api.apply(self._path + "/status", item, "applying-controller")
        except ApiError as error:
            if error.status != 409:  # another controller was there: a conflict of theirs
                raise


class Shared:
    """`count` of them, made by lot of `seed`."""

    def __init__(self, api, count, seed):
        self._api = api
        dice = random.Random(seed)
        self.policies = [Policy(api, dice, number) for number in range(count)]

    def live(self, version):
        return by_key(self._api.items(policies_path(version)))

    def wrong_owners(self, version):
        """Whoever does not own exactly what each owned before, by the names of the version: sentences. A list of targets
        is one value, so that who had a part of a target has all of it afterwards, also when it is back at v1alpha2."""
        live, found = self.live(version), []
        for each in self.policies:
            wanted = copy.deepcopy(each.before)
            wanted["metadata"]["managedFields"] = [
                _with_whole_target(entry, wanted["spec"]["targetRef"]) if version == OLD else mapped(entry, version)
                for entry in each.before["metadata"]["managedFields"]]
            if fields_of(live[each.name]) != fields_of(wanted):
                found.append(f"{each.name}: {json.dumps(fields_of(live[each.name]))}, not {json.dumps(fields_of(wanted))}")
        return found

    def refused_applies(self, version):
        """Apply managers that could apply before, and cannot now: with what they applied, converted, and with a label
        less. A label goes where nobody else has it, and nothing else does. By dry runs."""
        found = []
        live = self.live(version)
        for each in self.policies:
            for manager, manifest in each.applied.items():
                item = manifest if version == OLD else partly_converted(manifest, version)
                for body in (item, without_labels(item)):
                    found += self._refused(each.name, live[each.name], body, manager, version)
        return found

    def _refused(self, name, live, body, manager, version):
        path = f"{policies_path(version, name[0])}/{name[1]}"
        try:
            answer = self._api.call("PATCH", path, body, PATCHES["apply"], fieldManager=manager, dryRun="All")
        except ApiError as error:
            return [f"{name}: {manager} at {version}: {error}"]
        wanted = dict(live["metadata"].get("labels", {}))
        if "labels" not in body["metadata"]:
            for label in labels_of(live, manager) - labels_of_others(live, manager):
                wanted.pop(label)
        if (answer["spec"], answer["metadata"].get("labels", {})) != (live["spec"], wanted):
            return [f"{name}: {manager} at {version}: {answer['spec']} {answer['metadata'].get('labels')}, not "
                    f"{live['spec']} {wanted}"]
        return []


def _with_whole_target(entry, target):
    entry = copy.deepcopy(entry)
    spec = entry["fieldsV1"].get("f:spec", {})
    if "f:targetRef" in spec:
        itself = {".": {}} if entry["operation"] == "Update" else {}
        spec["f:targetRef"] = {**itself, **{f"f:{field}": {} for field in target}}
    return entry


def partly_converted(manifest, version):
    """As residents.as_applied, of a manifest with some of the fields."""
    spec = manifest.get("spec", {})
    whole = {**manifest, "spec": {"targetRef": spec.get("targetRef", {}), "tls": spec.get("tls", {})}}
    item = as_applied(whole, version)
    if "targetRef" not in spec:
        del item["spec"]["targetRefs"]
    if "tls" not in spec:
        del item["spec"]["validation"]
    if not item["spec"]:
        del item["spec"]
    return item


def without_labels(item):
    item = copy.deepcopy(item)
    item["metadata"].pop("labels", None)
    return item


def _labels(entries):
    return {field[2:] for entry in entries
            for field in entry.get("fieldsV1", {}).get("f:metadata", {}).get("f:labels", {}) if field.startswith("f:")}


def labels_of(item, manager):
    return _labels(entry for entry in item["metadata"]["managedFields"]
                   if entry["manager"] == manager and entry["operation"] == "Apply")


def labels_of_others(item, manager):
    return _labels(entry for entry in item["metadata"]["managedFields"]
                   if entry["manager"] != manager or entry["operation"] != "Apply")
