// SPDX-License-Identifier: Apache-2.0
#include "test/support/fake_policy.h"

#include <algorithm>

#include "test/support/api_error.h"

namespace gatelift::fake {
namespace {

Error denied_by_policy(const Kind& kind, const Json& object, const std::string& message) {
  const std::string words =
      "ValidatingAdmissionPolicy 'test' with binding 'test' denied request: " + message;
  Error error = api_error(
      422, "Invalid",
      kind.qualified_resource() + " \"" + key_of(object).name + "\" is forbidden: " + words);
  error.causes = {
      {"", "", words}
  };
  return error;
}

}  // namespace

void FakePolicy::deny(std::string verb, std::string group, std::string resource) {
  denied_.push_back({std::move(verb), std::move(group), std::move(resource)});
}

void FakePolicy::allow_again(const std::string& verb, const std::string& group,
                             const std::string& resource) {
  std::erase(denied_, Rule{verb, group, resource});
}

void FakePolicy::set_quota(const Collection& collection, std::size_t most) {
  quotas_[collection] = most;
}

void FakePolicy::remove_quota(const Collection& collection) { quotas_.erase(collection); }

void FakePolicy::deny_writes(WritePredicate predicate, std::string message) {
  refusals_.push_back({std::move(predicate), By::Webhook, "", std::move(message)});
}

void FakePolicy::deny_by_policy(WritePredicate predicate, std::string message) {
  refusals_.push_back({std::move(predicate), By::Policy, "", std::move(message)});
}

void FakePolicy::refuse_as_invalid(WritePredicate predicate, std::string field,
                                   std::string message) {
  refusals_.push_back({std::move(predicate), By::Validation, std::move(field), std::move(message)});
}

void FakePolicy::clear_admission() { refusals_.clear(); }

bool FakePolicy::is_denied(const std::string& verb, const std::string& group,
                           const std::string& resource) const {
  return std::any_of(denied_.begin(), denied_.end(), [&](const Rule& rule) {
    bool verb_matches = rule.verb == "*" || verb == "*" || rule.verb == verb;
    return verb_matches && rule.group == group && rule.resource == resource;
  });
}

Result<void> FakePolicy::authorize(const std::string& verb, const Kind& kind,
                                   const std::string& subresource, const ObjectKey& key) const {
  std::string resource = subresource.empty() ? kind.plural : kind.plural + "/" + subresource;
  if (!is_denied(verb, kind.group, resource)) return {};
  std::string where =
      key.ns.empty() ? "at the cluster scope" : "in the namespace \"" + key.ns + "\"";
  return fail(forbidden(kind.qualified_resource(), key.name,
                        "User \"system:serviceaccount:test:test\" cannot " + verb + " resource \"" +
                            resource + "\" in API group \"" + kind.group + "\" " + where));
}

Json FakePolicy::review(Json review) const {
  const Json* attributes = gatelift::find(review, "spec", "resourceAttributes");
  bool allowed = attributes == nullptr;
  if (attributes != nullptr) {
    std::string resource = string_at(*attributes, "resource");
    std::string subresource = string_at(*attributes, "subresource");
    if (!subresource.empty()) resource += "/" + subresource;
    allowed = !is_denied(string_at(*attributes, "verb"), string_at(*attributes, "group"), resource);
  }
  review["status"] = {
      {"allowed", allowed}
  };
  return review;
}

Result<void> FakePolicy::admit(const Request& request, const Kind& kind, const Json& object) const {
  for (const Refusal& refusal : refusals_) {
    if (!refusal.predicate(request, object)) continue;
    if (refusal.by == By::Policy) return fail(denied_by_policy(kind, object, refusal.message));
    if (refusal.by == By::Webhook) {
      return fail(api_error(
          403, "Forbidden",
          "admission webhook \"policy.example.com\" denied the request: " + refusal.message));
    }
    return fail(invalid(kind.qualified_kind(), key_of(object).name,
                        {
                            {"FieldValueInvalid", refusal.field, refusal.message}
    }));
  }
  return {};
}

Result<void> FakePolicy::admit_one_more(const Kind& kind, const std::string& name,
                                        std::size_t existing) const {
  auto it = quotas_.find({kind.group, kind.plural});
  if (it == quotas_.end() || existing < it->second) return {};
  std::string count = "count/" + kind.qualified_resource() + "=";
  return fail(forbidden(kind.qualified_resource(), name,
                        "exceeded quota: test, requested: " + count + "1, used: " + count +
                            std::to_string(existing) + ", limited: " + count +
                            std::to_string(it->second)));
}

}  // namespace gatelift::fake
