// SPDX-License-Identifier: Apache-2.0
// What may be done on the in-memory API server: permissions, quotas and admission webhooks, all set
// by the test. Everything is allowed until something is denied.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "client/request.h"
#include "test/support/fake_kinds.h"

namespace gatelift::fake {

/// Picks writes by the call and the object that would be stored (for deletions: the object to be
/// deleted).
using WritePredicate = std::function<bool(const Request&, const Json&)>;

class FakePolicy {
 public:
  /// `resource` is a plural or "plural/subresource"; `verb` is RBAC's ("get", "list", "watch",
  /// "create", "update", "patch", "delete") or "*".
  void deny(std::string verb, std::string group, std::string resource);
  void allow_again(const std::string& verb, const std::string& group, const std::string& resource);
  void set_quota(const Collection& collection, std::size_t most);
  void remove_quota(const Collection& collection);
  void deny_writes(WritePredicate predicate, std::string message);
  /// As a ValidatingAdmissionPolicy denies whose rule has no reason of its own: 422, and a cause
  /// without a field.
  void deny_by_policy(WritePredicate predicate, std::string message);
  void refuse_as_invalid(WritePredicate predicate, std::string field, std::string message);
  void clear_admission();

  /// Forbidden when a rule denies `verb` to this resource.
  Result<void> authorize(const std::string& verb, const Kind& kind, const std::string& subresource,
                         const ObjectKey& key) const;
  /// The answer to a SelfSubjectAccessReview.
  Json review(Json review) const;
  /// Webhooks and policies, for every write.
  Result<void> admit(const Request& request, const Kind& kind, const Json& object) const;
  /// Quota, for a create of one more object beside `existing`.
  Result<void> admit_one_more(const Kind& kind, const std::string& name,
                              std::size_t existing) const;

 private:
  struct Rule {
    std::string verb;
    std::string group;
    std::string resource;
    bool operator==(const Rule&) const = default;
  };
  enum class By { Webhook, Policy, Validation };
  struct Refusal {
    WritePredicate predicate;
    By by = By::Webhook;
    std::string field;  // of a Validation
    std::string message;
  };

  bool is_denied(const std::string& verb, const std::string& group,
                 const std::string& resource) const;

  std::vector<Rule> denied_;
  std::vector<Refusal> refusals_;
  std::map<Collection, std::size_t> quotas_;
};

}  // namespace gatelift::fake
