# SPDX-License-Identifier: Apache-2.0
"""A cluster at a bundle, full of objects: upstream's examples, two of our own of each kind, and those that only some
releases take."""

import collections
import json

import own_objects
import tightened
from bundles import documents, gateway_crds, install
from examples import Examples
from fixture import NAMESPACE
from kube import CRDS, GATEWAY, MIGRATIONS, PATCHES, SECRETS, ApiError, collection
from schemas import served_version
from waiting import eventually

ADMISSION = "admissionregistration.k8s.io/v1"
# Bindings first: a policy without one does nothing.
POLICY_KINDS = {"ValidatingAdmissionPolicyBinding": "validatingadmissionpolicybindings",
                "ValidatingAdmissionPolicy": "validatingadmissionpolicies"}
POLICY = f"safe-upgrades.{GATEWAY}"
APPLIER, CONTROLLER = "kubectl", "edge"


def name_of(item):
    """Kind/namespace/name, or Kind/name, as checks have it."""
    metadata = item["metadata"]
    return "/".join(part for part in (item["kind"], metadata.get("namespace"), metadata["name"]) if part)


def path_of(item, crd, version):
    spec = crd["spec"]
    return (collection(f"{spec['group']}/{version}", spec["names"]["plural"], item["metadata"].get("namespace"))
            + "/" + item["metadata"]["name"])


def reasons(error):
    """What an API server's refusal is about, without its words: its reason and the fields."""
    try:
        status = json.loads(error.text)
    except json.JSONDecodeError:
        return f"{error.status}"
    causes = [f"{cause.get('field', '')} {cause.get('reason', '')}" for cause in
              status.get("details", {}).get("causes", [])]
    return status.get("reason", str(error.status)) + (": " + ", ".join(causes) if causes else "")


def refusal_of(api, item, crd):
    """Why a kind's API refuses an object as a new one of another name, by a dry run; "" where it does not."""
    version = served_version(crd)
    metadata = {part: value for part, value in item["metadata"].items()
                if part in ("namespace", "labels", "annotations")}
    probe = {**item, "apiVersion": f"{crd['spec']['group']}/{version}", "kind": crd["spec"]["names"]["kind"],
             "metadata": {**metadata, "name": item["metadata"]["name"][:200] + "-probe"}}
    probe.pop("status", None)
    path = path_of(probe, crd, version).rpartition("/")[0]
    try:
        api.call("POST", path, probe, dryRun="All", fieldValidation="Strict")
    except ApiError as error:
        return reasons(error)
    return ""


class Loaded:
    """What was put into the cluster."""

    def __init__(self):
        self.items = []  # as the API server returns them, at a version that it serves
        self.crds = {}
        self.counts = collections.Counter()  # by origin: examples, own, tightened
        self.refused = {}  # examples that the bundle's own CRDs refuse, and why
        self.looser = set()  # examples that are valid at an old version only, and not at that which is stored

    def crd_of(self, item):
        return next(crd for crd in self.crds.values() if crd["spec"]["names"]["kind"] == item["kind"]
                    and crd["spec"]["group"] == item["apiVersion"].partition("/")[0])

    def path_of(self, item):
        return path_of(item, self.crd_of(item), item["apiVersion"].partition("/")[2])


class Ground:
    def __init__(self, plane, with_policy=True, with_tightened=True):
        self._plane = plane
        self._api = plane.api
        self._with_policy = with_policy
        self._with_tightened = with_tightened
        self._examples = Examples(plane)
        self._namespaces = set()

    def clean(self):
        """Nothing of Gateway API is left, and nothing of earlier runs."""
        self.remove_policies()
        crds = gateway_crds(self._api)
        for name in crds:
            self._api.delete(f"{CRDS}/{name}")
        for item in self._api.items(MIGRATIONS):
            path = f"{MIGRATIONS}/{item['metadata']['name']}"
            if item["metadata"].get("finalizers"):
                self._api.patch(path, {"metadata": {"finalizers": None}})
            self._api.delete(path)
        for path in (SECRETS, collection("v1", "configmaps", NAMESPACE),
                     collection("coordination.k8s.io/v1", "leases", NAMESPACE),
                     collection("events.k8s.io/v1", "events", "default")):
            self._api.delete(path)
        eventually(lambda: not gateway_crds(self._api), "the CRDs are gone", 60)

    def remove_policies(self):
        removed = False
        for plural in POLICY_KINDS.values():
            for item in self._api.items(collection(ADMISSION, plural)):
                removed |= self._api.delete(collection(ADMISSION, plural) + "/" + item["metadata"]["name"])
        if removed:
            eventually(lambda: not self._is_old_crd_denied(), "the admission policy has no effect any more")

    def install_policies(self, bundle):
        wanted = [document for document in documents(self._plane, bundle) if document["kind"] in POLICY_KINDS]
        for document in wanted:
            path = collection(ADMISSION, POLICY_KINDS[document["kind"]])
            self._api.apply(f"{path}/{document['metadata']['name']}", _without_empty(document), APPLIER)
        if wanted:
            eventually(self._is_old_crd_denied, "the admission policy has an effect")

    def _is_old_crd_denied(self):
        """Whether a CRD of v1.0.0 is refused by a policy: by a dry run."""
        probe = {
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": f"probes.{GATEWAY}", "annotations": {
                "api-approved.kubernetes.io": "https://example.com", f"{GATEWAY}/channel": "standard",
                f"{GATEWAY}/bundle-version": "v1.0.0"}},
            "spec": {"group": GATEWAY, "scope": "Cluster", "names": {"kind": "Probe", "plural": "probes"},
                     "versions": [{"name": "v1", "served": True, "storage": True, "schema": {
                         "openAPIV3Schema": {"type": "object"}}}]}}
        try:
            self._api.call("POST", CRDS, probe, dryRun="All")
        except ApiError as error:
            if error.status != 422:
                raise
            return True
        return False

    def prepare(self, bundle):
        """Brings a clean cluster to `bundle`, and fills it with objects."""
        install(self._plane, bundle)
        loaded = Loaded()
        loaded.crds = gateway_crds(self._api)
        by_kind = {(crd["spec"]["group"], crd["spec"]["names"]["kind"]): crd for crd in loaded.crds.values()}
        self._load_examples(bundle, by_kind, loaded)
        for crd in loaded.crds.values():
            self._load_own(crd, loaded)
            if self._with_tightened:
                self._load_tightened(crd, loaded)
        for name in own_objects.NAMED_NAMESPACES:
            self._create_namespace(name)
        if self._with_policy:
            self.install_policies(bundle)
        for crd in loaded.crds.values():
            api_version = f"{crd['spec']['group']}/{served_version(crd)}"
            loaded.items += self._api.items(collection(api_version, crd["spec"]["names"]["plural"]))
        return loaded

    def _load_examples(self, bundle, by_kind, loaded):
        for document in self._examples.of(bundle):
            group, _, version = document["apiVersion"].partition("/")
            crd = by_kind.get((group, document["kind"]))
            refusal = f"{document['apiVersion']} {document['kind']}: no such kind"
            if crd:
                refusal = self._apply(document, crd, version)
                if not refusal and version != served_version(crd) and self._is_stuck(document, crd):
                    loaded.looser.add(name_of(document))
            if refusal:
                loaded.refused[f"{document['apiVersion']} {name_of(document)}"] = refusal
            else:
                loaded.counts["examples"] += 1

    def _is_stuck(self, document, crd):
        """Whether the object that was applied at an old version is refused as a new one at the stored version."""
        item = self._api.get(path_of(document, crd, served_version(crd)))
        return bool(refusal_of(self._api, item, crd))

    def _load_own(self, crd, loaded):
        for document in own_objects.objects_for(crd):
            version = document["apiVersion"].rpartition("/")[2]
            refusal = self._apply(document, crd, version, manager="argocd-controller")
            if refusal:
                raise RuntimeError(f"{name_of(document)} is refused by its own release: {refusal}; mend own_objects.py")
            loaded.counts["own"] += 1
            self._write_status(document, crd)

    def _write_status(self, document, crd):
        version = served_version(crd)
        path = path_of(document, crd, version)
        status = own_objects.status_for(self._api.get(path), crd, version)
        if status is not None:
            self._api.patch(path + "/status", {"status": status}, manager=CONTROLLER)

    def _load_tightened(self, crd, loaded):
        for document in tightened.objects_for(crd):
            if not self._apply(document, crd, served_version(crd)):
                loaded.counts["tightened"] += 1

    def _apply(self, document, crd, version, manager=APPLIER):
        """Why it was refused; "" where it was not."""
        self._create_namespace(document["metadata"].get("namespace"))
        try:
            self._api.call("PATCH", path_of(document, crd, version), document, PATCHES["apply"],
                           fieldManager=manager, fieldValidation="Strict")
        except ApiError as error:
            return reasons(error)
        return ""

    def _create_namespace(self, name):
        if name and name not in self._namespaces:
            self._plane.create_namespaces(name)
            self._namespaces.add(name)


def _without_empty(document):
    """kubectl prints empty parts of metadata that nobody wrote."""
    return {**document, "metadata": {part: value for part, value in document["metadata"].items() if value}}
