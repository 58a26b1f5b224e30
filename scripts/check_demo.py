#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the demo's policies before and after: `check_demo.py BEFORE.json AFTER.json`, lists as kubectl prints them.

The conversion is written here a second time on purpose: a check that asked the program would believe it.
"""

import copy
import json
import pathlib
import sys

GROUP = "gateway.networking.k8s.io"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
RENAMED = {"caCertRefs": "caCertificateRefs", "wellKnownCACerts": "wellKnownCACertificates"}


def policies(path):
    items = json.loads(pathlib.Path(path).read_text())["items"]
    return {(item["metadata"]["namespace"], item["metadata"]["name"]): item for item in items}


def converted_spec(old):
    target = {key: value for key, value in old["targetRef"].items() if key != "namespace"}
    return {"targetRefs": [target], "validation": {RENAMED.get(key, key): value for key, value in old["tls"].items()}}


def kept_metadata(item):
    kept = {key: copy.deepcopy(item["metadata"].get(key, {})) for key in ("labels", "annotations", "ownerReferences")}
    kept["annotations"].pop(LAST_APPLIED, None)
    return kept


def managers(item):
    return sorted((entry["manager"], entry["operation"]) for entry in item["metadata"]["managedFields"])


def differences(before, after):
    if before.keys() != after.keys():
        yield f"other policies: {sorted(before)} and {sorted(after)}"
        return
    for key, old in before.items():
        new = after[key]
        pairs = {
            "apiVersion": (f"{GROUP}/v1alpha3", new["apiVersion"]),
            "spec": (converted_spec(old["spec"]), new["spec"]),
            "metadata": (kept_metadata(old), kept_metadata(new)),
            "status": (old.get("status"), new.get("status")),
            "managers": (managers(old), managers(new)),
        }
        for what, (want, found) in pairs.items():
            if want != found:
                yield f"{'/'.join(key)}: {what} is {json.dumps(found)}, want {json.dumps(want)}"
        for entry in new["metadata"]["managedFields"]:
            if entry["apiVersion"] != f"{GROUP}/v1alpha3":
                yield f"{'/'.join(key)}: {entry['manager']} still owns fields at {entry['apiVersion']}"
        said = json.loads(new["metadata"].get("annotations", {}).get(LAST_APPLIED, "null"))
        if said and (said["apiVersion"], said["spec"]) != (new["apiVersion"], new["spec"]):
            yield f"{'/'.join(key)}: {LAST_APPLIED} is not converted"


def main():
    before, after = policies(sys.argv[1]), policies(sys.argv[2])
    found = list(differences(before, after))
    for text in found:
        print(text, file=sys.stderr)
    if found or not before:
        sys.exit(f"{len(found)} differences in {len(before)} policies")


if __name__ == "__main__":
    main()
