# SPDX-License-Identifier: Apache-2.0
"""Bundles as a person installs them, and as a test compares them."""

import functools
import json
import os
import pathlib

from kube import CRDS, GATEWAY, collection
from waiting import eventually

BUNDLES = pathlib.Path(os.environ.get("GATELIFT_BUNDLES") or pathlib.Path(
    os.environ.get("GATELIFT_CACHE") or
    pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "gatelift") / "bundles")
GROUPS = (GATEWAY, "gateway.networking.x-k8s.io")
DEFAULTS = ({"strategy": "None"}, False)
_documents = {}


def documents(plane, bundle):
    """Every document of a bundle, read by kubectl."""
    if bundle not in _documents:
        text = plane.kubectl("create", "--dry-run=client", "-o", "json", "-f", BUNDLES / bundle)
        found = []
        while text.strip():
            answer, end = json.JSONDecoder().raw_decode(text.lstrip())
            found += answer["items"] if answer["kind"] == "List" else [answer]
            text = text.lstrip()[end:]
        _documents[bundle] = found
    return _documents[bundle]


def crds_of(plane, bundle):
    """{name: manifest}"""
    return {document["metadata"]["name"]: document for document in documents(plane, bundle)
            if document["kind"] == "CustomResourceDefinition"}


def gateway_crds(api):
    """{name: CRD} of what is installed."""
    return {crd["metadata"]["name"]: crd for crd in api.items(CRDS) if crd["spec"]["group"] in GROUPS}


def install(plane, bundle, manager="kubectl"):
    """What `kubectl apply --server-side` of the bundle does, and waits until all of it is served."""
    crds = crds_of(plane, bundle)
    for name, manifest in crds.items():
        body = {**manifest, "metadata": {part: value for part, value in manifest["metadata"].items() if value}}
        body.pop("status", None)
        plane.api.apply(f"{CRDS}/{name}", body, manager)
    for manifest in crds.values():
        wait_until_served(plane.api, manifest)


def wait_until_served(api, crd):
    spec = crd["spec"]
    for version in spec["versions"]:
        if version["served"]:
            path = collection(f"{spec['group']}/{version['name']}", spec["names"]["plural"])
            eventually(functools.partial(api.get, path, limit=1), f"{path} is served")


def remove(api):
    """Admission policies; objects, whatever holds them; then their CRDs."""
    had_policies = remove_policies(api)
    crds = gateway_crds(api)
    for crd in crds.values():
        version = next((v["name"] for v in crd["spec"]["versions"] if v["served"]), None)
        root = f"{crd['spec']['group']}/{version}"
        plural = crd["spec"]["names"]["plural"]
        for item in api.items(collection(root, plural)):
            path = collection(root, plural, item["metadata"].get("namespace")) + "/" + item["metadata"]["name"]
            if item["metadata"].get("finalizers"):
                api.patch(path, {"metadata": {"finalizers": None}})
            api.delete(path)
    for name in crds:
        api.delete(f"{CRDS}/{name}")
    for name in crds:
        eventually(lambda name=name: not api.find(f"{CRDS}/{name}"), f"{name} is gone", 90)
    if had_policies:
        eventually(lambda: takes_any_bundle(api), "no policy judges CRDs any more")


def remove_policies(api):
    """Whether there were any."""
    found = False
    for plural in ("validatingadmissionpolicybindings", "validatingadmissionpolicies"):
        for item in api.items(collection("admissionregistration.k8s.io/v1", plural)):
            found = api.delete(collection("admissionregistration.k8s.io/v1", plural) + "/" + item["metadata"]["name"]) or found
    return found


def takes_any_bundle(api):
    """True once the API server has forgotten the safe-upgrades policy, which takes it a moment."""
    probe = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
             "metadata": {"name": f"probes.{GATEWAY}",
                          "annotations": {"api-approved.kubernetes.io": "unapproved, a dry run"}},
             "spec": {"group": GATEWAY, "scope": "Namespaced", "names": {"plural": "probes", "kind": "Probe"},
                      "versions": [{"name": "v1", "served": True, "storage": True,
                                    "schema": {"openAPIV3Schema": {"type": "object"}}}]}}
    return api.call("POST", CRDS, probe, dryRun="All")


def normalised_spec(crd):
    """A CRD's spec without what the API server adds by default."""
    spec = {part: value for part, value in crd["spec"].items() if value not in DEFAULTS}
    return json.loads(json.dumps(spec))


def differences(live, target):
    """The first places where two trees differ, for a person to read."""
    found = []

    def visit(a, b, path):
        if len(found) >= 5:
            return
        if isinstance(a, dict) and isinstance(b, dict):
            for name in sorted({*a, *b}):
                if name not in a or name not in b:
                    found.append(f"{path}.{name} is only in {'the target' if name not in a else 'the cluster'}")
                else:
                    visit(a[name], b[name], f"{path}.{name}")
        elif isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
            for index, (left, right) in enumerate(zip(a, b)):
                visit(left, right, f"{path}[{index}]")
        elif a != b:
            found.append(f"{path}: {str(a)[:100]!r}, target {str(b)[:100]!r}")

    visit(live, target, "")
    return found


def assert_is_bundle(test, plane, bundle):
    """Every CRD equals the bundle's, stores its storage version only, and is nobody's but its owner's."""
    live = gateway_crds(plane.api)
    for name, target in crds_of(plane, bundle).items():
        with test.subTest(crd=name):
            test.assertIn(name, live)
            test.assertEqual(differences(normalised_spec(live[name]), normalised_spec(target)), [])
            for annotation, value in target["metadata"].get("annotations", {}).items():
                test.assertEqual(live[name]["metadata"]["annotations"].get(annotation), value, annotation)
            for label, value in target["metadata"].get("labels", {}).items():
                test.assertEqual(live[name]["metadata"].get("labels", {}).get(label), value, label)
    assert_stores_one_version(test, live)


def assert_stores_one_version(test, crds):
    for name, crd in crds.items():
        storage = [version["name"] for version in crd["spec"]["versions"] if version["storage"]]
        test.assertEqual(crd["status"]["storedVersions"], storage, name)

