// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/plan/repairs.h"

#include <algorithm>
#include <array>
#include <string>

namespace gatelift {
namespace {

/// `kinds` are names with blanks around each. In `field` every index is "[]"; an asterisk at its
/// beginning or end stands for anything. The first row that fits counts. Several rules may look at
/// one field, and which of them refused is in the API server's words only, so that a row's text
/// goes through all of them.
struct Repair {
  std::string_view kinds;
  std::string_view field;
  std::string_view text;
};

constexpr std::string_view kRoutes = " HTTPRoute GRPCRoute TCPRoute TLSRoute UDPRoute ";
constexpr std::string_view kHttpAndGrpc = " HTTPRoute GRPCRoute ";
constexpr std::string_view kHttp = " HTTPRoute ";
constexpr std::string_view kGateway = " Gateway ";
constexpr std::string_view kListeners = " Gateway ListenerSet XListenerSet ";
constexpr std::string_view kFourLayer = " TCPRoute TLSRoute UDPRoute ";
constexpr std::string_view kTlsRoute = " TLSRoute ";
constexpr std::string_view kBalanced = " BackendLBPolicy XBackendTrafficPolicy ";

// clang-format off
constexpr std::array kRepairs{
    // Gateway and the sets of listeners.
    Repair{kListeners, "spec.listeners",
           "look at each listener: HTTPS needs tls.mode Terminate (one that passes TLS through has "
           "protocol TLS), TLS needs tls with the mode that is meant, HTTP, TCP and UDP take no "
           "tls, TCP and UDP no hostname; names, and port, protocol and hostname together, are "
           "unique"},
    Repair{kListeners, "spec.listeners[].tls",
           "name the certificate in tls.certificateRefs, or let TLS through with protocol TLS and "
           "tls.mode Passthrough"},
    Repair{kListeners, "spec.listeners[].port",
           "give the listener a port of 1 to 65535; there is no dynamic one"},
    Repair{kGateway, "spec.addresses",
           "take repeated addresses away; v1.3.0 also refuses an address without a value, and v1.4 "
           "takes it"},
    Repair{kGateway, "spec.addresses[]*",
           "write an IPAddress as an address, and a Hostname in lower-case letters, digits, dots "
           "and hyphens"},
    Repair{kGateway, "spec.infrastructure.labels*",
           "shorten the label's value to 63 letters, digits, hyphens, dots and underscores, and "
           "write its key as name or prefix/name"},
    Repair{kGateway, "spec.infrastructure.annotations*",
           "write each key as name or prefix/name, and keep to 8 annotations before v1.6 and 16 "
           "from then on"},
    // All routes.
    Repair{kRoutes, "spec.parentRefs",
           "where several parentRefs name one parent, give each a sectionName of its own; port may "
           "tell them apart in the experimental channel only, and there all of them have one or "
           "none does"},
    Repair{kHttpAndGrpc, "*requestMirror.backendRef",
           "add the Service's port to the backendRef of the mirror"},
    Repair{kHttp, "*externalAuth.backendRef", "add the Service's port to the backendRef"},
    Repair{kRoutes, "spec.rules[].backendRefs[]", "add the Service's port to the backendRef"},
    Repair{kRoutes, "status.parents[].conditions",
           "nothing by hand: the route's controller writes its status anew"},
    Repair{" BackendTLSPolicy BackendLBPolicy XBackendTrafficPolicy ",
           "status.ancestors[].conditions",
           "nothing by hand: the policy's controller writes its status anew"},
    // HTTPRoute and GRPCRoute.
    Repair{kHttpAndGrpc, "spec.rules",
           "give each rule a name of its own (policies may point at the old one); where rules is "
           "an empty list, either remove it, so that the default rule serves everything, or delete "
           "the route, which serves nothing"},
    Repair{kHttp, "spec.rules[]",
           "take backendRefs away from a rule that redirects, and let a rule whose filter replaces "
           "a prefix have exactly one match, of type PathPrefix"},
    Repair{kHttp, "spec.rules[].matches[].path",
           "write the path with a leading / and without //, /./, /../, %2f, # and characters that "
           "no URL has, or match it as RegularExpression"},
    Repair{kHttp, "spec.rules[].matches[].queryParams[].name",
           "write the parameter's name in letters, digits and !#$%&'*+-.^_`|~ only, or take the "
           "match away: another name cannot be matched any more"},
    Repair{" GRPCRoute ", "spec.rules[].matches[].method*",
           "name a service or a method, or remove a method that holds a type only, and its match "
           "if that is left empty, which then matches everything as before"},
    Repair{kHttpAndGrpc, "*filters",
           "keep one filter of each type, merged from those that are repeated, and not both "
           "RequestRedirect and URLRewrite"},
    Repair{kHttpAndGrpc, "*filters[]",
           "give the filter the body that belongs to its type, and no other"},
    Repair{kHttpAndGrpc, "*filters[].type",
           "take the filter away, or choose a bundle whose channel has this type"},
    Repair{kHttpAndGrpc, "*HeaderModifier.set[].value",
           "leave single blanks between the words of the value, none at its ends, and ASCII "
           "characters only"},
    Repair{kHttpAndGrpc, "*HeaderModifier.add[].value",
           "leave single blanks between the words of the value, none at its ends, and ASCII "
           "characters only"},
    Repair{kHttpAndGrpc, "*HeaderModifier.remove*",
           "take the repeated header out of the list, which means the same"},
    Repair{kHttp, "*cors.allowOrigins*",
           "write each origin as http://host or https://host, with a port if need be and without a "
           "path; * stands alone"},
    Repair{kHttp, "*cors.allowHeaders*", "let * stand alone, or list the headers without it"},
    Repair{kHttp, "*cors.allowMethods*", "let * stand alone, or list the methods without it"},
    Repair{kHttp, "*externalAuth.http.allowed*", "list at most 64 headers"},
    Repair{kHttp, "*externalAuth.grpc.allowed*", "list at most 64 headers"},
    Repair{kHttpAndGrpc, "spec.rules[].sessionPersistence",
           "remove cookieConfig where type is Header, which means the same, and give a Permanent "
           "cookie an absoluteTimeout"},
    Repair{kHttp, "spec.rules[].retry.attempts",
           "say what is meant: 0 asked for no retries, and without the field the implementation's "
           "own number counts"},
    Repair{kHttp, "spec.rules[].retry.codes*",
           "take the repeated code out of the list, which means the same"},
    // Routes of layer 4.
    Repair{kFourLayer, "spec.rules",
           "leave exactly one rule: put the backendRefs together, or split the route into one for "
           "each rule"},
    Repair{kFourLayer, "spec.rules[].backendRefs",
           "name the rule's backendRefs, or delete a route that has none"},
    Repair{kTlsRoute, "spec.hostnames*",
           "name the hosts that are meant, for instance those of the listeners that the route is "
           "attached to: at least one, no IP addresses, a wildcard as the first label only"},
    // Policies.
    Repair{" BackendTLSPolicy ", "spec.targetRefs*",
           "take the repeated target away, which means the same, or give each of them a "
           "sectionName of its own"},
    Repair{kBalanced, "spec.sessionPersistence",
           "remove cookieConfig where type is Header, which means the same, and give a Permanent "
           "cookie an absoluteTimeout"},
    // What says nothing.
    Repair{" ReferenceGrant ", "spec", "delete the object: without a spec it grants nothing"},
    Repair{" GRPCRoute ", "spec",
           "delete the object, or write the spec that is meant: without one it serves nothing"},
};
// clang-format on

/// "spec.rules[].retry" of "spec.rules[3].retry"; keys of maps in brackets stay.
std::string without_indices(std::string_view field) {
  std::string text;
  for (std::size_t i = 0; i < field.size(); ++i) {
    text += field[i];
    if (field[i] != '[') continue;
    const std::size_t end = field.find_first_not_of("0123456789", i + 1);
    if (end != std::string_view::npos && field[end] == ']') i = end - 1;
  }
  return text;
}

bool fits(std::string_view pattern, std::string_view field) {
  if (pattern.starts_with('*')) {
    pattern.remove_prefix(1);
    if (!pattern.ends_with('*')) return field.ends_with(pattern);
    pattern.remove_suffix(1);
    return field.find(pattern) != std::string_view::npos;
  }
  if (!pattern.ends_with('*')) return field == pattern;
  pattern.remove_suffix(1);
  return field.starts_with(pattern);
}

}  // namespace

std::string_view repair_for(std::string_view kind, std::string_view field) {
  const std::string wanted = ' ' + std::string(kind) + ' ';
  const std::string bare = without_indices(field);
  const auto* row = std::ranges::find_if(kRepairs, [&](const Repair& repair) {
    return repair.kinds.find(wanted) != std::string_view::npos && fits(repair.field, bare);
  });
  return row == kRepairs.end() ? std::string_view() : row->text;
}

}  // namespace gatelift
