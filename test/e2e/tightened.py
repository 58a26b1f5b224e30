# SPDX-License-Identifier: Apache-2.0
"""Objects that some releases take and others refuse: one for each rule that was tightened, or loosened and is
tightened on the way down. Only the API servers of the releases know which is which; nothing here says it."""

from kube import GATEWAY
from own_objects import (CORS, SESSION, SET_HEADER, X_GROUP, manifest, prefix, secret, service, target)
from schemas import fitted_manifest, served_version

NAMESPACE = "tightened"
NO_SPEC = None


def gateway(*listeners, **more):
    return {"gatewayClassName": "plain", "listeners": list(listeners), **more}


def http(rule=None, **more):
    return {"rules": [{"backendRefs": [service("plain")], **(rule or {})}], **more}


def paths(count):
    return [{"path": {"type": "Exact", "value": f"/{number}"}} for number in range(count)]


def methods(count):
    return [{"method": {"service": "shop.v1", "method": f"Get{number}"}} for number in range(count)]


def set_header(value):
    return {"type": "RequestHeaderModifier", "requestHeaderModifier": {"set": [{"name": "x-edge", "value": value}]}}


def cors(*origins):
    return {"type": "CORS", "cors": {"allowOrigins": list(origins)}}


def redirect(code):
    return {"type": "RequestRedirect", "requestRedirect": {"scheme": "https", "statusCode": code}}


HTTP = {"name": "http", "port": 80, "protocol": "HTTP"}
HTTPS = {"name": "https", "port": 443, "protocol": "HTTPS"}
TLS = {"name": "tls", "port": 443, "protocol": "TLS"}
CERTIFICATE = {"certificateRefs": [secret("shop")]}
BY_PORT = [{"name": "plain", "port": 80}, {"name": "plain", "port": 443}]
ONE_PORT = [{"name": "plain", "sectionName": "a", "port": 80}, {"name": "plain", "sectionName": "b"}]
ONE_SECTION = [{"name": "plain", "sectionName": "a"}, {"name": "plain"}]
TWO_RULES = [{"backendRefs": [service("a", 1)]}, {"backendRefs": [service("b", 2)]}]
HEADER_SESSION = {**SESSION, "type": "Header"}
VALIDATION = {"hostname": "shop.example.com", "wellKnownCACertificates": "System"}
COOKIELESS = {"sessionName": "visit", "type": "Cookie"}

# group, kind, name, spec
OBJECTS = (
    (GATEWAY, "Gateway", "https-without-tls", gateway(HTTPS)),
    (GATEWAY, "Gateway", "tls-without-tls", gateway(TLS)),
    (GATEWAY, "Gateway", "http-with-tls", gateway({**HTTP, "tls": CERTIFICATE})),
    (GATEWAY, "Gateway", "https-passthrough", gateway({**HTTPS, "tls": {"mode": "Passthrough"}})),
    (GATEWAY, "Gateway", "terminate-without-certificate", gateway({**HTTPS, "tls": {"mode": "Terminate"}})),
    (GATEWAY, "Gateway", "tcp-with-hostname", gateway(
        {"name": "tcp", "port": 80, "protocol": "TCP", "hostname": "a.example.com"})),
    (GATEWAY, "Gateway", "hostname-and-none", gateway(
        {"name": "a", "port": 80, "protocol": "HTTP", "hostname": "a.example.com"},
        {"name": "b", "port": 80, "protocol": "HTTP"})),
    (GATEWAY, "Gateway", "same-listener-twice", gateway(
        {"name": "a", "port": 80, "protocol": "HTTP"}, {"name": "b", "port": 80, "protocol": "HTTP"})),
    (GATEWAY, "Gateway", "address-of-no-value", gateway(
        HTTP, addresses=[{"type": "IPAddress"}])),
    (GATEWAY, "Gateway", "address-twice", gateway(
        HTTP,
        addresses=[{"type": "IPAddress", "value": "192.0.2.1"}, {"type": "IPAddress", "value": "192.0.2.1"}])),
    (GATEWAY, "Gateway", "long-label", gateway(
        HTTP, infrastructure={"labels": {"team": "x" * 70}})),
    (GATEWAY, "Gateway", "many-annotations", gateway(
        HTTP,
        infrastructure={"annotations": {f"example.com/{number}": "x" for number in range(12)}})),
    (GATEWAY, "HTTPRoute", "query-name", http({"matches": [{"queryParams": [{"name": "a b", "value": "c"}]}]})),
    (GATEWAY, "HTTPRoute", "path-without-slash", http({"matches": prefix("shop")})),
    (GATEWAY, "HTTPRoute", "path-with-dots", http({"matches": prefix("/shop/../x")})),
    (GATEWAY, "HTTPRoute", "filter-twice", http({"filters": [SET_HEADER, set_header("2")]})),
    (GATEWAY, "HTTPRoute", "redirect-and-backend", http({"filters": [redirect(301)]})),
    (GATEWAY, "HTTPRoute", "backend-without-port", http({"backendRefs": [{"name": "shop"}]})),
    (GATEWAY, "HTTPRoute", "one-section", http(parentRefs=ONE_SECTION)),
    (GATEWAY, "HTTPRoute", "one-port", http(parentRefs=ONE_PORT)),
    (GATEWAY, "HTTPRoute", "by-port", http(parentRefs=BY_PORT)),
    (GATEWAY, "HTTPRoute", "same-name-twice", {"rules": [http({"name": "a"})["rules"][0]] * 2}),
    (GATEWAY, "HTTPRoute", "no-rules", {"rules": []}),
    (GATEWAY, "HTTPRoute", "many-matches", http({"matches": paths(40)})),
    (GATEWAY, "HTTPRoute", "two-blanks", http({"filters": [set_header("two  blanks")]})),
    (GATEWAY, "HTTPRoute", "header-session", http({"sessionPersistence": HEADER_SESSION})),
    (GATEWAY, "HTTPRoute", "session-without-cookie", http({"sessionPersistence": COOKIELESS})),
    (GATEWAY, "HTTPRoute", "origin-with-path", http({"filters": [cors("https://shop.example.com/path")]})),
    (GATEWAY, "HTTPRoute", "origin-of-app", http({"filters": [cors("app://shop.example.com")]})),
    (GATEWAY, "HTTPRoute", "cors-twice", http({"filters": [CORS, CORS]})),
    (GATEWAY, "HTTPRoute", "retry-never", http({"retry": {"attempts": 0}})),
    (GATEWAY, "HTTPRoute", "retry-codes-twice", http({"retry": {"attempts": 1, "codes": [502, 502]}})),
    (GATEWAY, "HTTPRoute", "permanently", {"rules": [{"filters": [redirect(308)]}]}),
    (GATEWAY, "GRPCRoute", "no-spec", NO_SPEC),
    (GATEWAY, "GRPCRoute", "any-method", {"rules": [{"matches": [{"headers": [{"name": "a", "value": "b"}]}]}]}),
    (GATEWAY, "GRPCRoute", "many-matches", {"rules": [{"matches": methods(20)}]}),
    (GATEWAY, "GRPCRoute", "two-blanks", {"rules": [{"filters": [set_header("two  blanks")]}]}),
    (GATEWAY, "GRPCRoute", "one-section", {"parentRefs": ONE_SECTION}),
    (GATEWAY, "TCPRoute", "two-rules", {"rules": TWO_RULES}),
    (GATEWAY, "TCPRoute", "no-backend", {"rules": [{"name": "a"}]}),
    (GATEWAY, "UDPRoute", "two-rules", {"rules": TWO_RULES}),
    (GATEWAY, "TLSRoute", "two-rules", {"hostnames": ["a.example.com"], "rules": TWO_RULES}),
    (GATEWAY, "TLSRoute", "no-hostnames", {"rules": TWO_RULES[:1]}),
    (GATEWAY, "TLSRoute", "many-hostnames", {
        "hostnames": [f"h{number}.example.com" for number in range(100)], "rules": TWO_RULES[:1]}),
    (GATEWAY, "ReferenceGrant", "no-spec", NO_SPEC),
    (GATEWAY, "BackendTLSPolicy", "same-target-twice", {"targetRefs": [target("a")] * 2, "validation": VALIDATION}),
    (GATEWAY, "BackendTLSPolicy", "foreign-target", {
        "targetRef": target("a", namespace="shop"),
        "tls": {"hostname": "a.example.com", "wellKnownCACerts": "System"}}),
    (GATEWAY, "BackendTLSPolicy", "other-well-known", {
        "targetRefs": [target("a")],
        "validation": {"hostname": "a.example.com", "wellKnownCACertificates": "example.com/all"}}),
    (GATEWAY, "BackendLBPolicy", "header-session", {"targetRefs": [target("a")], "sessionPersistence": HEADER_SESSION}),
    (X_GROUP, "XBackendTrafficPolicy", "header-session", {
        "targetRefs": [target("a")], "sessionPersistence": HEADER_SESSION}),
    (X_GROUP, "XListenerSet", "port-zero", {
        "parentRef": {"name": "plain"}, "listeners": [{"name": "http", "protocol": "HTTP", "port": 0}]}),
    (X_GROUP, "XListenerSet", "tls-without-tls", {"parentRef": {"name": "plain"}, "listeners": [TLS]}),
)


def objects_for(crd):
    """Those of one kind that have a place in its CRD; whether it takes them is another question."""
    group, kind = crd["spec"]["group"], crd["spec"]["names"]["kind"]
    for of_group, of_kind, name, spec in OBJECTS:
        if (of_group, of_kind) == (group, kind):
            item = fitted_manifest(manifest(kind, name, spec, NAMESPACE), crd, served_version(crd))
            if item:
                yield item
