# SPDX-License-Identifier: Apache-2.0
"""What an object has to be after a transition, and whether each difference was in the plan made before.

The meaning of a conversion is written here a second time on purpose: a test that asked the program would believe it."""

import copy
import re

from kube import GATEWAY
from policies import converted
from schemas import ABSENT, defaulted, has_field

# Metadata that a person put there. The rest is the API server's, and looked at by itself.
KEPT_METADATA = ("name", "namespace", "labels", "annotations", "finalizers", "ownerReferences")


def content(item):
    """What of an object has to be found again."""
    metadata = {part: item["metadata"][part] for part in KEPT_METADATA if part in item["metadata"]}
    return {"metadata": metadata, **{part: value for part, value in item.items()
                                     if part not in ("apiVersion", "kind", "metadata")}}


def changes_shape(item, version):
    """Whether the object is a policy whose fields have other names at `version`."""
    if item["kind"] != "BackendTLSPolicy":
        return False
    return (item["apiVersion"].rpartition("/")[2] == "v1alpha2") != (version == "v1alpha2")


def reshaped(item, version):
    """A policy in the other shape; None where that has no words for it."""
    found = content(item)
    if version == "v1alpha2":
        spec = converted_back(item["spec"])
        return None if spec is None else {**found, "spec": spec}
    namespace = item["spec"]["targetRef"].get("namespace", item["metadata"]["namespace"])
    if namespace != item["metadata"]["namespace"]:
        return None
    return {**found, "spec": converted(item, version)["spec"]}


def converted_back(spec):
    """The spec of a policy at v1alpha2; None where v1alpha2 has no words for it."""
    validation = spec["validation"]
    if len(spec["targetRefs"]) != 1 or "options" in spec or "subjectAltNames" in validation:
        return None
    if validation.get("wellKnownCACertificates", "System") != "System":
        return None
    names = {"caCertificateRefs": "caCertRefs", "wellKnownCACertificates": "wellKnownCACerts"}
    return {"targetRef": dict(spec["targetRefs"][0]),
            "tls": {names.get(field, field): value for field, value in validation.items()}}


def carried(item, schema):
    """A Gateway whose frontendValidation and backendTLS were moved to where the schema has them; None where nothing
    can be moved. Fields that are there already win."""
    if item["kind"] != "Gateway" or not has_field(schema, "spec", "tls", "frontend", "perPort"):
        return None
    spec = copy.deepcopy(item["spec"])
    per_port, before = {}, copy.deepcopy(spec)
    for listener in spec["listeners"]:
        validation = listener.get("tls", {}).pop("frontendValidation", None)
        if validation:
            per_port[listener["port"]] = {"port": listener["port"], "tls": {"validation": {
                **validation, "mode": "AllowValidOnly"}}}
    if per_port:
        spec.setdefault("tls", {}).setdefault("frontend", {"default": {}, "perPort": list(per_port.values())})
    backend = spec.pop("backendTLS", None)
    if backend:
        spec.setdefault("tls", {}).setdefault("backend", backend)
    return None if spec == before else {**content(item), "spec": spec}


def with_references(found, moves):
    """A copy in which what names an object of a kind that another took the place of names the new one as well."""
    found = copy.deepcopy(found)
    for part in ("parentRefs", "targetRefs", "from"):
        references = (found.get("spec") or {}).get(part, [])
        for reference in list(references):
            kind = moves.get((reference.get("group"), reference.get("kind")))
            twin = {**reference, "group": kind[0], "kind": kind[1]} if kind else reference
            if twin not in references:
                references.insert(references.index(reference) + 1, twin)
    return found


def made_anew(item):
    """What is made of an object at the kind that took the place of its own: no controller has seen that one yet."""
    found = content(item)
    found.pop("status", None)
    found["metadata"].pop("finalizers", None)
    return found


class Difference:
    """One place in which two objects differ. `kind` is gone, changed or added."""

    def __init__(self, path, kind, old, new):
        self.path, self.kind, self.old, self.new = path, kind, old, new

    def __repr__(self):
        if self.kind == "changed":
            return f"{self.path} changed from {str(self.old)[:60]!r} to {str(self.new)[:60]!r}"
        return f"{self.path} {self.kind} ({str(self.old if self.kind == 'gone' else self.new)[:60]!r})"


def differences(old, new, path=""):
    """Leaf by leaf, with paths as in the API server's messages."""
    if isinstance(old, dict) and isinstance(new, dict):
        for name in sorted({*old, *new}):
            yield from differences(old.get(name, ABSENT), new.get(name, ABSENT), _child(path, name))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for number, (left, right) in enumerate(zip(old, new)):
            yield from differences(left, right, f"{path}[{number}]")
    elif new is ABSENT:
        yield Difference(path, "gone", old, None)
    elif old is ABSENT:
        yield Difference(path, "added", None, new)
    elif old != new:
        yield Difference(path, "changed", old, new)


def _child(path, name):
    if not re.fullmatch(r"[A-Za-z0-9_-]+", name):
        return f"{path}[{name}]"
    return f"{path}.{name}" if path else name


def expected_alternatives(item, schema, version, moves):
    """Every content that the object may rightly have at the target, the most wanted first: with moved fields in their
    new places, else as it was. Defaults of the target are added."""
    base = reshaped(item, version) if changes_shape(item, version) else content(item)
    found = [carried(item, schema), base]
    return [defaulted(with_references(each, moves), schema) for each in found if each is not None]


def is_status_default(item, schema):
    """Whether nobody has written the object's status: it is what the schema makes of none."""
    without = {part: value for part, value in item.items() if part != "status"}
    return item.get("status") == defaulted(without, schema).get("status")


def covers(field, path):
    """Whether a check about `field` names what happened at `path`: the field itself, one around it, or one in it."""
    def is_inside(inner, outer):
        return inner == outer or inner.startswith((outer + ".", outer + "["))

    return bool(field) and (is_inside(path, field) or is_inside(field, path))


def without_indices(path):
    return re.sub(r"\[\d+\]", "[]", path)


def _steps(path):
    """["spec", "rules", 0, "name"] of "spec.rules[0].name"; a key in brackets that is no number is a name."""
    for name, key in re.findall(r"([^.\[\]]+)|\[([^\]]+)\]", path):
        yield int(key) if key.isdigit() else name or key


def has_path(item, path):
    """Whether an object has a field."""
    for step in _steps(path):
        try:
            item = item[step]
        except (KeyError, IndexError, TypeError):
            return False
    return True


class Listed:
    """What a plan's checks say, to look things up in."""

    def __init__(self, plan):
        self.checks = plan.get("checks", [])
        self._by_object = {}
        for check in self.checks:
            self._by_object.setdefault(check.get("object", ""), []).append(check)

    def naming(self, name, crd_name, path):
        """The checks that name a field of an object, or, of its status, the field of its kind."""
        own = [check for check in self._by_object.get(name, []) if covers(check.get("field", ""), path)]
        if own or not path.startswith("status"):
            return own
        of_kind = self._by_object.get(f"CustomResourceDefinition/{crd_name}", [])
        return [check for check in of_kind if covers(check.get("field", ""), without_indices(path))]

    def about(self, name):
        return self._by_object.get(name, [])
