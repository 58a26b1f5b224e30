# SPDX-License-Identifier: Apache-2.0
"""What a finished run leaves behind."""

import json

from backup import Backup
from bundles import gateway_crds, normalised_spec
from kube import CRDS, by_key, policies_path
from policies import winner
from rig import CHILDREN, NAME, RIVALS


def without_times(entries):
    return sorted(json.dumps({part: value for part, value in entry.items() if part != "time"}, sort_keys=True)
                  for entry in entries)


def end_state(rig, varying=()):
    """Everything that a finished run leaves, but for uids, times, resource versions, and `varying` metadata of
    policies."""
    state = {}
    items = by_key(rig.api.items(policies_path("v1alpha3")))
    for name, item in items.items():
        metadata = {part: value for part, value in item["metadata"].items()
                    if part not in ("uid", "creationTimestamp", "resourceVersion", *varying)}
        metadata["managedFields"] = without_times(metadata["managedFields"])
        state["policy", name] = {**item, "metadata": metadata}
    for name, crd in gateway_crds(rig.api).items():
        metadata = crd["metadata"]
        state["crd", name] = {
            "spec": normalised_spec(crd), "storedVersions": crd["status"]["storedVersions"],
            "labels": metadata.get("labels"), "annotations": metadata.get("annotations"),
            "managedFields": without_times(metadata["managedFields"])}
    references = rig.api.get(f"{CHILDREN}/child")["metadata"].get("ownerReferences", [])
    owner = items.get(("store", "owner"))
    state["child"] = [{**reference, "uid": reference["uid"] == owner["metadata"]["uid"]} for reference in references]
    state["winner"] = winner([items[name] for name in RIVALS if name in items])
    migration = rig.api.get(f"/apis/gatelift.dev/v1alpha1/gatewayapimigrations/{NAME}")
    status = migration["status"]
    state["migration"] = {
        "phase": status["phase"], "progress": status.get("progress"), "failures": status.get("failures", []),
        "finalizers": migration["metadata"].get("finalizers", []),
        "ready": [c["status"] for c in status["conditions"] if c["type"] == "Ready"],
        "counts": {crd["name"]: crd["objects"] for crd in status["crds"]},
        "absence is measured": status["unavailable"].get("measured", "0s") != "0s"}
    state["stray Secrets"] = len(Backup(rig.api).strays)
    state["copies"] = [crd["metadata"]["name"] for crd in rig.api.items(CRDS)
                       if crd["metadata"]["name"].endswith(".rehearsal.gatelift.dev")]
    return state


def difference(state, wanted):
    """"" where two end states are equal, else the first place where they are not."""
    for part in sorted({*state, *wanted}, key=str):
        if state.get(part) != wanted.get(part):
            return f"{part}: {json.dumps(state.get(part))[:1500]}, undisturbed: {json.dumps(wanted.get(part))[:1500]}"
    return ""
