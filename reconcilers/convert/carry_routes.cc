// SPDX-License-Identifier: Apache-2.0
// Values in routes and policies that a later release refuses on every write, although another value
// of the same meaning is accepted. Each is mended on the way; nothing is lost by it.
#include <algorithm>

#include "reconcilers/convert/carry_rules.h"

namespace gatelift {
namespace {

void note_repair(Intention& intention, std::string field, const Json& value, std::string because) {
  intention.changes.push_back({FieldChange::Kind::Repaired, std::move(field), "", shortened(value),
                               std::move(because), false});
}

std::string item(const std::string& list, std::size_t i) {
  return list + "[" + std::to_string(i) + "]";
}

/// The list at object.spec.name, to be changed; nullptr where there is none.
Json* spec_list(Json& object, const char* name) {
  if (find(object, "spec", name) == nullptr) return nullptr;
  Json& list = object["spec"][name];
  return list.is_array() ? &list : nullptr;
}

bool wants_service_or_method(const Json& schema) {
  return has_rule(schema, "spec.rules[].matches[].method", "has(self.service) || has(self.method)");
}

/// v0.6 and v0.7 stored the default method {type: Exact}, which matches everything and says
/// nothing.
void strip_method_relic(Intention& intention) {
  Json* rules = spec_list(intention.object, "rules");
  if (rules == nullptr) return;
  for (std::size_t r = 0; r < rules->size(); ++r) {
    if (!(*rules)[r].is_object() || array_at((*rules)[r], "matches").empty()) continue;
    Json& matches = (*rules)[r]["matches"];
    const Json before = matches;
    bool all_requests = false;
    for (std::size_t m = 0; m < matches.size(); ++m) {
      const Json* method = find(matches[m], "method");
      if (method == nullptr || !method->is_object() || method->size() != 1 ||
          !method->contains("type")) {
        continue;
      }
      note_repair(intention, item(item("spec.rules", r) + ".matches", m) + ".method", *method,
                  "it names neither a service nor a method: a default that an old release stored, "
                  "which matches every request");
      matches[m].erase("method");
      all_requests = all_requests || matches[m].empty();
    }
    // An item that matches everything makes the others of its list pointless, since a list is
    // matched where one of its items is; no matches at all mean the same.
    if (!all_requests) continue;
    if (before.size() > 1) {
      note_repair(intention, item("spec.rules", r) + ".matches", before,
                  "one of them matches every request, so that the others decide nothing");
    }
    (*rules)[r].erase("matches");
  }
}

bool cookie_only_in_rules(const Json& schema) {
  return has_rule(schema, "spec.rules[].sessionPersistence",
                  "!has(self.cookieConfig) || self.type");
}

bool cookie_only(const Json& schema) {
  return has_rule(schema, "spec.sessionPersistence", "!has(self.cookieConfig) || self.type");
}

void strip_cookie_config(Intention& intention, Json& persistence, const std::string& path) {
  const Json* config = find(persistence, "cookieConfig");
  if (config == nullptr || string_at(persistence, "type") != "Header") return;
  note_repair(intention, path + ".cookieConfig", *config,
              "sessions of type Header have no cookie, so that nothing goes by it");
  persistence.erase("cookieConfig");
}

void strip_cookie_config_in_rules(Intention& intention) {
  Json* rules = spec_list(intention.object, "rules");
  if (rules == nullptr) return;
  for (std::size_t r = 0; r < rules->size(); ++r) {
    if (find((*rules)[r], "sessionPersistence") == nullptr) continue;
    strip_cookie_config(intention, (*rules)[r]["sessionPersistence"],
                        item("spec.rules", r) + ".sessionPersistence");
  }
}

void strip_cookie_config_of_policy(Intention& intention) {
  if (find(intention.object, "spec", "sessionPersistence") == nullptr) return;
  strip_cookie_config(intention, intention.object["spec"]["sessionPersistence"],
                      "spec.sessionPersistence");
}

/// Takes out what is in a list before, and says whether there was any.
bool deduplicate(Json& list) {
  Json unique = Json::array();
  for (const Json& each : list) {
    if (std::ranges::find(unique, each) == unique.end()) unique.push_back(each);
  }
  if (unique.size() == list.size()) return false;
  list = std::move(unique);
  return true;
}

bool has_code_set(const Json& schema) {
  const Json* codes = field_schema(schema, "spec.rules[].retry.codes");
  return codes != nullptr && string_at(*codes, "x-kubernetes-list-type") == "set";
}

void deduplicate_codes(Intention& intention) {
  Json* rules = spec_list(intention.object, "rules");
  if (rules == nullptr) return;
  for (std::size_t r = 0; r < rules->size(); ++r) {
    if (array_at((*rules)[r], "retry", "codes").empty()) continue;
    Json& codes = (*rules)[r]["retry"]["codes"];
    const Json before = codes;
    if (!deduplicate(codes)) continue;
    note_repair(intention, item("spec.rules", r) + ".retry.codes", before,
                "it names a status code twice, and the target takes a set");
  }
}

bool has_distinct_targets(const Json& schema) {
  return has_rule(schema, "spec.targetRefs", "exists_one");
}

void deduplicate_targets(Intention& intention) {
  Json* targets = spec_list(intention.object, "targetRefs");
  if (targets == nullptr) return;
  const Json before = *targets;
  if (!deduplicate(*targets)) return;
  note_repair(intention, "spec.targetRefs", before,
              "it names a target twice, and the target release takes each once");
}

bool has_feature_objects(const Json& schema) {
  const Json* items = field_schema(schema, "status.supportedFeatures[]");
  return items != nullptr && string_at(*items, "type") == "object";
}

/// GatewayClass, experimental v1.1 to v1.2: "HTTPRoute" became {name: "HTTPRoute"}.
void name_features(Intention& intention) {
  const Json before = array_at(intention.object, "status", "supportedFeatures");
  if (std::ranges::none_of(before, [](const Json& each) { return each.is_string(); })) return;
  Json features = Json::array();
  for (const Json& each : before) {
    features.push_back(each.is_string() ? Json::object({
                                              {"name", each}
    })
                                        : each);
  }
  deduplicate(features);
  intention.object["status"]["supportedFeatures"] = std::move(features);
  note_repair(intention, "status.supportedFeatures", before,
              "each feature is an object with a name now; typed clients cannot read the strings");
}

}  // namespace

constinit const CarryRule kGrpcMethodRelic{"grpc-method-relic", "GRPCRoute",
                                           wants_service_or_method, strip_method_relic};
constinit const CarryRule kHeaderCookieConfig[3] = {
    {"header-cookie-config", "HTTPRoute",             cookie_only_in_rules, strip_cookie_config_in_rules },
    {"header-cookie-config", "GRPCRoute",             cookie_only_in_rules, strip_cookie_config_in_rules },
    {"header-cookie-config", "XBackendTrafficPolicy", cookie_only,          strip_cookie_config_of_policy},
};
constinit const CarryRule kRetryCodes{"retry-codes", "HTTPRoute", has_code_set, deduplicate_codes};
constinit const CarryRule kDuplicateTargets{"duplicate-targets", "BackendTLSPolicy",
                                            has_distinct_targets, deduplicate_targets};
constinit const CarryRule kSupportedFeatures{"supported-features", "GatewayClass",
                                             has_feature_objects, name_features};

}  // namespace gatelift
