# SPDX-License-Identifier: Apache-2.0
"""What has to hold after a transition: of CRDs, of objects, and of what the plan had said."""

import collections
import copy

from bundles import crds_of, differences as tree_differences, gateway_crds, normalised_spec
from ground import name_of, path_of, reasons, refusal_of
from intention import (RENAMED, changes_shape, content, differences, expected_alternatives, has_path, is_status_default,
                       reshaped)
from kube import ApiError, collection, key
from schemas import schema_of, served_version, storage_version

RECREATES = ("Convert", "Rename")
MOST_SHOWN = 3


class Judgement:
    """Of one finished run. `problems` are sentences; a run without any is as it has to be."""

    def __init__(self, plane, target, loaded, listed, plan):
        self._plane = plane
        self._api = plane.api
        self._wanted = crds_of(plane, target)
        self._loaded = loaded
        self._listed = listed
        self._actions = {action["crd"]: action["action"] for action in plan["actions"]}
        self._live = gateway_crds(plane.api)
        self._objects = {}
        self.problems = []
        self.counts = collections.Counter()
        self.refused_now = {}  # objects that the target would refuse, were they made today: why
        self.stuck = {}  # objects that nobody can write any more as they are: why

    def say(self, problem):
        self.problems.append(problem)

    def judge(self, taken):
        """`taken` are the objects that a person took away before, because the plan said so: {name: item}."""
        self._judge_crds()
        for item in self._loaded.items:
            if name_of(item) in taken:
                self._judge_taken(item)
            else:
                self._judge_object(item)
        self._judge_strangers(taken)

    # CRDs

    def _judge_crds(self):
        for name, target in self._wanted.items():
            crd = self._live.get(name)
            if not crd:
                self.say(f"{name} is missing")
                continue
            for difference in tree_differences(normalised_spec(crd), normalised_spec(target)):
                self.say(f"{name} is not the target's: {difference}")
            for annotation, value in target["metadata"].get("annotations", {}).items():
                if crd["metadata"].get("annotations", {}).get(annotation) != value:
                    self.say(f"{name}: {annotation} is not {value}")
            if crd["status"]["storedVersions"] != [storage_version(target)]:
                self.say(f"{name}: storedVersions is {crd['status']['storedVersions']}, "
                         f"and the storage version {storage_version(target)}")
        for name, old in self._loaded.crds.items():
            crd = self._live.get(name)
            if name not in self._wanted and crd and normalised_spec(crd) != normalised_spec(old):
                self.say(f"{name} is not of the target, and was changed")
            elif name not in self._wanted and not crd and self._actions.get(name) not in ("Rename", "Remove"):
                self.say(f"{name} is gone, and no action said so")

    # Objects

    def _crd_of(self, item):
        """(its CRD before, the CRD that has it now or None)"""
        old = self._loaded.crd_of(item)
        name = old["metadata"]["name"]
        if self._actions.get(name) == "Rename":
            kind = RENAMED[old["spec"]["group"], item["kind"]]
            return old, next((crd for crd in self._live.values()
                              if (crd["spec"]["group"], crd["spec"]["names"]["kind"]) == kind), None)
        return old, self._live.get(name)

    def _now(self, crd):
        """{(namespace, name): object} of a kind, at its storage version."""
        name = crd["metadata"]["name"]
        if name not in self._objects:
            spec = crd["spec"]
            path = collection(f"{spec['group']}/{served_version(crd)}", spec["names"]["plural"])
            self._objects[name] = {key(item): item for item in self._api.items(path)}
        return self._objects[name]

    def _judge_object(self, item):
        name = name_of(item)
        old_crd, crd = self._crd_of(item)
        new = self._now(crd).get(key(item)) if crd else None
        if new is None:
            self.say(f"{name} is not found again")
            return
        version = new["apiVersion"].rpartition("/")[2]
        schema = schema_of(crd, version)
        if self._compare(item, new, old_crd, schema, version):
            self.counts["found again"] += 1
        self._judge_identity(item, new, old_crd)
        self._judge_managers(new, crd)
        self._judge_listing(item, new)
        if crd["metadata"]["name"] in self._wanted:
            self._try_again(new, crd)
            self._write_again(new, crd, version)

    def _moves(self):
        """Kinds whose objects were renamed: references to them are to follow."""
        moves = {}
        for name, action in self._actions.items():
            if action == "Rename" and name in self._loaded.crds:
                spec = self._loaded.crds[name]["spec"]
                moves[spec["group"], spec["names"]["kind"]] = RENAMED[spec["group"], spec["names"]["kind"]]
        return moves

    def _compare(self, item, new, old_crd, schema, version):
        """Whether every difference from one of the intended contents is in the plan."""
        name, crd_name = name_of(item), old_crd["metadata"]["name"]
        found = content(new)
        nobody_wrote = is_status_default(item, schema_of(old_crd, item["apiVersion"].rpartition("/")[2]))
        best = None
        for intended in expected_alternatives(item, schema, version, self._moves()):
            if nobody_wrote and is_status_default(new, schema):
                intended["status"] = found.get("status")
            if intended.get("status") is None:
                intended.pop("status", None)
            if self._actions.get(crd_name) in RECREATES:
                _clamp(intended, new["metadata"]["generation"])
            apart = list(differences(intended, found))
            unlisted = [each for each in apart if not self._listed.naming(name, crd_name, each.path)]
            if best is None or len(unlisted) < len(best[1]):
                best = apart, unlisted
        if best is None:
            self.say(f"{name} has no meaning at the target, and was not refused")
            return False
        self.counts["changes listed"] += len(best[0]) - len(best[1])
        self._judge_moved(item, found, name, crd_name, version)
        for each in best[1][:MOST_SHOWN]:
            self.say(f"{name}: {each}, and the plan does not say so")
        return not best[1]

    def _judge_moved(self, item, found, name, crd_name, version):
        """A field that was carried elsewhere has to be in the plan as well."""
        if changes_shape(item, version) or self._actions.get(crd_name) in ("Carry", "Rename"):
            return
        spec = differences({"spec": item.get("spec", {})}, {"spec": found.get("spec", {})})
        for each in spec:
            if each.kind == "gone" and not self._listed.naming(name, crd_name, each.path):
                self.say(f"{name}: {each} from where it was, and the plan does not say so")

    def _judge_identity(self, item, new, old_crd):
        if self._actions.get(old_crd["metadata"]["name"]) in RECREATES:
            return
        for field in ("uid", "creationTimestamp"):
            if item["metadata"][field] != new["metadata"][field]:
                self.say(f"{name_of(item)}: metadata.{field} has changed")

    def _judge_managers(self, new, crd):
        known = {f"{crd['spec']['group']}/{version['name']}" for version in crd["spec"]["versions"]}
        for entry in new["metadata"].get("managedFields", []):
            if entry["apiVersion"] not in known:
                self.say(f"{name_of(new)}: managedFields of {entry['manager']} name {entry['apiVersion']}, "
                         "which is gone")
                return

    def _judge_listing(self, item, new):
        """A loss that was listed and did not happen frightens for nothing."""
        for check in self._listed.about(name_of(item)):
            field = check.get("field", "")
            if check["check"].endswith("Loss") and field and has_path(new, field):
                self.say(f"{name_of(item)}: {field} is listed as lost, and still there")

    def _try_again(self, new, crd):
        """Whether the target's API takes the object as a new one."""
        refusal = refusal_of(self._api, new, crd)
        if not refusal:
            self.counts["accepted"] += 1
            return
        self.counts["refused"] += 1
        if name_of(new) in self._loaded.looser:
            return  # so it was before
        self.refused_now[name_of(new)] = refusal

    def _write_again(self, new, crd, version):
        """Whether the object can be written as it is, which every controller and finalizer needs: by a dry run."""
        try:
            self._api.call("PUT", path_of(new, crd, version), new, dryRun="All")
        except ApiError as error:
            self.stuck[name_of(new)] = reasons(error)

    def _judge_taken(self, item):
        """An object that was refused beforehand: would it really have been?"""
        _, crd = self._crd_of(item)
        if not crd or crd["metadata"]["name"] not in self._wanted:
            return
        version = served_version(crd)
        probe = item
        if changes_shape(item, version):
            meaning = reshaped(item, version)
            if meaning is None:
                return  # there is nothing to try: the target has no words for it
            probe = {**item, "spec": meaning["spec"]}
        if refusal_of(self._api, probe, crd):
            self.counts["refusals confirmed"] += 1
        else:
            self.say(f"{name_of(item)} was refused, and the target takes it")

    def _judge_strangers(self, taken):
        before = {(item["kind"], *key(item)) for item in self._loaded.items if name_of(item) not in taken}
        for crd in self._live.values():
            for item in self._now(crd).values():
                kinds = [item["kind"], *(old for (_, old), (_, new) in RENAMED.items() if new == item["kind"])]
                if not any((kind, *key(item)) in before for kind in kinds):
                    self.say(f"{name_of(item)} was not there before")


def _clamp(item, generation):
    """A status about a later generation than the object has is not about it any more."""
    status = item.get("status", {})
    holders = [status, *status.get("parents", []), *status.get("ancestors", []), *status.get("listeners", [])]
    for holder in holders:
        for condition in holder.get("conditions", []):
            if "observedGeneration" in condition:
                condition["observedGeneration"] = min(condition["observedGeneration"], generation)
