// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/plan/dependent_checks.h"

#include <algorithm>
#include <utility>

#include "reconcilers/plan/permission_checks.h"
#include "reconcilers/plan/plan.h"

namespace gatelift {
namespace {

constexpr std::size_t kMaxNamed = 8;

/// What the run does with a dependent: read it whole, patch its references. Each kind and namespace
/// once.
std::vector<Access> accesses_to(const std::vector<Dependent>& dependents) {
  std::vector<Access> accesses;
  for (const Dependent& dependent : dependents) {
    for (const char* verb : {"get", "patch"}) {
      Access access;
      access.verb = verb;
      access.group = dependent.resource.group;
      access.resource = dependent.resource.plural;
      access.ns = dependent.key.ns;
      if (std::ranges::find(accesses, access) == accesses.end()) {
        accesses.push_back(std::move(access));
      }
    }
  }
  return accesses;
}

Check check_of(const Dependent& dependent) {
  return {
      "Dependents",
      Severity::Warning,
      display_name(dependent.kind, dependent.key),
      "metadata.ownerReferences",
      "it is owned by an object that is deleted and made anew: the reference is taken off before "
      "and put back with the new uid",
      "make sure that nothing else sets its ownerReferences during the run",
      false};
}

Check blocking_check_of(const Dependent& dependent, const Access& lacking) {
  Check check = check_of(dependent);
  check.severity = Severity::Blocker;
  check.message =
      "it is owned by an object that is deleted and made anew, so that the garbage collector would "
      "delete it, and we may not " +
      lacking.verb + " " + lacking.display() + " to prevent that";
  check.next = "add the rule " + lacking.rule() +
               " to a role that is bound to our ServiceAccount, or take the reference off";
  return check;
}

/// Most collections of a cluster cannot be listed by a controller with few rights: the first few
/// stand for them.
std::string some_of(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), kMaxNamed); ++i) {
    text += (i == 0 ? "" : ", ") + names[i];
  }
  if (names.size() > kMaxNamed) {
    text += " and " + std::to_string(names.size() - kMaxNamed) + " more kinds";
  }
  return text;
}

}  // namespace

Result<int> check_dependents(Cluster& cluster, const std::vector<std::string>& owner_uids,
                             Mode mode, Findings& findings) {
  ASSIGN_OR_RETURN(const Dependents dependents, find_dependents(cluster, owner_uids));
  std::vector<Access> denied;
  if (mode == Mode::Apply) {
    ASSIGN_OR_RETURN(denied, denied_of(cluster, accesses_to(dependents.found)));
  }
  for (const Dependent& dependent : dependents.found) {
    const auto lacking = std::ranges::find_if(denied, [&](const Access& access) {
      return access.group == dependent.resource.group &&
             access.resource == dependent.resource.plural && access.ns == dependent.key.ns;
    });
    findings.add(lacking == denied.end() ? check_of(dependent)
                                         : blocking_check_of(dependent, *lacking));
  }
  if (!dependents.not_searched.empty()) {
    findings.add(
        {"Dependents", Severity::Warning, "", "",
         "objects owned by what is deleted and made anew were not looked for in " +
             some_of(dependents.not_searched) +
             ", which we may not list or which did not answer; the garbage collector would "
             "delete such objects",
         "make sure that no object of these kinds has one of the deleted objects as its owner, or "
         "let us look and keep them (the ClusterRole gatelift-dependents, with the kinds in "
         "question)",
         false});
  }
  return static_cast<int>(dependents.found.size());
}

}  // namespace gatelift
