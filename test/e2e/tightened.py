# SPDX-License-Identifier: Apache-2.0
"""Objects that some releases take and others refuse: one for each rule that was tightened, or loosened and is
tightened on the way down. Only the API servers of the releases know which is which; nothing here says it."""

from kube import GATEWAY
from own_objects import (ANSWER_HEADER, AUTH, CORS, REDIRECT, REWRITE, SESSION, SET_HEADER, X_GROUP, manifest, prefix,
                         secret, service, target)
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


def answering(*removed):
    return {"type": "ResponseHeaderModifier", "responseHeaderModifier": {"remove": list(removed)}}


def cors(*origins, **more):
    return {"type": "CORS", "cors": {"allowOrigins": list(origins), **more}}


def auth(**http):
    return {**AUTH, "externalAuth": {**AUTH["externalAuth"], "http": http}}


def headers(count):
    return [f"x-{number}" for number in range(count)]


def redirect(code):
    return {"type": "RequestRedirect", "requestRedirect": {"scheme": "https", "statusCode": code}}


def redirecting(*filters, **rule):
    """A rule without backends."""
    return {"rules": [{"filters": list(filters), **rule}]}


def grpc(rule=None, **more):
    return {"rules": [{"backendRefs": [service("plain")], **(rule or {})}], **more}


def four_layer(kind, hostnames=()):
    """What every kind of route of layer 4 has rules for."""
    hosts = {"hostnames": list(hostnames)} if hostnames else {}
    for name, spec in (("no-backend", {"rules": [{"name": "a"}]}),
                       ("backend-without-port", {"rules": [{"backendRefs": [{"name": "a"}]}]}),
                       ("one-section", {"parentRefs": ONE_SECTION, "rules": TWO_RULES[:1]}),
                       ("section-or-port", {"parentRefs": SECTION_OR_PORT, "rules": TWO_RULES[:1]}),
                       ("one-port", {"parentRefs": ONE_PORT, "rules": TWO_RULES[:1]}),
                       ("same-parent-twice", {"parentRefs": SAME_PARENT, "rules": TWO_RULES[:1]}),
                       ("two-rules", {"rules": TWO_RULES})):
        yield GATEWAY, kind, name, {**hosts, **spec}


HTTP = {"name": "http", "port": 80, "protocol": "HTTP"}
HTTPS = {"name": "https", "port": 443, "protocol": "HTTPS"}
TLS = {"name": "tls", "port": 443, "protocol": "TLS"}
CERTIFICATE = {"certificateRefs": [secret("shop")]}
BY_PORT = [{"name": "plain", "port": 80}, {"name": "plain", "port": 443}]
ONE_PORT = [{"name": "plain", "sectionName": "a", "port": 80}, {"name": "plain", "sectionName": "b"}]
SAME_PARENT = [{"name": "plain", "sectionName": "a"}] * 2
SECTION_OR_PORT = [{"name": "plain", "sectionName": "a"}, {"name": "plain", "port": 80}]
ONE_SECTION = [{"name": "plain", "sectionName": "a"}, {"name": "plain"}]
TWO_RULES = [{"backendRefs": [service("a", 1)]}, {"backendRefs": [service("b", 2)]}]
HEADER_SESSION = {**SESSION, "type": "Header"}
VALIDATION = {"hostname": "shop.example.com", "wellKnownCACertificates": "System"}
COOKIELESS = {"sessionName": "visit", "type": "Cookie"}
MIRROR_OF_NO_PORT = {"type": "RequestMirror", "requestMirror": {"backendRef": {"name": "copy"}}}

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
    (GATEWAY, "Gateway", "address-of-no-ip", gateway(HTTP, addresses=[{"type": "IPAddress", "value": "edge"}])),
    (GATEWAY, "Gateway", "address-of-no-host", gateway(HTTP, addresses=[{"type": "Hostname", "value": "Edge_1"}])),
    (GATEWAY, "Gateway", "label-with-blank", gateway(HTTP, infrastructure={"labels": {"team": "the edge"}})),
    (GATEWAY, "Gateway", "key-of-label", gateway(HTTP, infrastructure={"labels": {"-team": "edge"}})),
    (GATEWAY, "Gateway", "key-of-annotation", gateway(HTTP, infrastructure={"annotations": {"-size": "large"}})),
    (GATEWAY, "Gateway", "long-label", gateway(
        HTTP, infrastructure={"labels": {"team": "x" * 70}})),
    (GATEWAY, "Gateway", "many-annotations", gateway(
        HTTP,
        infrastructure={"annotations": {f"example.com/{number}": "x" for number in range(12)}})),
    (GATEWAY, "HTTPRoute", "query-name", http({"matches": [{"queryParams": [{"name": "a b", "value": "c"}]}]})),
    (GATEWAY, "HTTPRoute", "path-without-slash", http({"matches": prefix("shop")})),
    (GATEWAY, "HTTPRoute", "path-with-dots", http({"matches": prefix("/shop/../x")})),
    (GATEWAY, "HTTPRoute", "path-with-dot", http({"matches": prefix("/shop/./x")})),
    (GATEWAY, "HTTPRoute", "path-with-slashes", http({"matches": prefix("/shop//x")})),
    (GATEWAY, "HTTPRoute", "path-with-written-slash", http({"matches": prefix("/shop%2fx")})),
    (GATEWAY, "HTTPRoute", "path-with-fragment", http({"matches": prefix("/shop#x")})),
    (GATEWAY, "HTTPRoute", "path-with-blank", http({"matches": prefix("/the shop")})),
    (GATEWAY, "HTTPRoute", "answer-filter-twice", http({"filters": [ANSWER_HEADER, answering("via")]})),
    (GATEWAY, "HTTPRoute", "filter-of-backend-twice", http(
        {"backendRefs": [{**service("plain"), "filters": [SET_HEADER, set_header("2")]}]})),
    (GATEWAY, "HTTPRoute", "redirect-twice", redirecting(redirect(301), redirect(302))),
    (GATEWAY, "HTTPRoute", "rewrite-twice", http({"filters": [REWRITE, REWRITE]})),
    (GATEWAY, "HTTPRoute", "redirect-and-rewrite", redirecting(redirect(301), REWRITE)),
    (GATEWAY, "HTTPRoute", "redirect-of-no-prefix", redirecting(REDIRECT, matches=paths(1))),
    (GATEWAY, "HTTPRoute", "redirect-of-two-prefixes", redirecting(REDIRECT, matches=prefix("/a") + prefix("/b"))),
    (GATEWAY, "HTTPRoute", "rewrite-of-no-prefix", http({"matches": paths(1), "filters": [
        {"type": "URLRewrite", "urlRewrite": {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"}}}]})),
    (GATEWAY, "HTTPRoute", "filter-without-body", http({"filters": [{"type": "RequestHeaderModifier"}]})),
    (GATEWAY, "HTTPRoute", "filter-with-other-body", http({"filters": [{**redirect(301), **SET_HEADER}]})),
    (GATEWAY, "HTTPRoute", "removed-twice", http({"filters": [answering("via", "via")]})),
    (GATEWAY, "HTTPRoute", "mirror-without-port", http({"filters": [MIRROR_OF_NO_PORT]})),
    (GATEWAY, "HTTPRoute", "section-or-port", http(parentRefs=SECTION_OR_PORT)),
    (GATEWAY, "HTTPRoute", "same-parent-twice", http(parentRefs=SAME_PARENT)),
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
    (GATEWAY, "HTTPRoute", "not-ascii", http({"filters": [set_header("grün")]})),
    (GATEWAY, "HTTPRoute", "blank-at-end", http({"filters": [
        {"type": "ResponseHeaderModifier", "responseHeaderModifier": {"add": [{"name": "x-edge", "value": "x "}]}}]})),
    (GATEWAY, "HTTPRoute", "header-session", http({"sessionPersistence": HEADER_SESSION})),
    (GATEWAY, "HTTPRoute", "session-without-cookie", http({"sessionPersistence": COOKIELESS})),
    (GATEWAY, "HTTPRoute", "origin-with-path", http({"filters": [cors("https://shop.example.com/path")]})),
    (GATEWAY, "HTTPRoute", "origin-of-app", http({"filters": [cors("app://shop.example.com")]})),
    (GATEWAY, "HTTPRoute", "any-header-and-one", http(
        {"filters": [cors("https://shop.example.com", allowHeaders=["*", "authorization"])]})),
    (GATEWAY, "HTTPRoute", "many-headers-to-auth", http({"filters": [auth(allowedHeaders=headers(65))]})),
    (GATEWAY, "HTTPRoute", "many-headers-of-auth", http({"filters": [auth(allowedResponseHeaders=headers(65))]})),
    (GATEWAY, "HTTPRoute", "cors-twice", http({"filters": [CORS, CORS]})),
    (GATEWAY, "HTTPRoute", "retry-never", http({"retry": {"attempts": 0}})),
    (GATEWAY, "HTTPRoute", "retry-codes-twice", http({"retry": {"attempts": 1, "codes": [502, 502]}})),
    (GATEWAY, "HTTPRoute", "permanently", {"rules": [{"filters": [redirect(308)]}]}),
    (GATEWAY, "GRPCRoute", "no-spec", NO_SPEC),
    (GATEWAY, "GRPCRoute", "any-method", {"rules": [{"matches": [{"headers": [{"name": "a", "value": "b"}]}]}]}),
    (GATEWAY, "GRPCRoute", "many-matches", {"rules": [{"matches": methods(20)}]}),
    (GATEWAY, "GRPCRoute", "two-blanks", {"rules": [{"filters": [set_header("two  blanks")]}]}),
    (GATEWAY, "GRPCRoute", "one-section", {"parentRefs": ONE_SECTION}),
    (GATEWAY, "GRPCRoute", "one-port", grpc(parentRefs=ONE_PORT)),
    (GATEWAY, "GRPCRoute", "section-or-port", grpc(parentRefs=SECTION_OR_PORT)),
    (GATEWAY, "GRPCRoute", "by-port", grpc(parentRefs=BY_PORT)),
    (GATEWAY, "GRPCRoute", "same-parent-twice", grpc(parentRefs=SAME_PARENT)),
    (GATEWAY, "GRPCRoute", "method-of-type-only", grpc({"matches": [{"method": {"type": "Exact"}}]})),
    (GATEWAY, "GRPCRoute", "filter-twice", grpc({"filters": [SET_HEADER, set_header("2")]})),
    (GATEWAY, "GRPCRoute", "answer-filter-twice", grpc({"filters": [ANSWER_HEADER, answering("via")]})),
    (GATEWAY, "GRPCRoute", "filter-without-body", grpc({"filters": [{"type": "RequestHeaderModifier"}]})),
    (GATEWAY, "GRPCRoute", "removed-twice", grpc({"filters": [answering("via", "via")]})),
    (GATEWAY, "GRPCRoute", "backend-without-port", grpc({"backendRefs": [{"name": "shop"}]})),
    (GATEWAY, "GRPCRoute", "header-session", grpc({"sessionPersistence": HEADER_SESSION})),
    (GATEWAY, "GRPCRoute", "same-name-twice", {"rules": [grpc({"name": "a"})["rules"][0]] * 2}),
    *four_layer("TCPRoute"),
    *four_layer("UDPRoute"),
    *four_layer("TLSRoute", hostnames=["a.example.com"]),
    (GATEWAY, "TLSRoute", "host-of-ip", {"hostnames": ["192.0.2.1"], "rules": TWO_RULES[:1]}),
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
