# SPDX-License-Identifier: Apache-2.0
"""What a CRD's schema does to an object, without an API server: what fits in it, and what it adds by default."""

import copy

ABSENT = object()
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "number": (int, float), "integer": int}


def version_of(crd, name):
    return next((version for version in crd["spec"]["versions"] if version["name"] == name), None)


def storage_version(crd):
    return next(version["name"] for version in crd["spec"]["versions"] if version["storage"])


def served_version(crd):
    """The storage version where it is served, else the first one that is."""
    versions = sorted(crd["spec"]["versions"], key=lambda version: not version["storage"])
    return next(version["name"] for version in versions if version["served"])


def schema_of(crd, version):
    return version_of(crd, version)["schema"]["openAPIV3Schema"]


def fitted(value, schema):
    """What of `value` the schema has a place for; ABSENT where nothing valid is left.

    A field that the schema lacks goes, and so does an element that lost a field which it needs: a filter of a type
    that there is not yet, for instance. Rules beyond types, enums and sizes are the API server's to say."""
    if schema.get("x-kubernetes-int-or-string") or schema.get("x-kubernetes-preserve-unknown-fields"):
        return value
    if not isinstance(value, TYPES[schema["type"]]) or value not in schema.get("enum", [value]):
        return ABSENT
    if isinstance(value, dict):
        return _fitted_object(value, schema)
    if isinstance(value, list):
        items = [item for item in (fitted(item, schema["items"]) for item in value) if item is not ABSENT]
        items = items[:schema.get("maxItems")]
        return items if len(items) >= schema.get("minItems", 0) else ABSENT
    return value


def _fitted_object(value, schema):
    known, others = schema.get("properties", {}), schema.get("additionalProperties")
    found = {}
    for name, item in value.items():
        part = known.get(name, others)
        kept = fitted(item, part) if isinstance(part, dict) else ABSENT
        if kept is not ABSENT:
            found[name] = kept
    return found if all(name in found for name in schema.get("required", [])) else ABSENT


def fitted_manifest(manifest, crd, version):
    """The manifest at a version, with what the version has a place for; None where it has none for what it needs."""
    found = {"apiVersion": f"{crd['spec']['group']}/{version}", "kind": manifest["kind"],
             "metadata": copy.deepcopy(manifest["metadata"])}
    schema = schema_of(crd, version)
    if "spec" in manifest:
        spec = fitted(manifest["spec"], schema["properties"]["spec"])
        if spec is ABSENT:
            return None
        found["spec"] = spec
    return found


def defaulted(value, schema):
    """A copy with the schema's defaults, as the API server adds them on every read."""
    if isinstance(value, dict):
        found = dict(value)
        for name, part in schema.get("properties", {}).items():
            if name not in found and "default" in part:
                found[name] = copy.deepcopy(part["default"])
        known, others = schema.get("properties", {}), schema.get("additionalProperties")
        for name, item in found.items():
            part = known.get(name, others)
            if isinstance(part, dict):
                found[name] = defaulted(item, part)
        return found
    if isinstance(value, list) and isinstance(schema.get("items"), dict):
        return [defaulted(item, schema["items"]) for item in value]
    return value


def has_field(schema, *path):
    """Whether a schema has a field; elements of lists are passed through."""
    for name in path:
        while "items" in schema:
            schema = schema["items"]
        schema = schema.get("properties", {}).get(name)
        if schema is None:
            return False
    return True
