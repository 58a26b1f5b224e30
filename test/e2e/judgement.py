# SPDX-License-Identifier: Apache-2.0
"""What has to hold after a transition: of CRDs, of objects, and of what the plan had said."""

import collections

from bundles import crds_of, differences as tree_differences, documents, gateway_crds, normalised_spec
from ground import ADMISSION, POLICY_KINDS, name_of, path_of, reasons, refusal_of
from intention import (changes_shape, content, differences, expected_alternatives, has_path, is_status_default,
                       made_anew, reshaped, with_references)
from kube import ApiError, collection, key
from schemas import defaulted, schema_of, served_version, storage_version

MOST_SHOWN = 3


class Judgement:
    """Of one finished run. `problems` are sentences; a run without any is as it has to be."""

    def __init__(self, plane, target, loaded, listed, plan):
        self._plane = plane
        self._api = plane.api
        self._wanted = crds_of(plane, target)
        self._documents = documents(plane, target)
        self._loaded = loaded
        self._listed = listed
        self._actions = {action["crd"]: action["action"] for action in plan["actions"]}
        self._live = gateway_crds(plane.api)
        # {name of a CRD: name of that which took its place}, and the same as (group, kind).
        self._new_places = {action["crd"]: action["toCRD"]
                            for action in plan["actions"] if action["action"] == "Rename"}
        self._moves = {self._kind_of(old): self._kind_of(new) for old, new in self._new_places.items()}
        self._objects = {}
        self.problems = []
        self.counts = collections.Counter()
        self.refused_now = {}  # objects that the target would refuse, were they made today: why
        self.refused_before = set()  # the same, and the API that they came from would have refused them, too
        self.stuck = {}  # objects that nobody can write any more as they are: why

    def _kind_of(self, crd_name):
        spec = (self._wanted.get(crd_name) or self._loaded.crds[crd_name])["spec"]
        return spec["group"], spec["names"]["kind"]

    def say(self, problem):
        self.problems.append(problem)

    def judge(self, taken):
        """`taken` are the objects that a person took away before, because the plan said so: {name: item}."""
        self._judge_crds()
        self._judge_policies()
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

    def _judge_policies(self):
        """Those of the target are there as it has them, whatever was there before."""
        for document in self._documents:
            if document["kind"] not in POLICY_KINDS:
                continue
            name = f"{document['kind']}/{document['metadata']['name']}"
            path = collection(ADMISSION, POLICY_KINDS[document["kind"]])
            live = self._api.find(f"{path}/{document['metadata']['name']}")
            if not live:
                self.say(f"{name} is missing")
            elif not holds(live["spec"], document["spec"]):
                self.say(f"{name} is not the target's")

    # Objects

    def _now(self, crd):
        """{(namespace, name): object} of a kind, at its storage version."""
        name = crd["metadata"]["name"]
        if name not in self._objects:
            spec = crd["spec"]
            path = collection(f"{spec['group']}/{served_version(crd)}", spec["names"]["plural"])
            self._objects[name] = {key(item): item for item in self._api.items(path)}
        return self._objects[name]

    def _judge_object(self, item):
        old_crd = self._loaded.crd_of(item)
        name, crd = name_of(item), self._live.get(old_crd["metadata"]["name"])
        place = self._place_of(item)
        if place is None:
            self.counts["left in the backup"] += 1
            if key(item) in self._now(crd):
                self.say(f"{name} was to be left in the backup, and is there")
            return
        new = self._now(crd).get(place) if crd else None
        if new is None:
            self.say(f"{name} is not found again")
            return
        self._judge_content(at(item, place), new, crd, name)
        self._judge_identity(item, new, old_crd)
        to_crd = self._live.get(self._new_places.get(old_crd["metadata"]["name"]))
        if to_crd:
            self._judge_made_anew(item, to_crd)

    def _place_of(self, item):
        """(namespace, name) at which the object has to be; None where a consent left it in the backup."""
        for check in self._listed.about(name_of(item)):
            if check.get("resolution") == "LeaveInBackup":
                return None
            if check.get("resolution") == "MoveToTarget":
                return item["spec"]["targetRef"]["namespace"], item["metadata"]["name"]
        return key(item)

    def _judge_content(self, item, new, crd, name):
        version = new["apiVersion"].rpartition("/")[2]
        if self._compare(item, new, schema_of(crd, version), name):
            self.counts["found again"] += 1
        self._judge_managers(new, crd)
        if crd["metadata"]["name"] not in self._new_places:
            self._judge_listing(name, new)
        if crd["metadata"]["name"] in self._wanted:
            self._try_again(new, crd)
            self._write_again(new, crd, version)

    def _judge_made_anew(self, item, crd):
        """The object that was made at the kind that took the place of the item's."""
        name, new = name_of(item), self._now(crd).get(key(item))
        if new is None:
            self.say(f"{name} was not made anew as a {crd['spec']['names']['kind']}")
            return
        version = new["apiVersion"].rpartition("/")[2]
        schema = schema_of(crd, version)
        intended = defaulted(with_references(made_anew(item), self._moves), schema)
        found = content(new)
        if "status" in found and is_status_default(new, schema):
            intended["status"] = found["status"]
        apart = [each for each in differences(intended, found)
                 if not self._listed.naming(name, crd["metadata"]["name"], each.path)]
        self._say_unlisted(f"{name} as {new['kind']}", apart)
        self._judge_listing(name, new)
        self._try_again(new, crd)
        self._write_again(new, crd, version)

    def _say_unlisted(self, name, apart):
        for each in apart[:MOST_SHOWN]:
            self.say(f"{name}: {each}, and the plan does not say so")

    def _compare(self, item, new, schema, name):
        """Whether every difference from one of the intended contents is in the plan, where the object is `name`."""
        old_crd = self._loaded.crd_of(item)
        crd_name, version = old_crd["metadata"]["name"], new["apiVersion"].rpartition("/")[2]
        found = content(new)
        nobody_wrote = is_status_default(item, schema_of(old_crd, item["apiVersion"].rpartition("/")[2]))
        moves = {} if crd_name in self._new_places else self._moves
        best = None
        for intended in expected_alternatives(item, schema, version, moves):
            if nobody_wrote and is_status_default(new, schema):
                intended["status"] = found.get("status")
            if intended.get("status") is None:
                intended.pop("status", None)
            if self._actions.get(crd_name) == "Convert":
                _clamp(intended, new["metadata"]["generation"])
            apart = list(differences(intended, found))
            unlisted = [each for each in apart if not self._listed.naming(name, crd_name, each.path)]
            if best is None or len(unlisted) < len(best[1]):
                best = apart, unlisted
        if best is None:
            self.say(f"{name} has no meaning at the target, and was not refused")
            return False
        self.counts["changes listed"] += len(best[0]) - len(best[1])
        if not changes_shape(item, version):
            self._judge_moved(item, found, name, crd_name)
        self._say_unlisted(name, best[1])
        return not best[1]

    def _judge_moved(self, item, found, name, crd_name):
        """What was carried elsewhere, mended or added to has to be in the plan as well."""
        for each in differences({"spec": item.get("spec", {})}, {"spec": found.get("spec", {})}):
            if each.kind != "added" and not self._listed.naming(name, crd_name, each.path):
                self.say(f"{name}: {each} from what it was, and the plan does not say so")

    def _judge_identity(self, item, new, old_crd):
        if self._actions.get(old_crd["metadata"]["name"]) == "Convert":
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

    def _judge_listing(self, name, new):
        """A loss that was listed and did not happen frightens for nothing."""
        for check in self._listed.about(name):
            field = check.get("field", "")
            if check["check"].endswith("Loss") and field and has_path(new, field):
                self.say(f"{name}: {field} is listed as lost, and still there")

    def _try_again(self, new, crd):
        """Whether the target's API takes the object as a new one."""
        refusal = refusal_of(self._api, new, crd)
        if not refusal:
            self.counts["accepted"] += 1
            return
        self.counts["refused"] += 1
        if name_of(new) in self._loaded.looser:
            self.refused_before.add(name_of(new))
        else:
            self.refused_now[name_of(new)] = refusal

    def _write_again(self, new, crd, version):
        """Whether the object can be written as it is, which every controller and finalizer needs: by a dry run."""
        try:
            self._api.call("PUT", path_of(new, crd, version), new, dryRun="All")
        except ApiError as error:
            self.stuck[name_of(new)] = reasons(error)

    def _judge_taken(self, item):
        """An object that was refused beforehand: would it really have been?"""
        name = self._loaded.crd_of(item)["metadata"]["name"]
        crd = self._live.get(self._new_places.get(name, name))
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
        """Nothing is there that was not before, or was made anew of it."""
        expected = set()
        for item in self._loaded.items:
            if name_of(item) in taken:
                continue
            name = self._loaded.crd_of(item)["metadata"]["name"]
            expected |= {(name, self._place_of(item)), (self._new_places.get(name), key(item))}
        for name, crd in self._live.items():
            for place, item in self._now(crd).items():
                if (name, place) not in expected:
                    self.say(f"{name_of(item)} was not there before")


def holds(live, wanted):
    """Whether all of `wanted` is in `live`, which the API server has filled in."""
    if isinstance(wanted, dict):
        return isinstance(live, dict) and all(holds(live.get(part), value) for part, value in wanted.items())
    if isinstance(wanted, list):
        return isinstance(live, list) and len(live) == len(wanted) and all(map(holds, live, wanted))
    return live == wanted


def at(item, place):
    """The object as if it had been at that (namespace, name)."""
    if not place[0] or place == key(item):
        return item
    return {**item, "metadata": {**item["metadata"], "namespace": place[0], "name": place[1]}}


def _clamp(item, generation):
    """A status about a later generation than the object has is not about it any more."""
    status = item.get("status", {})
    holders = [status, *status.get("parents", []), *status.get("ancestors", []), *status.get("listeners", [])]
    for holder in holders:
        for condition in holder.get("conditions", []):
            if "observedGeneration" in condition:
                condition["observedGeneration"] = min(condition["observedGeneration"], generation)
