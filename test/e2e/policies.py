# SPDX-License-Identifier: Apache-2.0
"""BackendTLSPolicies as people have them, and what each has to be at a later version.

The conversion is written here a second time on purpose: a test that asked the program would believe it."""

import copy
import json

from kube import GATEWAY, by_key, key, policies_path
from waiting import eventually

NAMESPACES = ("auth", "billing", "media", "ops", "search", "store")
COUNT = 40
APPLIER = "argocd-controller"
STATUS_WRITER = "envoy"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def policy(namespace, name, service=None, **tls):
    """A plain policy at v1alpha2."""
    return {
        "apiVersion": f"{GATEWAY}/v1alpha2", "kind": "BackendTLSPolicy",
        "metadata": {"namespace": namespace, "name": name},
        "spec": {"targetRef": {"group": "", "kind": "Service", "name": service or name},
                 "tls": {"hostname": f"{name}.example.com", **(tls or {"wellKnownCACerts": "System"})}}}


def ca(*names):
    return [{"group": "", "kind": "ConfigMap", "name": name} for name in names]


def converted(old, version="v1alpha3"):
    """What a v1alpha2 policy means at a later version; status and bookkeeping metadata left out."""
    spec = copy.deepcopy(old["spec"])
    target, tls = spec.pop("targetRef"), spec.pop("tls")
    target.pop("namespace", None)
    renamed = {"caCertRefs": "caCertificateRefs", "wellKnownCACerts": "wellKnownCACertificates"}
    spec["targetRefs"] = [target]
    spec["validation"] = {renamed.get(field, field): value for field, value in tls.items()}
    metadata = {field: copy.deepcopy(value) for field, value in old["metadata"].items()
                if field in ("name", "namespace", "labels", "annotations", "ownerReferences")}
    metadata.get("annotations", {}).pop(LAST_APPLIED, None)
    return {"apiVersion": f"{GATEWAY}/{version}", "kind": old["kind"], "metadata": metadata, "spec": spec}


def status_of(item):
    """A status as a Gateway's controller writes it, about the object's present generation."""
    condition = {"type": "Accepted", "status": "True", "reason": "Accepted", "message": "policy accepted",
                 "lastTransitionTime": "2026-01-02T03:04:05Z", "observedGeneration": item["metadata"]["generation"]}
    return {"ancestors": [{
        "ancestorRef": {"group": GATEWAY, "kind": "Gateway", "name": "edge", "namespace": "ops"},
        "controllerName": "gateway.envoyproxy.io/gatewayclass-controller", "conditions": [condition]}]}


def expected_status(item):
    """A recreated object is of generation 1, and its status is not about a later one."""
    status = copy.deepcopy(item.get("status"))
    for ancestor in (status or {}).get("ancestors", []):
        for condition in ancestor["conditions"]:
            condition["observedGeneration"] = 1
    return status


def apply_policy(api, item, manager=APPLIER):
    namespace, name = key(item)
    version = item["apiVersion"].rpartition("/")[2]
    return api.apply(f"{policies_path(version, namespace)}/{name}", item, manager)


def write_status(api, item, version="v1alpha2"):
    namespace, name = key(item)
    api.patch(f"{policies_path(version, namespace)}/{name}/status", {"status": status_of(item)}, manager=STATUS_WRITER)


def many(api, count=COUNT, namespaces=NAMESPACES):
    """Plain policies, applied; returns their (namespace, name)."""
    made = []
    for i in range(count):
        item = policy(namespaces[i % len(namespaces)], f"backend-{i:02d}",
                      **({} if i % 2 else {"caCertRefs": ca(f"ca-{i % 4}")}))
        made.append(key(apply_policy(api, item)))
    return made


def create_owner(api, namespace):
    """ownerReferences to a Service made for it."""
    made = api.create(f"/api/v1/namespaces/{namespace}/services", {
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "owner"},
        "spec": {"ports": [{"name": "https", "port": 443}]}})
    return [{"apiVersion": "v1", "kind": "Service", "name": "owner", "uid": made["metadata"]["uid"],
             "controller": True, "blockOwnerDeletion": False}]


def varied(i, owners):
    """The i-th of policies that differ in the fields they use; `owners` are ownerReferences by namespace."""
    namespace = NAMESPACES[i % len(NAMESPACES)]
    refs = ca(f"ca-{i % 4}", "ca-extra") if i % 11 == 1 else ca(f"ca-{i % 4}")
    item = policy(namespace, f"backend-{i:02d}", **({"wellKnownCACerts": "System"} if i % 2 else {"caCertRefs": refs}))
    if i % 5 == 0:
        item["spec"]["targetRef"]["sectionName"] = "https"
    if i % 7 == 0:
        item["spec"]["targetRef"]["namespace"] = namespace
    if i % 4 != 1:
        item["metadata"]["labels"] = {"app.kubernetes.io/name": f"backend-{i:02d}", "team": "edge"}
    if i % 4 > 1:
        item["metadata"]["annotations"] = {"example.com/ticket": f"OPS-{i}", "example.com/note": 'ä "quoted"\nline'}
    if i % 6 == 5:
        item["metadata"]["ownerReferences"] = owners[namespace]
    return item


class Fleet:
    """40 policies in 6 namespaces, each written by one of the ways in which people write them.

    `applied`, `client_side` and `created` are the manifests by way; `rivals` the two keys that compete for one
    Service, the older first and the younger first by name."""

    def __init__(self, plane):
        self._plane = plane
        self._api = plane.api
        self.applied, self.client_side, self.created = [], [], []
        self.rivals = (("auth", "rival-z"), ("auth", "rival-a"))
        older = policy(*self.rivals[0], service="contested", caCertRefs=ca("ca-0"))
        since = apply_policy(self._api, older)["metadata"]["creationTimestamp"]
        self.applied.append(older)
        owners = {namespace: create_owner(self._api, namespace) for namespace in NAMESPACES}
        for i in range(COUNT - 2):
            (self.applied, self.client_side, self.created)[i // 3 % 3].append(varied(i, owners))
        for item in self.applied[1:]:
            apply_policy(self._api, item)
        self._let_generations_grow()
        self._kubectl("apply", self.client_side)
        self._kubectl("create", self.created)
        self._create_younger_rival(since)
        for number, item in enumerate(self.live("v1alpha2").values()):
            if number % 4 != 3:
                write_status(self._api, item)
        self.before = self.live("v1alpha2")

    def live(self, version):
        return by_key(self._api.items(policies_path(version)))

    def _let_generations_grow(self):
        for item in self.applied[1::3]:
            first = copy.deepcopy(item)
            first["spec"]["tls"]["hostname"] = "first.example.com"
            apply_policy(self._api, first)
            apply_policy(self._api, item)

    def _kubectl(self, verb, items):
        self._plane.kubectl(verb, "-f", "-", text=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))

    def _create_younger_rival(self, older_than):
        """Another second, so that the age decides and not the name."""
        def is_younger():
            probe = self._api.call("POST", "/api/v1/namespaces?dryRun=All", {
                "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "what-time-is-it"}})
            return probe["metadata"]["creationTimestamp"] > older_than

        eventually(is_younger, "the next second")
        younger = policy(*self.rivals[1], service="contested", caCertRefs=ca("ca-1"))
        apply_policy(self._api, younger)
        self.applied.append(younger)


def winner(items):
    """Who holds a contested Service: the older by creationTimestamp, then the first by name (GEP-713)."""
    return key(min(items, key=lambda item: (item["metadata"]["creationTimestamp"], key(item))))


def owners_of(item):
    """(manager, operation, subresource) of each managedFields entry."""
    return sorted((entry["manager"], entry["operation"], entry.get("subresource", ""))
                  for entry in item["metadata"]["managedFields"])
