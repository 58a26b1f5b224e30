// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/convert/carry_rules.h"

#include <array>

namespace gatelift {
namespace {

struct SecurityField {
  std::string_view kind;  // "" for any
  std::string_view name;  // with a '.' the whole path from the root, without list indices
  std::string_view meaning;
};

constexpr SecurityField kSecurityFields[] = {
    {"",                 "frontendValidation",    "clients would not be asked for a certificate any more"},
    {"Gateway",          "spec.tls",
     "clients would not be asked for a certificate, nor backends be shown one"                           },
    {"Gateway",          "spec.tls.frontend",     "clients would not be asked for a certificate any more"},
    {"Gateway",          "spec.tls.backend",
     "backends would not be shown the Gateway's certificate any more"                                    },
    {"Gateway",          "spec.backendTLS",
     "backends would not be shown the Gateway's certificate any more"                                    },
    {"Gateway",          "spec.allowedListeners",
     "which ListenerSets may attach would not be limited by it"                                          },
    {"",                 "externalAuth",          "requests would not be authorized any more"            },
    {"BackendTLSPolicy", "subjectAltNames",
     "the backend would be authenticated by the hostname alone"                                          },
};

std::string without_indices(std::string_view path) {
  std::string text;
  bool inside = false;
  for (const char c : path) {
    if (c == '[') inside = true;
    if (!inside) text += c;
    if (c == ']') inside = false;
  }
  return text;
}

}  // namespace

std::span<const CarryRule> carry_rules() {
  static const std::array kRules{
      kFrontendValidation,    kBackendClientCertificate, kGrpcMethodRelic, kHeaderCookieConfig[0],
      kHeaderCookieConfig[1], kHeaderCookieConfig[2],    kRetryCodes,      kDuplicateTargets,
      kSupportedFeatures,
  };
  return kRules;
}

std::string security_of(std::string_view kind, std::string_view path) {
  const std::string plain = without_indices(path);
  const std::string_view last = std::string_view(plain).substr(plain.rfind('.') + 1);
  for (const SecurityField& field : kSecurityFields) {
    if (!field.kind.empty() && field.kind != kind) continue;
    const bool whole = field.name.find('.') != std::string_view::npos;
    if (field.name == (whole ? std::string_view(plain) : last)) return std::string(field.meaning);
  }
  return "";
}

const Json* field_schema(const Json& schema, std::string_view path) {
  const Json* node = &schema;
  while (!path.empty() && node != nullptr) {
    const auto dot = path.find('.');
    std::string_view name = path.substr(0, dot);
    const bool items = name.ends_with("[]");
    if (items) name.remove_suffix(2);
    node = find(*node, "properties", name);
    if (items && node != nullptr) node = find(*node, "items");
    path = dot == std::string_view::npos ? "" : path.substr(dot + 1);
  }
  return node;
}

bool has_rule(const Json& schema, std::string_view path, std::string_view text) {
  const Json* field = field_schema(schema, path);
  if (field == nullptr) return false;
  for (const Json& rule : array_at(*field, "x-kubernetes-validations")) {
    if (string_at(rule, "rule").find(text) != std::string::npos) return true;
  }
  return false;
}

}  // namespace gatelift
