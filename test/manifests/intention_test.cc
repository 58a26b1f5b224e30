// SPDX-License-Identifier: Apache-2.0
// What becomes of objects at the released bundles: each field that moved, was renamed or went
// between v0.6 and v1.6, and values that a later release refuses although it could express them.
// The objects are as people write them; the schemas are the real ones.
#include <gtest/gtest.h>

#include <array>
#include <map>
#include <memory>
#include <random>
#include <set>

#include "client/yaml.h"
#include "reconcilers/convert/intention.h"
#include "reconcilers/convert/renaming.h"
#include "test/manifests/released_bundles.h"

namespace gatelift {
namespace {

const Bundle& bundle(const std::string& name) {
  static std::map<std::string, std::unique_ptr<Bundle>> loaded;
  std::unique_ptr<Bundle>& held = loaded[name];
  if (held == nullptr) {
    auto read = BundleSources({released_bundles()}).load(released_ref(name));
    if (!read) throw std::runtime_error(read.error().message);
    held = std::make_unique<Bundle>(*std::move(read));
  }
  return *held;
}

Json parsed(const std::string& yaml) {
  auto documents = parse_yaml(yaml, "test");
  if (!documents) throw std::runtime_error(documents.error().message);
  return documents->front();
}

/// "listenersets" and "xlistenersets" with their groups.
std::string crd_name(const std::string& plural) {
  return plural +
         (plural.front() == 'x' ? ".gateway.networking.x-k8s.io" : ".gateway.networking.k8s.io");
}

Json object_of(const BundleCrd& crd, const std::string& version, const std::string& body) {
  Json object = parsed(body);
  object["apiVersion"] = crd.summary.group + "/" + version;
  object["kind"] = crd.summary.kind;
  object["metadata"] = {
      {"name",      "x" },
      {"namespace", "ns"}
  };
  return object;
}

std::string text_of(const FieldChange& change) {
  switch (change.kind) {
    case FieldChange::Kind::Moved:
      return change.field + " -> " + change.to;
    case FieldChange::Kind::Repaired:
      return change.field + " mended";
    case FieldChange::Kind::Dropped:
      return change.field + (change.is_secured ? " lost, secured" : " lost");
  }
  return "";
}

std::vector<std::string> texts_of(const Intention& intention) {
  std::vector<std::string> texts;
  for (const FieldChange& change : intention.changes) texts.push_back(text_of(change));
  for (const ConversionProblem& problem : intention.problems) {
    texts.push_back(problem.code + " " + problem.field);
  }
  return texts;
}

struct Row {
  const char* name;
  const char* from;
  const char* to;
  const char* plural;
  const char* version;  // the object's
  const char* body;
  std::vector<std::string> changes;
  const char* intended;  // "" where the changes say it all
};

class Intended : public testing::TestWithParam<Row> {};

TEST_P(Intended, IsWhatTheTargetHolds) {
  const Row& row = GetParam();
  const BundleCrd* from = bundle(row.from).crd(crd_name(row.plural));
  const BundleCrd* to = bundle(row.to).crd(crd_name(row.plural));
  ASSERT_NE(from, nullptr);
  ASSERT_NE(to, nullptr);
  const Json object = object_of(*from, row.version, row.body);
  EXPECT_EQ(texts_of(Intentions(*from).of(object)), std::vector<std::string>{})
      << "the object is none of " << row.from;
  const Intention intention = Intentions(*to).of(object);
  EXPECT_EQ(texts_of(intention), row.changes);
  if (*row.intended == '\0') return;
  const Json intended = object_of(*to, to->summary.storage_version(), row.intended);
  EXPECT_EQ(intention.object, intended);
  // What is as it shall be does not change again.
  EXPECT_EQ(texts_of(Intentions(*to).of(intention.object)), std::vector<std::string>{});
}

std::string name_of(const testing::TestParamInfo<Row>& info) { return info.param.name; }

const Row kMoved[] = {
    {"FrontendValidation",
     "e1.3.0", "e1.4.1",
     "gateways",                "v1",
     "spec: {gatewayClassName: c, listeners: [{name: a, port: 443, protocol: HTTPS, tls: "
     "{certificateRefs: [{name: s}], frontendValidation: {caCertificateRefs: [{group: '', kind: "
     "ConfigMap, name: ca}]}}}, {name: b, port: 80, protocol: HTTP}]}",                              {"spec.listeners[0].tls.frontendValidation -> "
      "spec.tls.frontend.perPort[port=443].tls.validation"},
     "spec: {gatewayClassName: c, listeners: [{name: a, port: 443, protocol: HTTPS, tls: "
     "{certificateRefs: [{name: s}]}}, {name: b, port: 80, protocol: HTTP}], tls: {frontend: "
     "{default: {}, perPort: [{port: 443, tls: {validation: {mode: AllowValidOnly, "
     "caCertificateRefs: [{group: '', kind: ConfigMap, name: ca}]}}}]}}}"         },
    {"FrontendValidationOfTwoListenersOfOnePort",
     "e1.3.0", "e1.6.1",
     "gateways",                "v1",
     "spec: {listeners: [{name: a, hostname: a.com, port: 443, protocol: HTTPS, tls: "
     "{frontendValidation: {caCertificateRefs: [{name: ca}]}}}, {name: b, hostname: b.com, port: "
     "443, protocol: HTTPS, tls: {frontendValidation: {caCertificateRefs: [{name: ca}]}}}]}",        {"spec.listeners[0].tls.frontendValidation -> "
      "spec.tls.frontend.perPort[port=443].tls.validation",
      "spec.listeners[1].tls.frontendValidation -> "
      "spec.tls.frontend.perPort[port=443].tls.validation"},
     ""                                                                           },
    {"FrontendValidationOfOneOfTwoListeners",
     "e1.3.0", "e1.4.1",
     "gateways",                "v1",
     "spec: {listeners: [{name: a, hostname: a.com, port: 443, protocol: HTTPS, tls: {}}, {name: "
     "b, "
     "hostname: b.com, port: 443, protocol: HTTPS, tls: {frontendValidation: {caCertificateRefs: "
     "[{name: ca}]}}}]}",                                                                            {"spec.listeners[1].tls.frontendValidation lost, secured",
      "ValidationPerPort spec.listeners[1].tls.frontendValidation"},
     ""                                                                           },
    {"FrontendValidationToStandard",
     "e1.3.0", "s1.4.1",
     "gateways",                "v1",
     "spec: {listeners: [{name: a, port: 443, protocol: HTTPS, tls: {frontendValidation: "
     "{caCertificateRefs: [{name: ca}]}}}]}",                                                        {"spec.listeners[0].tls.frontendValidation lost, secured"},
     ""                                                                           },
    {"FrontendValidationToStandardThatHasIt",
     "e1.3.0", "s1.5.1",
     "gateways",                "v1",
     "spec: {listeners: [{name: a, port: 443, protocol: HTTPS, tls: {frontendValidation: "
     "{caCertificateRefs: [{name: ca}]}}}]}",                                                        {"spec.listeners[0].tls.frontendValidation -> "
      "spec.tls.frontend.perPort[port=443].tls.validation"},
     ""                                                                           },
    {"BackendClientCertificate",
     "e1.3.0", "e1.4.1",
     "gateways",                "v1",
     "spec: {backendTLS: {clientCertificateRef: {name: s}}}",                                        {"spec.backendTLS.clientCertificateRef -> spec.tls.backend.clientCertificateRef"},
     "spec: {tls: {backend: {clientCertificateRef: {name: s}}}}"                  },
    {"FeaturesOfAClass",
     "e1.1.1", "e1.2.1",
     "gatewayclasses",          "v1",
     "status: {supportedFeatures: [HTTPRoute, Gateway]}",                                            {"status.supportedFeatures mended"},
     "status: {supportedFeatures: [{name: HTTPRoute}, {name: Gateway}]}"          },
    {"FeaturesOfAClassToStandardWithoutThem",
     "e1.1.1", "s1.2.1",
     "gatewayclasses",          "v1",
     "status: {supportedFeatures: [HTTPRoute]}",                                                     {"status.supportedFeatures lost"},
     "status: {}"                                                                 },
    {"GrpcMethodRelic",
     "e0.6.2", "e0.8.1",
     "grpcroutes",              "v1alpha2",
     "spec: {rules: [{matches: [{method: {type: Exact}}]}]}",                                        {"spec.rules[0].matches[0].method mended"},
     "spec: {rules: [{}]}"                                                        },
    {"GrpcMethodRelicWithHeaders",
     "e0.7.1", "e1.2.1",
     "grpcroutes",              "v1alpha2",
     "spec: {rules: [{matches: [{method: {type: Exact}, headers: [{name: a, value: b}]}, {method: "
     "{type: Exact, service: s}}]}]}",                                                               {"spec.rules[0].matches[0].method mended"},
     "spec: {rules: [{matches: [{headers: [{name: a, value: b}]}, {method: {type: Exact, service: "
     "s}}]}]}"                                                                    },
    {"GrpcMethodRelicBesideOthers",
     "e0.7.1", "e0.8.1",
     "grpcroutes",              "v1alpha2",
     "spec: {rules: [{matches: [{method: {type: Exact}}, {method: {service: s}}]}]}",                {"spec.rules[0].matches[0].method mended", "spec.rules[0].matches mended"},
     "spec: {rules: [{}]}"                                                        },
    {"CookieOfHeaderSession",
     "e1.4.1", "e1.5.1",
     "httproutes",              "v1",
     "spec: {rules: [{sessionPersistence: {type: Header, cookieConfig: {lifetimeType: Session}}}]}", {"spec.rules[0].sessionPersistence.cookieConfig mended"},
     "spec: {rules: [{sessionPersistence: {type: Header}}]}"                      },
    {"CookieOfHeaderSessionOfGrpc",
     "e1.4.1", "e1.5.1",
     "grpcroutes",              "v1",
     "spec: {rules: [{sessionPersistence: {type: Header, cookieConfig: {}}}]}",                      {"spec.rules[0].sessionPersistence.cookieConfig mended"},
     ""                                                                           },
    {"CookieOfHeaderSessionOfAPolicy",
     "e1.4.1", "e1.5.1",
     "xbackendtrafficpolicies", "v1alpha1",
     "spec: {sessionPersistence: {type: Header, cookieConfig: {}}}",                                 {"spec.sessionPersistence.cookieConfig mended"},
     "spec: {sessionPersistence: {type: Header}}"                                 },
    {"CookieOfCookieSession",
     "e1.4.1", "e1.5.1",
     "httproutes",              "v1",
     "spec: {rules: [{sessionPersistence: {type: Cookie, cookieConfig: {lifetimeType: Session}}}]}", {},
     ""                                                                           },
    {"RetryCodes",
     "e1.5.1", "e1.6.1",
     "httproutes",              "v1",
     "spec: {rules: [{retry: {codes: [500, 502, 500]}}]}",                                           {"spec.rules[0].retry.codes mended"},
     "spec: {rules: [{retry: {codes: [500, 502]}}]}"                              },
    {"DuplicateTargets",
     "e1.2.1", "e1.3.0",
     "backendtlspolicies",      "v1alpha3",
     "spec: {targetRefs: [{group: '', kind: Service, name: a}, {group: '', kind: Service, name: "
     "a}]}",                                                                                         {"spec.targetRefs mended"},
     "spec: {targetRefs: [{group: '', kind: Service, name: a}]}"                  },
    {"PolicyUp",
     "e1.0.0", "e1.6.1",
     "backendtlspolicies",      "v1alpha2",
     "spec: {targetRef: {group: '', kind: Service, name: a, sectionName: p}, tls: {hostname: h, "
     "caCertRefs: [{group: '', kind: ConfigMap, name: ca}]}}",                                       {},
     "spec: {targetRefs: [{group: '', kind: Service, name: a, sectionName: p}], validation: "
     "{hostname: h, caCertificateRefs: [{group: '', kind: ConfigMap, name: ca}]}}"},
    {"PolicyDownWithNames",
     "e1.2.1", "e1.0.0",
     "backendtlspolicies",      "v1alpha3",
     "spec: {targetRefs: [{group: '', kind: Service, name: a}], options: {a: b}, validation: "
     "{hostname: h, subjectAltNames: [{type: Hostname, hostname: h}]}}",                             {"FieldNotInTarget spec.validation.subjectAltNames", "FieldNotInTarget spec.options"},
     ""                                                                           },
};
INSTANTIATE_TEST_SUITE_P(Moved, Intended, testing::ValuesIn(kMoved), name_of);

/// Fields that a bundle lacks: from experimental to standard of the same release, or down.
const Row kLost[] = {
    {"IdleTimeout",
     "e1.5.1", "e1.6.1",
     "httproutes",              "v1",
     "spec: {rules: [{sessionPersistence: {idleTimeout: 1s}}]}",                                     {"spec.rules[0].sessionPersistence.idleTimeout lost"},
     ""},
    {"IdleTimeoutOfGrpc",
     "e1.5.1", "e1.6.1",
     "grpcroutes",              "v1",
     "spec: {rules: [{sessionPersistence: {idleTimeout: 1s}}]}",                                     {"spec.rules[0].sessionPersistence.idleTimeout lost"},
     ""},
    {"IdleTimeoutOfAPolicy",
     "e1.5.1", "e1.6.1",
     "xbackendtrafficpolicies", "v1alpha1",
     "spec: {sessionPersistence: {idleTimeout: 1s}}",                                                {"spec.sessionPersistence.idleTimeout lost"},
     ""},
    {"Filters06",
     "e0.6.2", "s0.6.2",
     "httproutes",              "v1beta1",
     "spec: {rules: [{filters: [{type: URLRewrite, urlRewrite: {hostname: h}}, {type: "
     "ResponseHeaderModifier, responseHeaderModifier: {remove: [a]}}, {type: RequestRedirect, "
     "requestRedirect: {path: {type: ReplaceFullPath, replaceFullPath: /}}}]}]}",                    {"spec.rules[0].filters[0].urlRewrite lost",
      "spec.rules[0].filters[1].responseHeaderModifier lost",
      "spec.rules[0].filters[2].requestRedirect.path lost"},
     ""},
    {"ParentPort",
     "e1.0.0", "s1.0.0",
     "httproutes",              "v1",
     "spec: {parentRefs: [{name: g, port: 80}]}",                                                    {"spec.parentRefs[0].port lost"},
     ""},
    {"Timeouts",
     "e1.1.1", "s1.1.1",
     "httproutes",              "v1",
     "spec: {rules: [{timeouts: {request: 1s}}]}",                                                   {"spec.rules[0].timeouts lost"},
     ""},
    {"TimeoutsDown",
     "e0.8.1", "e0.8.0",
     "httproutes",              "v1beta1",
     "spec: {rules: [{timeouts: {request: 1s}}]}",                                                   {"spec.rules[0].timeouts lost"},
     ""},
    {"MirrorPercent",
     "e1.2.1", "s1.2.1",
     "httproutes",              "v1",
     "spec: {rules: [{filters: [{requestMirror: {percent: 5, fraction: {numerator: 1}}}]}]}",        {"spec.rules[0].filters[0].requestMirror.fraction lost",
      "spec.rules[0].filters[0].requestMirror.percent lost"},
     ""},
    {"MirrorPercentOfGrpc",
     "e1.2.1", "s1.2.1",
     "grpcroutes",              "v1",
     "spec: {rules: [{filters: [{requestMirror: {percent: 5}}]}]}",                                  {"spec.rules[0].filters[0].requestMirror.percent lost"},
     ""},
    {"RuleName",
     "e1.3.0", "s1.3.0",
     "httproutes",              "v1",
     "spec: {rules: [{name: n}]}",                                                                   {"spec.rules[0].name lost"},
     ""},
    {"RuleNameOfGrpc",
     "e1.3.0", "s1.3.0",
     "grpcroutes",              "v1",
     "spec: {rules: [{name: n}]}",                                                                   {"spec.rules[0].name lost"},
     ""},
    {"Cors",
     "e1.4.1", "s1.4.1",
     "httproutes",              "v1",
     "spec: {rules: [{filters: [{type: CORS, cors: {maxAge: 5}}]}]}",                                {"spec.rules[0].filters[0].cors lost"},
     ""},
    {"ExternalAuth",
     "e1.6.1", "s1.6.1",
     "httproutes",              "v1",
     "spec: {rules: [{filters: [{type: ExternalAuth, externalAuth: {protocol: GRPC}}]}]}",           {"spec.rules[0].filters[0].externalAuth lost, secured"},
     ""},
    {"Retry",
     "e1.6.1", "s1.6.1",
     "httproutes",              "v1",
     "spec: {rules: [{retry: {attempts: 3}}]}",                                                      {"spec.rules[0].retry lost"},
     ""},
    {"SessionPersistence",
     "e1.6.1", "s1.6.1",
     "httproutes",              "v1",
     "spec: {rules: [{sessionPersistence: {sessionName: a}}]}",                                      {"spec.rules[0].sessionPersistence lost"},
     ""},
    {"SessionPersistenceOfGrpc",
     "e1.1.1", "s1.1.1",
     "grpcroutes",              "v1",
     "spec: {rules: [{sessionPersistence: {sessionName: a}}]}",                                      {"spec.rules[0].sessionPersistence lost"},
     ""},
    {"DefaultGateways",
     "e1.4.1", "s1.4.1",
     "httproutes",              "v1",
     "spec: {useDefaultGateways: All}",                                                              {"spec.useDefaultGateways lost"},
     ""},
    {"DefaultGatewaysOfGrpc",
     "e1.4.1", "s1.4.1",
     "grpcroutes",              "v1",
     "spec: {useDefaultGateways: All}",                                                              {"spec.useDefaultGateways lost"},
     ""},
    {"DefaultGatewaysOfTls",
     "e1.5.1", "s1.5.1",
     "tlsroutes",               "v1",
     "spec: {useDefaultGateways: All}",                                                              {"spec.useDefaultGateways lost"},
     ""},
    {"DefaultGatewaysOfTcp",
     "e1.6.1", "s1.6.1",
     "tcproutes",               "v1",
     "spec: {useDefaultGateways: All}",                                                              {"spec.useDefaultGateways lost"},
     ""},
    {"DefaultGatewaysOfUdp",
     "e1.6.1", "s1.6.1",
     "udproutes",               "v1",
     "spec: {useDefaultGateways: All}",                                                              {"spec.useDefaultGateways lost"},
     ""},
    {"Infrastructure",
     "e1.1.1", "s1.1.1",
     "gateways",                "v1",
     "spec: {infrastructure: {labels: {a: b}}}",                                                     {"spec.infrastructure lost"},
     ""},
    {"Parameters",
     "e1.1.1", "e1.0.0",
     "gateways",                "v1",
     "spec: {infrastructure: {parametersRef: {name: a}}}",                                           {"spec.infrastructure.parametersRef lost"},
     ""},
    {"AllowedListeners",
     "e1.4.1", "s1.4.1",
     "gateways",                "v1",
     "spec: {allowedListeners: {namespaces: {from: All}}}",                                          {"spec.allowedListeners lost, secured"},
     ""},
    {"GatewayTls",
     "e1.4.1", "s1.4.1",
     "gateways",                "v1",
     "spec: {tls: {frontend: {default: {}}}}",                                                       {"spec.tls lost, secured"},
     ""},
    {"DefaultScope",
     "e1.6.1", "s1.6.1",
     "gateways",                "v1",
     "spec: {defaultScope: All}",                                                                    {"spec.defaultScope lost"},
     ""},
    {"PolicyNames",
     "e1.2.1", "e1.1.1",
     "backendtlspolicies",      "v1alpha3",
     "spec: {options: {a: b}, validation: {subjectAltNames: [{type: URI, uri: u}]}}",                {"spec.options lost", "spec.validation.subjectAltNames lost, secured"},
     ""},
    {"SetFrontendValidation",
     "e1.3.0", "e1.4.1",
     "xlistenersets",           "v1alpha1",
     "spec: {listeners: [{name: a, tls: {frontendValidation: {caCertificateRefs: [{name: ca}]}}}]}", {"spec.listeners[0].tls.frontendValidation lost, secured"},
     ""},
};
INSTANTIATE_TEST_SUITE_P(Lost, Intended, testing::ValuesIn(kLost), name_of);

const Row kRenamed[] = {
    {"LoadBalancing",
     "e1.2.1", "e1.3.0",
     "backendlbpolicies", "v1alpha2",
     "spec: {targetRefs: [{group: '', kind: Service, name: a}], sessionPersistence: {sessionName: "
     "s, absoluteTimeout: 1h, idleTimeout: 1m, type: Cookie, cookieConfig: {lifetimeType: "
     "Permanent}}}\nstatus: {ancestors: []}",                                                    {},
     "spec: {targetRefs: [{group: '', kind: Service, name: a}], sessionPersistence: {sessionName: "
     "s, absoluteTimeout: 1h, idleTimeout: 1m, type: Cookie, cookieConfig: {lifetimeType: "
     "Permanent}}}"                               },
    {"LoadBalancingWithoutIdleTimeout",
     "e1.2.1", "e1.6.1",
     "backendlbpolicies", "v1alpha2",
     "spec: {sessionPersistence: {idleTimeout: 1m, type: Header, cookieConfig: {}}}",            {"spec.sessionPersistence.cookieConfig mended", "spec.sessionPersistence.idleTimeout lost"},
     "spec: {sessionPersistence: {type: Header}}" },
    {"Listeners",
     "e1.4.1", "e1.5.1",
     "xlistenersets",     "v1alpha1",
     "spec: {parentRef: {name: g}, listeners: [{name: a, port: 443, protocol: HTTPS, tls: {mode: "
     "Terminate, certificateRefs: [{name: s}]}}]}\nstatus: {listeners: [{name: a, port: 443}]}", {},
     "spec: {parentRef: {name: g}, listeners: [{name: a, port: 443, protocol: HTTPS, tls: {mode: "
     "Terminate, certificateRefs: [{name: s}]}}]}"},
    {"ListenersToStandard",
     "e1.4.1", "s1.5.1",
     "xlistenersets",     "v1alpha1",
     "spec: {parentRef: {name: g}, listeners: [{name: a, port: 80, protocol: HTTP}]}",           {},
     ""                                           },
    {"DynamicPort",
     "e1.4.1", "e1.5.1",
     "xlistenersets",     "v1alpha1",
     "spec: {parentRef: {name: g}, listeners: [{name: a, port: 80, protocol: HTTP}, {name: b, "
     "port: "
     "0, protocol: HTTP}, {name: c, protocol: HTTP}]}",                                          {"DynamicPort spec.listeners[1].port", "DynamicPort spec.listeners[2].port"},
     ""                                           },
    {"TlsListenerWithoutTls",
     "e1.4.1", "e1.5.1",
     "xlistenersets",     "v1alpha1",
     "spec: {parentRef: {name: g}, listeners: [{name: a, port: 443, protocol: TLS}]}",           {"ListenerWithoutTls spec.listeners[0].tls"},
     ""                                           },
    {"ValidationOfASet",
     "e1.3.0", "e1.5.1",
     "xlistenersets",     "v1alpha1",
     "spec: {listeners: [{name: a, port: 443, tls: {frontendValidation: {caCertificateRefs: "
     "[{name: ca}]}}}]}",                                                                        {"spec.listeners[0].tls.frontendValidation lost, secured"},
     ""                                           },
};

class Renamed : public testing::TestWithParam<Row> {};

TEST_P(Renamed, IsTheSameAtTheNewKind) {
  const Row& row = GetParam();
  const BundleCrd* from = bundle(row.from).crd(crd_name(row.plural));
  ASSERT_NE(from, nullptr);
  const Renaming* renaming = renaming_of(from->summary.name, [&](std::string_view name) {
    return bundle(row.to).crd(name) != nullptr;
  });
  ASSERT_NE(renaming, nullptr);
  const BundleCrd& to = *bundle(row.to).crd(renaming->to_crd);
  const Json object = object_of(*from, row.version, row.body);
  const Intention intention = renamed(*renaming, object, to, Intentions(to));
  EXPECT_EQ(texts_of(intention), row.changes);
  if (*row.intended == '\0') return;
  EXPECT_EQ(intention.object, object_of(to, to.summary.storage_version(), row.intended));
}
INSTANTIATE_TEST_SUITE_P(Kinds, Renamed, testing::ValuesIn(kRenamed), name_of);

/// Gateways of up to five listeners on three ports, any of which may validate clients.
Json random_gateway(std::mt19937& random) {
  const auto below = [&](unsigned bound) { return random() % bound; };
  const char* names[] = {"ca-1", "ca-2"};
  Json listeners = Json::array();
  for (unsigned i = 0; i < 1 + below(5); ++i) {
    const bool secure = below(4) != 0;
    Json listener = {
        {"name",     "l" + std::to_string(i)                 },
        {"hostname", "h" + std::to_string(i) + ".example.com"},
        {"port",     std::array{443, 8443, 9443}[below(3)]   },
        {"protocol", secure ? "HTTPS" : "HTTP"               }
    };
    if (secure && below(2) == 0) {
      listener["tls"]["frontendValidation"]["caCertificateRefs"] = Json::array({
          {{"group", ""}, {"kind", "ConfigMap"}, {"name", names[below(2)]}}
      });
    }
    listeners.push_back(std::move(listener));
  }
  return {
      {"apiVersion", "gateway.networking.k8s.io/v1"                                  },
      {"kind",       "Gateway"                                                       },
      {"metadata",   {{"name", "x"}, {"namespace", "ns"}}                            },
      {"spec",       {{"gatewayClassName", "c"}, {"listeners", std::move(listeners)}}}
  };
}

/// What the listener at a port asks of clients in the new shape; null where nothing.
Json refs_at(const Json& gateway, const Json& port) {
  for (const Json& each : array_at(gateway, "spec", "tls", "frontend", "perPort")) {
    if (each.at("port") == port) return each.at("tls").at("validation").at("caCertificateRefs");
  }
  return nullptr;
}

TEST(IntendedGateways, AskWhatTheirListenersAskedOrAreRefused) {
  const BundleCrd& to = *bundle("e1.4.1").crd("gateways.gateway.networking.k8s.io");
  const Intentions intentions(to);
  std::mt19937 random(20261126);
  int carried = 0;
  int refused = 0;
  for (int round = 0; round < 2000; ++round) {
    const Json gateway = random_gateway(random);
    SCOPED_TRACE(gateway.dump());
    const Intention intention = intentions.of(gateway);
    if (!intention.ok()) {
      ++refused;
      continue;
    }
    if (intention.needs_write()) ++carried;
    for (const Json& listener : array_at(gateway, "spec", "listeners")) {
      if (listener.at("protocol") != "HTTPS") continue;
      const Json* asked = find(listener, "tls", "frontendValidation", "caCertificateRefs");
      ASSERT_EQ(refs_at(intention.object, listener.at("port")), asked == nullptr ? Json() : *asked);
    }
    ASSERT_EQ(texts_of(intentions.of(intention.object)), std::vector<std::string>{});
  }
  // Both happen: the test says something.
  EXPECT_GT(carried, 200);
  EXPECT_GT(refused, 200);
}

TEST(IntendedRoutes, KeepEachStatusCodeOnce) {
  const BundleCrd& to = *bundle("e1.6.1").crd("httproutes.gateway.networking.k8s.io");
  const Intentions intentions(to);
  std::mt19937 random(7);
  for (int round = 0; round < 500; ++round) {
    Json codes = Json::array();
    for (unsigned i = 0; i < random() % 6; ++i) codes.push_back(500 + random() % 4);
    const Json route =
        object_of(to, "v1", "spec: {rules: [{retry: {codes: " + codes.dump() + "}}]}");
    const Intention intention = intentions.of(route);
    const Json& kept = intention.object.at("spec").at("rules")[0].at("retry").at("codes");
    const std::set<Json> before(codes.begin(), codes.end());
    ASSERT_EQ(std::set<Json>(kept.begin(), kept.end()), before);
    ASSERT_EQ(kept.size(), before.size());
    ASSERT_EQ(intention.needs_write(), before.size() != codes.size());
  }
}

TEST(Renamed, HasNoRowWhereTheTargetLacksTheNewKind) {
  EXPECT_EQ(renaming_of("xlistenersets.gateway.networking.x-k8s.io",
                        [](std::string_view) { return false; }),
            nullptr);
}

TEST(Renamed, KeepsWhatNamesAnObjectAndDropsWhatControllersWrote) {
  const BundleCrd& to = *bundle("e0.6.2").crd("referencegrants.gateway.networking.k8s.io");
  const Renaming* renaming = renaming_of("referencepolicies.gateway.networking.k8s.io",
                                         [](std::string_view) { return true; });
  ASSERT_NE(renaming, nullptr);
  const Json object = parsed(R"({apiVersion: gateway.networking.k8s.io/v1alpha2,
    kind: ReferencePolicy,
    metadata: {name: x, namespace: ns, uid: u, resourceVersion: "1", generation: 4,
      labels: {l: "1"}, finalizers: [f], managedFields: [{manager: m}],
      annotations: {a: "1", kubectl.kubernetes.io/last-applied-configuration: "{}"}},
    spec: {from: [{group: g, kind: K, namespace: n}], to: [{group: "", kind: Secret}]}})");
  const Intention intention = renamed(*renaming, object, to, Intentions(to));
  EXPECT_TRUE(intention.ok());
  EXPECT_EQ(intention.object, parsed(R"({apiVersion: gateway.networking.k8s.io/)" +
                                     to.summary.storage_version() + R"(, kind: ReferenceGrant,
    metadata: {name: x, namespace: ns, labels: {l: "1"}, annotations: {a: "1"}},
    spec: {from: [{group: g, kind: K, namespace: n}], to: [{group: "", kind: Secret}]}})"));
}

}  // namespace
}  // namespace gatelift
