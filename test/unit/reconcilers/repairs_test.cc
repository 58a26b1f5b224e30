// SPDX-License-Identifier: Apache-2.0
// Fields as a kube-apiserver 1.36 names them where it refuses objects of the wrong kind; each row
// is a rule that a release of Gateway API tightened.
#include "reconcilers/plan/repairs.h"

#include <gtest/gtest.h>

#include <string>

namespace gatelift {
namespace {

struct Row {
  const char* rule;
  const char* kind;
  const char* field;
  const char* says;  // a word of the repair that no other row of the kind has
};

// clang-format off
const Row kRows[] = {
    {"v0.7: names of query parameters", "HTTPRoute", "spec.rules[0].matches[0].queryParams[0].name",
     "parameter's name"},
    {"v0.8: TLS and hostnames by protocol, names and ports unique", "Gateway", "spec.listeners",
     "look at each listener"},
    {"v0.8: Terminate needs a certificate", "Gateway", "spec.listeners[1].tls",
     "tls.certificateRefs"},
    {"v0.8: addresses are unique", "Gateway", "spec.addresses", "repeated addresses"},
    {"v0.8: addresses parse", "Gateway", "spec.addresses[0]", "lower-case"},
    {"v0.8: an IP address parses", "Gateway", "spec.addresses[0].value", "lower-case"},
    {"v0.8: filters once per type", "HTTPRoute", "spec.rules[0].filters", "one filter of each"},
    {"v0.8: the same of a backend", "HTTPRoute", "spec.rules[0].backendRefs[1].filters",
     "one filter of each"},
    {"v0.8: a body for the type", "HTTPRoute", "spec.rules[0].filters[2]", "body that belongs"},
    {"v0.8: no backends with a redirect, one match for a prefix", "HTTPRoute", "spec.rules[3]",
     "that redirects"},
    {"v0.8: paths", "HTTPRoute", "spec.rules[0].matches[12].path", "leading /"},
    {"v0.8: Services have a port", "HTTPRoute", "spec.rules[0].backendRefs[0]", "Service's port"},
    {"v0.8: also of a mirror", "HTTPRoute", "spec.rules[0].filters[0].requestMirror.backendRef",
     "mirror"},
    {"v0.8: lists of removed headers are sets", "HTTPRoute",
     "spec.rules[0].filters[0].requestHeaderModifier.remove[1]", "repeated header"},
    {"v0.8: parentRefs are unique", "HTTPRoute", "spec.parentRefs", "sectionName"},
    {"v0.8: the same", "UDPRoute", "spec.parentRefs", "sectionName"},
    {"v0.8: a method names something", "GRPCRoute", "spec.rules[0].matches[0].method",
     "holds a type only"},
    {"v1.0: all have a sectionName or none has", "TLSRoute", "spec.parentRefs", "sectionName"},
    {"v1.1: HTTPS does not pass through", "Gateway", "spec.listeners", "has protocol TLS"},
    {"v1.2: labels of the infrastructure", "Gateway", "spec.infrastructure.labels.team",
     "63 letters"},
    {"v1.2: their keys", "Gateway", "spec.infrastructure.labels", "prefix/name"},
    {"v1.2: with a prefix", "Gateway", "spec.infrastructure.labels[example.com/team]",
     "63 letters"},
    {"v1.2: annotations", "Gateway", "spec.infrastructure.annotations", "8 annotations"},
    {"v1.3: targets once", "BackendTLSPolicy", "spec.targetRefs", "repeated target"},
    {"v1.4: a GRPCRoute has a spec", "GRPCRoute", "spec", "serves nothing"},
    {"v1.4: conditions of a parent", "HTTPRoute", "status.parents[0].conditions",
     "writes its status anew"},
    {"v1.4: conditions of an ancestor", "BackendTLSPolicy", "status.ancestors[0].conditions",
     "writes its status anew"},
    {"v1.4: rules have backends", "TCPRoute", "spec.rules[0].backendRefs", "name the rule's"},
    {"v1.4: a TLSRoute has hostnames", "TLSRoute", "spec.hostnames", "at least one"},
    {"v1.4: and one rule", "TLSRoute", "spec.rules", "exactly one rule"},
    {"v1.4: origins", "HTTPRoute", "spec.rules[0].filters[0].cors.allowOrigins[0]", "https://host"},
    {"v1.4: * among origins", "HTTPRoute", "spec.rules[0].filters[0].cors.allowOrigins",
     "stands alone"},
    {"v1.5: TLS needs tls", "Gateway", "spec.listeners", "the mode that is meant"},
    {"v1.5: rules is not empty", "HTTPRoute", "spec.rules", "empty list"},
    {"v1.5: values of headers", "HTTPRoute",
     "spec.rules[0].filters[0].requestHeaderModifier.set[0].value", "single blanks"},
    {"v1.5: also added ones, of answers", "GRPCRoute",
     "spec.rules[0].backendRefs[0].filters[0].responseHeaderModifier.add[7].value",
     "single blanks"},
    {"v1.5: cookies of a header session", "GRPCRoute", "spec.rules[0].sessionPersistence",
     "cookieConfig"},
    {"v1.5: the same of a policy", "XBackendTrafficPolicy", "spec.sessionPersistence",
     "cookieConfig"},
    {"v1.5: * among headers", "HTTPRoute", "spec.rules[0].filters[0].cors.allowHeaders",
     "list the headers"},
    {"v1.5: headers of external authorization", "HTTPRoute",
     "spec.rules[0].filters[0].externalAuth.http.allowedResponseHeaders", "64"},
    {"v1.5: host names", "TLSRoute", "spec.hostnames[0]", "no IP addresses"},
    {"v1.5: ports of listener sets", "ListenerSet", "spec.listeners[0].port", "1 to 65535"},
    {"v1.5.1: CORS once", "HTTPRoute", "spec.rules[0].filters", "one filter of each"},
    {"v1.6: a ReferenceGrant has a spec", "ReferenceGrant", "spec", "grants nothing"},
    {"v1.6: attempts", "HTTPRoute", "spec.rules[0].retry.attempts", "no retries"},
    {"v1.6: codes", "HTTPRoute", "spec.rules[0].retry.codes[1]", "repeated code"},
    {"v1.6: one rule", "UDPRoute", "spec.rules", "exactly one rule"},
    {"experimental from v1.4: names of rules", "HTTPRoute", "spec.rules", "name of its own"},
    {"standard: types of filters", "HTTPRoute", "spec.rules[0].filters[0].type", "whose channel"},
};
// clang-format on

TEST(Repairs, KnowEachRuleThatWasTightened) {
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.rule);
    const std::string text(repair_for(row.kind, row.field));
    EXPECT_NE(text.find(row.says), std::string::npos) << text;
    EXPECT_FALSE(text.ends_with('.'));
  }
}

TEST(Repairs, SayNothingOfFieldsThatNoRowKnows) {
  EXPECT_EQ(repair_for("HTTPRoute", "spec.rules[0].timeouts"), "");
  EXPECT_EQ(repair_for("HTTPRoute", ""), "");
  EXPECT_EQ(repair_for("HTTPRoute", "spec"), "");
  EXPECT_EQ(repair_for("Route", "spec.parentRefs"), "");
  EXPECT_EQ(repair_for("Gateway", "spec.listeners[0]"), "");
}

}  // namespace
}  // namespace gatelift
