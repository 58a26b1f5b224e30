// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/admission/admission.h"

#include <algorithm>
#include <utility>

#include "reconcilers/bundle/digest.h"

namespace gatelift {
namespace {

const Json* find_named(const std::vector<Json>& objects, std::string_view name) {
  const auto it =
      std::ranges::find_if(objects, [&](const Json& each) { return key_of(each).name == name; });
  return it == objects.end() ? nullptr : &*it;
}

void add_bound(const std::vector<Json>& policies, const std::vector<Json>& bindings,
               std::vector<const Json*>& found) {
  for (const Json& policy : policies) {
    const std::string name = key_of(policy).name;
    const bool is_bound = std::ranges::any_of(bindings, [&](const Json& binding) {
      return string_at(binding, "spec", "policyName") == name;
    });
    if (is_bound) found.push_back(&policy);
  }
}

enum class Listing { Read, NotServed, Forbidden };

Result<Listing> list_into(Cluster& cluster, const Resource& resource, std::vector<Json>& objects) {
  Request list;
  list.verb = Verb::List;
  list.resource = resource;
  const auto listed = for_each_object(cluster, list, [&](Json&& object) -> Result<void> {
    objects.push_back(std::move(object));
    return {};
  });
  if (listed) return Listing::Read;
  if (listed.error().is(ErrorKind::NotFound)) return Listing::NotServed;
  if (listed.error().is(ErrorKind::Forbidden)) return Listing::Forbidden;
  return fail(wrap(listed.error(), "reading " + resource.plural));
}

/// Of mutating policies Kubernetes 1.34 and 1.35 can have v1beta1 only.
Result<Listing> list_served(Cluster& cluster, Resource resource, std::vector<Json>& objects) {
  ASSIGN_OR_RETURN(const Listing listing, list_into(cluster, resource, objects));
  const bool may_be_earlier =
      resource == resources::kMutatingPolicies || resource == resources::kMutatingPolicyBindings;
  if (listing != Listing::NotServed || !may_be_earlier) return listing;
  resource.version = "v1beta1";
  return list_into(cluster, resource, objects);
}

bool lists(const Json& rule, const char* field, const std::string& value) {
  const Json& values = array_at(rule, field);
  return std::ranges::any_of(values,
                             [&](const Json& each) { return each == "*" || each == value; });
}

/// Of resources, which may name subresources, those that stand for the objects themselves.
bool lists_resource(const Json& rule, const std::string& plural) {
  const Json& values = array_at(rule, "resources");
  return std::ranges::any_of(
      values, [&](const Json& each) { return each == "*" || each == "*/*" || each == plural; });
}

enum class Versions { AsListed, Any };

bool selects(const Json& rule, const AdmittedCall& call, Versions versions) {
  const bool version_fits = versions == Versions::Any || lists(rule, "apiVersions", call.version);
  return version_fits && lists(rule, "operations", call.operation) &&
         lists(rule, "apiGroups", call.group) && lists_resource(rule, call.plural);
}

bool any_selects(const Json& rules, const AdmittedCall& call, Versions versions) {
  return std::ranges::any_of(rules,
                             [&](const Json& rule) { return selects(rule, call, versions); });
}

/// `matchPolicy`, selectors and the scope of rules as a server fills them in.
Json without_rule_defaults(Json match) {
  if (!match.is_object()) return match;
  if (string_at(match, "matchPolicy") == "Equivalent") match.erase("matchPolicy");
  for (const char* selector : {"namespaceSelector", "objectSelector"}) {
    const auto it = match.find(selector);
    if (it != match.end() && it->empty()) match.erase(it);
  }
  for (const char* field : {"resourceRules", "excludeResourceRules"}) {
    const auto it = match.find(field);
    if (it == match.end() || !it->is_array()) continue;
    for (Json& rule : *it) {
      if (string_at(rule, "scope") == "*") rule.erase("scope");
    }
  }
  return match;
}

bool has_all(const Json& manifest, const Json& live, const char* field) {
  const Json* wanted = find(manifest, "metadata", field);
  if (wanted == nullptr || !wanted->is_object()) return true;
  const Json* there = find(live, "metadata", field);
  return std::ranges::all_of(wanted->items(), [&](const auto& item) {
    return there != nullptr && there->contains(item.key()) && there->at(item.key()) == item.value();
  });
}

}  // namespace

const Json* Admission::policy(std::string_view name) const { return find_named(policies, name); }

std::vector<const Json*> Admission::bindings_of(std::string_view policy) const {
  std::vector<const Json*> found;
  for (const Json& binding : bindings) {
    if (string_at(binding, "spec", "policyName") == policy) found.push_back(&binding);
  }
  return found;
}

std::vector<const Json*> Admission::bound_policies() const {
  std::vector<const Json*> found;
  add_bound(policies, bindings, found);
  add_bound(mutating_policies, mutating_bindings, found);
  return found;
}

const Json* Admission::webhook(std::string_view kind, std::string_view name) const {
  const auto it = std::ranges::find_if(webhooks, [&](const Json& each) {
    return kind_of(each) == kind && key_of(each).name == name;
  });
  return it == webhooks.end() ? nullptr : &*it;
}

Result<Admission> read_admission(Cluster& cluster) {
  Admission admission;
  const std::pair<const Resource*, std::vector<Json>*> collections[] = {
      {&resources::kAdmissionPolicies,       &admission.policies         },
      {&resources::kAdmissionPolicyBindings, &admission.bindings         },
      {&resources::kValidatingWebhooks,      &admission.webhooks         },
      {&resources::kMutatingWebhooks,        &admission.webhooks         },
      {&resources::kMutatingPolicies,        &admission.mutating_policies},
      {&resources::kMutatingPolicyBindings,  &admission.mutating_bindings},
  };
  for (const auto& [resource, objects] : collections) {
    ASSIGN_OR_RETURN(const Listing listing, list_served(cluster, *resource, *objects));
    if (listing == Listing::Forbidden) admission.unreadable.push_back(*resource);
    if (*resource == resources::kAdmissionPolicies) {
      admission.has_policies = listing != Listing::NotServed;
    }
  }
  return admission;
}

std::vector<AdmittedCall> judged_calls(const Json& rules, const std::vector<AdmittedCall>& calls) {
  const Versions versions =
      string_at(rules, "matchPolicy") == "Exact" ? Versions::AsListed : Versions::Any;
  const Json& listed = find(rules, "resourceRules") != nullptr ? array_at(rules, "resourceRules")
                                                               : array_at(rules, "rules");
  const Json& excluded = array_at(rules, "excludeResourceRules");
  std::vector<AdmittedCall> judged;
  for (const AdmittedCall& call : calls) {
    if (any_selects(listed, call, versions) && !any_selects(excluded, call, versions)) {
      judged.push_back(call);
    }
  }
  return judged;
}

bool may_judge(const Admission& admission, const std::vector<AdmittedCall>& calls) {
  if (!admission.unreadable.empty()) return true;
  const auto judges = [&](const Json& rules) { return !judged_calls(rules, calls).empty(); };
  const bool any_policy = std::ranges::any_of(admission.bound_policies(), [&](const Json* policy) {
    const Json* match = find(*policy, "spec", "matchConstraints");
    return match != nullptr && judges(*match);
  });
  return any_policy || std::ranges::any_of(admission.webhooks, [&](const Json& configuration) {
           return std::ranges::any_of(array_at(configuration, "webhooks"), judges);
         });
}

bool is_policy_denial(const Error& error) {
  return error.is(ErrorKind::Invalid) && !error.causes.empty() &&
         std::ranges::all_of(error.causes, [](const Cause& cause) { return cause.field.empty(); });
}

Json policy_spec(const Json& object) {
  Json spec = find(object, "spec") != nullptr ? object.at("spec") : Json::object();
  if (string_at(spec, "failurePolicy") == "Fail") spec.erase("failurePolicy");
  for (const char* field : {"matchConstraints", "matchResources"}) {
    const auto it = spec.find(field);
    if (it != spec.end()) *it = without_rule_defaults(std::move(*it));
  }
  return spec;
}

std::string policy_digest(const Json& object) { return digest_of(policy_spec(object)); }

bool is_as_in(const Json& manifest, const Json& live) {
  return policy_digest(manifest) == policy_digest(live) && has_all(manifest, live, "labels") &&
         has_all(manifest, live, "annotations");
}

std::string PolicyManifests::digest() const {
  Json digests = {policy_digest(policy)};
  for (const Json& binding : bindings) digests.push_back(policy_digest(binding));
  return digest_of(digests);
}

std::vector<PolicyManifests> policies_of(const std::vector<std::string>& manifests) {
  std::vector<PolicyManifests> found;
  std::vector<Json> bindings;
  for (const std::string& text : manifests) {
    Json manifest = Json::parse(text);
    if (kind_of(manifest) == kPolicyKind) {
      found.push_back({std::move(manifest), {}});
    } else {
      bindings.push_back(std::move(manifest));
    }
  }
  for (Json& binding : bindings) {
    const auto policy = std::ranges::find_if(found, [&](const PolicyManifests& each) {
      return each.name() == string_at(binding, "spec", "policyName");
    });
    if (policy != found.end()) policy->bindings.push_back(std::move(binding));
  }
  return found;
}

}  // namespace gatelift
