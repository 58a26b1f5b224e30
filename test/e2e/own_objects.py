# SPDX-License-Identifier: Apache-2.0
"""Two objects of each kind of Gateway API, with every field that some release or channel lacks.

A manifest holds the fields of all releases at once, of BackendTLSPolicy even both shapes: schemas.fitted_manifest
leaves what a release has a place for."""

import copy

from kube import GATEWAY
from schemas import fitted, fitted_manifest, has_field, schema_of, served_version, version_of

X_GROUP = "gateway.networking.x-k8s.io"
NAMESPACE = "matrix"
NAMED_NAMESPACES = ("ops", "shop")  # of what the objects name
CLUSTER_KINDS = ("GatewayClass", "XMesh")
CONTROLLER = "example.com/edge"


def service(name, port=8080):
    return {"name": name, "port": port}


def secret(name):
    return {"group": "", "kind": "Secret", "name": name}


def ca(name):
    return {"group": "", "kind": "ConfigMap", "name": name}


def parent(section, port):
    return {"group": GATEWAY, "kind": "Gateway", "name": "full", "sectionName": section, "port": port}


def target(name, **more):
    return {"group": "", "kind": "Service", "name": name, **more}


SESSION = {"sessionName": "visit", "type": "Cookie", "absoluteTimeout": "1h", "idleTimeout": "10m",
           "cookieConfig": {"lifetimeType": "Permanent"}}
MIRROR = {"type": "RequestMirror", "requestMirror": {"backendRef": service("copy"), "percent": 25}}
SHARE = {"type": "RequestMirror",
         "requestMirror": {"backendRef": service("copy"), "fraction": {"numerator": 1, "denominator": 3}}}
SET_HEADER = {"type": "RequestHeaderModifier", "requestHeaderModifier": {"set": [{"name": "x-edge", "value": "1"}]}}
ANSWER_HEADER = {"type": "ResponseHeaderModifier", "responseHeaderModifier": {
    "add": [{"name": "x-served-by", "value": "edge"}], "remove": ["server"]}}
CORS = {"type": "CORS", "cors": {
    "allowOrigins": ["https://shop.example.com"], "allowMethods": ["GET", "POST"], "allowHeaders": ["authorization"],
    "exposeHeaders": ["x-trace"], "allowCredentials": True, "maxAge": 600}}
AUTH = {"type": "ExternalAuth", "externalAuth": {
    "protocol": "HTTP", "backendRef": service("auth", 9000), "http": {"path": "/check", "allowedHeaders": ["cookie"]},
    "forwardBody": {"maxSize": 1024}}}
REDIRECT = {"type": "RequestRedirect", "requestRedirect": {
    "scheme": "https", "statusCode": 301, "path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/new"}}}
REWRITE = {"type": "URLRewrite", "urlRewrite": {
    "hostname": "inner.example.com", "path": {"type": "ReplaceFullPath", "replaceFullPath": "/inner"}}}


def prefix(path):
    return [{"path": {"type": "PathPrefix", "value": path}}]


def _gateway_listeners():
    trusted = {"caCertificateRefs": [ca("clients"), ca("partners")]}
    return [
        {"name": "http", "port": 80, "protocol": "HTTP", "hostname": "*.example.com",
         "allowedRoutes": {"namespaces": {"from": "All"}}},
        {"name": "https", "port": 443, "protocol": "HTTPS", "hostname": "shop.example.com", "tls": {
            "mode": "Terminate", "certificateRefs": [secret("shop")], "options": {"example.com/ciphers": "modern"},
            "frontendValidation": trusted}},
        {"name": "passthrough", "port": 8443, "protocol": "TLS", "tls": {"mode": "Passthrough"}},
    ]


GATEWAY_SPEC = {
    "gatewayClassName": "full",
    "addresses": [{"type": "IPAddress", "value": "192.0.2.7"}, {"type": "Hostname", "value": "edge.example.com"}],
    "listeners": _gateway_listeners(),
    "infrastructure": {"labels": {"team": "edge"}, "annotations": {"example.com/size": "large"},
                       "parametersRef": {"group": "example.com", "kind": "Parameters", "name": "large"}},
    "backendTLS": {"clientCertificateRef": secret("to-backends")},
    "tls": {"backend": {"clientCertificateRef": secret("to-backends")},
            "frontend": {"default": {"validation": {"caCertificateRefs": [ca("clients")]}},
                         "perPort": [{"port": 443, "tls": {"validation": {
                             "caCertificateRefs": [ca("partners")], "mode": "AllowValidOnly"}}}]}},
    "allowedListeners": {"namespaces": {"from": "Selector", "selector": {"matchLabels": {"team": "edge"}}}},
    "defaultScope": "All",
}

HTTP_SPEC = {
    "parentRefs": [parent("http", 80), parent("https", 443)],
    "hostnames": ["shop.example.com"],
    "useDefaultGateways": "All",
    "rules": [
        {"name": "shop", "matches": prefix("/shop"), "filters": [SET_HEADER, ANSWER_HEADER, CORS, MIRROR, SHARE],
         "timeouts": {"request": "10s", "backendRequest": "2s"},
         "retry": {"codes": [502, 503], "attempts": 2, "backoff": "100ms"},
         "sessionPersistence": SESSION,
         "backendRefs": [{**service("shop"), "weight": 9, "filters": [ANSWER_HEADER, MIRROR]}, service("shop-next")]},
        {"name": "members", "matches": prefix("/members"), "filters": [AUTH], "backendRefs": [service("members")]},
        {"name": "old", "matches": prefix("/old"), "filters": [REDIRECT]},
        {"name": "inner", "matches": prefix("/inner"), "filters": [REWRITE], "backendRefs": [service("inner")]},
    ],
}

GRPC_SPEC = {
    "parentRefs": [parent("http", 80), parent("https", 443)],
    "hostnames": ["grpc.example.com"],
    "useDefaultGateways": "All",
    "rules": [{"name": "list", "matches": [{"method": {"type": "Exact", "service": "shop.v1", "method": "List"}}],
               "filters": [SET_HEADER, MIRROR], "sessionPersistence": SESSION, "backendRefs": [service("grpc")]},
              {"matches": [{"method": {"service": "shop.v1"}, "headers": [{"name": "x-canary", "value": "1"}]}],
               "filters": [SHARE], "backendRefs": [service("grpc-next")]}],
}


def _l4_spec(section, port, hostnames=None):
    spec = {"parentRefs": [parent(section, port)], "useDefaultGateways": "All",
            "rules": [{"name": "all", "backendRefs": [service("db", 5432), {**service("db-next", 5432), "weight": 3}]}]}
    return {**spec, "hostnames": hostnames} if hostnames else spec


def _policy_spec(name, **more):
    """Both shapes of a BackendTLSPolicy."""
    host = f"{name}.example.com"
    return {"targetRef": target(name, namespace=NAMESPACE, sectionName="https"),
            "tls": {"hostname": host, "caCertRefs": [ca("backends"), ca("more")]},
            "targetRefs": [target(name, sectionName="https")],
            "validation": {"hostname": host, "caCertificateRefs": [ca("backends"), ca("more")], **more}}


def _listeners(*names, **tls):
    return [{"name": name, "port": 9000 + number, "protocol": "HTTPS", "hostname": f"{name}.example.com",
             "tls": {"mode": "Terminate", "certificateRefs": [secret(name)], **tls},
             "allowedRoutes": {"namespaces": {"from": "Same"}}} for number, name in enumerate(names)]


GRANT = {"from": [{"group": GATEWAY, "kind": "HTTPRoute", "namespace": "shop"},
                  {"group": X_GROUP, "kind": "XListenerSet", "namespace": NAMESPACE}],
         "to": [{"group": "", "kind": "Service", "name": "shop"}, {"group": "", "kind": "Secret"}]}
SANS = [{"type": "Hostname", "hostname": "shop.internal"}, {"type": "URI", "uri": "spiffe://example.com/shop"}]

# (group, kind): the specs of "full" and of "plain". "rich" is a policy that v1alpha2 has no words for, and a route of
# an XListenerSet.
SPECS = {
    (GATEWAY, "GatewayClass"): (
        {"controllerName": CONTROLLER, "description": "all of it",
         "parametersRef": {"group": "example.com", "kind": "Parameters", "name": "all", "namespace": "ops"}},
        {"controllerName": CONTROLLER}),
    (GATEWAY, "Gateway"): (
        GATEWAY_SPEC,
        {"gatewayClassName": "plain", "listeners": [{"name": "http", "port": 80, "protocol": "HTTP"}],
         "infrastructure": {"labels": {"team": "edge"}}}),
    (GATEWAY, "HTTPRoute"): (
        HTTP_SPEC,
        {"parentRefs": [{"name": "plain"}], "rules": [{"backendRefs": [service("plain")]}]},
        {"parentRefs": [{"group": X_GROUP, "kind": "XListenerSet", "name": "full", "sectionName": "red"}],
         "rules": [{"backendRefs": [service("red")]}]}),
    (GATEWAY, "GRPCRoute"): (
        GRPC_SPEC,
        {"parentRefs": [{"name": "plain"}], "rules": [
            {"matches": [{"method": {"service": "plain.v1", "method": "Get"}}], "backendRefs": [service("plain")]}]}),
    (GATEWAY, "TCPRoute"): (_l4_spec("tcp", 5432), _l4_spec("tcp-next", 5433)),
    (GATEWAY, "UDPRoute"): (_l4_spec("udp", 53), _l4_spec("udp-next", 54)),
    (GATEWAY, "TLSRoute"): (_l4_spec("passthrough", 8443, ["db.example.com"]),
                            _l4_spec("passthrough", 8443, ["db-1.example.com", "*.db.example.com"])),
    (GATEWAY, "ReferenceGrant"): (GRANT, {"from": GRANT["from"][:1], "to": GRANT["to"][1:]}),
    # Two that somebody has made grants of already, and one that nobody has.
    (GATEWAY, "ReferencePolicy"): (GRANT, {"from": GRANT["from"][:1], "to": GRANT["to"][1:]},
                                   {"from": GRANT["from"][:1], "to": GRANT["to"][:1]}),
    (GATEWAY, "BackendTLSPolicy"): (
        _policy_spec("full"),
        {"targetRef": target("plain"), "tls": {"hostname": "plain.example.com", "wellKnownCACerts": "System"},
         "targetRefs": [target("plain")],
         "validation": {"hostname": "plain.example.com", "wellKnownCACertificates": "System"}},
        {"targetRefs": [target("rich"), target("richer")],
         "validation": {"hostname": "rich.example.com", "caCertificateRefs": [ca("backends")],
                        "subjectAltNames": SANS},
         "options": {"example.com/min-tls": "1.3"}}),
    (GATEWAY, "BackendLBPolicy"): (
        {"targetRefs": [target("full"), target("more")], "sessionPersistence": SESSION},
        {"targetRefs": [target("plain")], "sessionPersistence": {"cookieConfig": {"lifetimeType": "Session"}}}),
    (X_GROUP, "XBackendTrafficPolicy"): (
        {"targetRefs": [target("full"), target("more")], "sessionPersistence": SESSION,
         "retryConstraint": {"budget": {"percent": 30, "interval": "20s"},
                             "minRetryRate": {"count": 5, "interval": "2s"}}},
        {"targetRefs": [target("plain")],
         "sessionPersistence": {"cookieConfig": {"lifetimeType": "Session"}}}),
    (X_GROUP, "XListenerSet"): (
        {"parentRef": {"name": "full"},
         "listeners": _listeners("red", "blue", frontendValidation={"caCertificateRefs": [ca("clients")]})},
        {"parentRef": {"name": "plain", "namespace": "ops"}, "listeners": _listeners("plain")}),
    (GATEWAY, "ListenerSet"): (
        {"parentRef": {"name": "full"}, "listeners": _listeners("red", "blue")},
        {"parentRef": {"name": "plain", "namespace": "ops"}, "listeners": _listeners("plain")}),
    (X_GROUP, "XMesh"): (
        {"controllerName": "example.com/mesh", "description": "all of it",
         "parametersRef": {"group": "example.com", "kind": "Parameters", "name": "mesh", "namespace": "ops"}},
        {"controllerName": "example.com/mesh"}),
    (X_GROUP, "XBackend"): (
        {"type": "ExternalHostname", "externalHostname": {"hostname": "api.example.org"}, "port": {"port": 443},
         "protocol": "HTTP2",
         "tls": {"mode": "ServerOnly", "validation": {"hostname": "api.example.org",
                                                      "wellKnownCACertificates": "System"}}},
        {"type": "ExternalHostname", "externalHostname": {"hostname": "plain.example.org"}, "port": {"port": 80}}),
}
NAMES = ("full", "plain", "rich")


def manifest(kind, name, spec, namespace=NAMESPACE):
    metadata = {"name": name} if kind in CLUSTER_KINDS else {"name": name, "namespace": namespace}
    metadata |= {"labels": {"team": "edge"}, "annotations": {"example.com/ticket": "OPS-1"}}
    body = {"kind": kind, "metadata": metadata}
    return body if spec is None else {**body, "spec": copy.deepcopy(spec)}


def objects_for(crd):
    """The manifests of one kind that fit its CRD: the first at the storage version, the second at the oldest version
    that is served, as a controller of last year writes it."""
    specs = SPECS.get((crd["spec"]["group"], crd["spec"]["names"]["kind"]))
    if specs is None:
        raise RuntimeError(f"own_objects.py has no objects for {crd['metadata']['name']}")
    served = sorted(version["name"] for version in crd["spec"]["versions"] if version["served"])
    oldest = min(served, key=_age)
    for number, spec in enumerate(specs):
        item = manifest(crd["spec"]["names"]["kind"], NAMES[number], spec)
        found = fitted_manifest(item, crd, oldest if number == 1 else served_version(crd))
        if found:
            yield found


def _age(version):
    """v1alpha2 before v1alpha3 before v1beta1 before v1."""
    for stage, word in enumerate(("alpha", "beta")):
        if word in version:
            return stage, version
    return 2, version


def condition(kind, item):
    return {"type": kind, "status": "True", "reason": kind, "message": "looked at",
            "lastTransitionTime": "2026-01-02T03:04:05Z", "observedGeneration": item["metadata"]["generation"]}


def _listener_status(item):
    return [{"name": listener["name"], "port": listener.get("port", 1), "attachedRoutes": 1,
             "supportedKinds": [{"group": GATEWAY, "kind": "HTTPRoute"}], "conditions": [condition("Accepted", item)]}
            for listener in item["spec"]["listeners"]]


def _reference_status(item):
    conditions = [condition("Accepted", item), condition("ResolvedRefs", item)]
    reference = {"group": GATEWAY, "kind": "Gateway", "name": "full", "namespace": NAMESPACE}
    shared = {"controllerName": CONTROLLER, "conditions": conditions}
    return {"parents": [{"parentRef": {**reference, "sectionName": "http", "port": 80}, **shared}],
            "ancestors": [{"ancestorRef": reference, **shared}]}


def status_for(item, crd, version):
    """A status as the object's controller writes it; None where the kind has no status of its own."""
    found = version_of(crd, version)
    if "status" not in found.get("subresources", {}):
        return None
    schema = schema_of(crd, version)["properties"]["status"]
    status = {"conditions": [condition("Accepted", item), condition("Programmed", item)],
              "addresses": [{"type": "IPAddress", "value": "192.0.2.7"}], "attachedListenerSets": 1}
    named = has_field(schema, "supportedFeatures", "name")
    status["supportedFeatures"] = [{"name": name} if named else name for name in ("Gateway", "HTTPRoute")]
    status |= _reference_status(item)
    if "listeners" in item.get("spec", {}):
        status["listeners"] = _listener_status(item)
    return fitted(status, schema)
