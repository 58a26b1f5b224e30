# SPDX-License-Identifier: Apache-2.0
"""A Gateway with three routes to three Services, each covered by a BackendTLSPolicy."""

import datetime

from controller import NAME
from kube import GATEWAY, collection, policies_path
from policies import apply_policy, policy

NAMESPACE = "default"
CLASS = "edge"
GATEWAY_NAME = "gw"
BACKENDS = ("cart", "login", "search")
KEY = f"{NAMESPACE}/{GATEWAY_NAME}"
# The names that both controllers give to the cluster of a route's first rule.
CLUSTERS = tuple(f"httproute/{NAMESPACE}/{backend}/rule/0" for backend in BACKENDS)


def services(api):
    """There is no kube-controller-manager, so their endpoints are written by hand."""
    for number, backend in enumerate(BACKENDS):
        api.apply(f"{collection('v1', 'services', NAMESPACE)}/{backend}", {
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": backend, "namespace": NAMESPACE},
            "spec": {"ports": [{"name": "https", "port": 443}]}}, "test")
        api.apply(f"{collection('discovery.k8s.io/v1', 'endpointslices', NAMESPACE)}/{backend}", {
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
            "metadata": {"name": backend, "namespace": NAMESPACE, "labels": {"kubernetes.io/service-name": backend}},
            "addressType": "IPv4", "ports": [{"name": "https", "port": 443, "protocol": "TCP"}],
            "endpoints": [{"addresses": [f"192.0.2.{number + 1}"], "conditions": {"ready": True}}]}, "test")


def routes(api):
    """The class, the Gateway, and a route by host name for each Service."""
    root = f"{GATEWAY}/v1"
    api.create(collection(root, "gatewayclasses"), {
        "apiVersion": root, "kind": "GatewayClass", "metadata": {"name": CLASS}, "spec": {"controllerName": NAME}})
    api.create(collection(root, "gateways", NAMESPACE), {
        "apiVersion": root, "kind": "Gateway", "metadata": {"name": GATEWAY_NAME, "namespace": NAMESPACE},
        "spec": {"gatewayClassName": CLASS, "listeners": [{"name": "http", "protocol": "HTTP", "port": 80}]}})
    for backend in BACKENDS:
        api.create(collection(root, "httproutes", NAMESPACE), {
            "apiVersion": root, "kind": "HTTPRoute", "metadata": {"name": backend, "namespace": NAMESPACE},
            "spec": {"parentRefs": [{"name": GATEWAY_NAME}], "hostnames": [f"{backend}.example.com"],
                     "rules": [{"backendRefs": [{"name": backend, "port": 443}]}]}})


def cover(api, others):
    """Each Service gets its policy. As many others are of Services that are not there; by name they are between those
    that matter, so that these are among the first and the last that are deleted and made again."""
    for name in (*BACKENDS, *(f"other-{number:04d}" for number in range(others))):
        apply_policy(api, policy(NAMESPACE, name))


def policies(api, version):
    """{name: policy} at a version, of those that cover a Service."""
    found = api.items(policies_path(version, NAMESPACE))
    return {item["metadata"]["name"]: item for item in found if item["metadata"]["name"] in BACKENDS}


def are_accepted(api, version, since):
    """Whether a controller has said of each policy, at that time or later, that it is in effect on the Gateway."""
    found = policies(api, version)
    return len(found) == len(BACKENDS) and all(_is_accepted(item) and _status_time(item) >= int(since)
                                               for item in found.values())


def _is_accepted(item):
    """1.1.4 does not say of which generation it speaks."""
    generation = item["metadata"]["generation"]
    for ancestor in item.get("status", {}).get("ancestors", []):
        if ancestor["controllerName"] == NAME and ancestor["ancestorRef"]["name"] == GATEWAY_NAME:
            return any(condition["type"] == "Accepted" and condition["status"] == "True"
                       and condition.get("observedGeneration", generation) == generation
                       for condition in ancestor["conditions"])
    return False


def _status_time(item):
    """When the status was written last, in whole seconds."""
    times = [entry["time"] for entry in item["metadata"]["managedFields"] if entry.get("subresource") == "status"]
    return max((datetime.datetime.fromisoformat(time).timestamp() for time in times), default=0)
