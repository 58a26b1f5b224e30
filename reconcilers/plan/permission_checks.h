// SPDX-License-Identifier: Apache-2.0
// Whether we may make every call that the run would make, asked of the API server beforehand
// (SelfSubjectAccessReview).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "client/cluster.h"
#include "reconcilers/plan/findings.h"
#include "reconcilers/plan/plan.h"
#include "reconcilers/steps/crd_writer.h"

namespace gatelift {

/// One question to the authorizer, and how bad a no is.
struct Access {
  std::string verb;
  std::string group;
  std::string resource;  // "plural" or "plural/subresource"
  std::string ns;
  std::string name;
  Severity lacking = Severity::Blocker;

  /// "customresourcedefinitions.apiextensions.k8s.io/status", with the namespace and the name where
  /// there are any.
  std::string display() const;
  /// The rule that grants it, as it is written in a Role.
  std::string rule() const;

  bool operator==(const Access&) const = default;
};

/// Everything that running the actions needs. `ways` says by CRD how it was written; CRDs to be
/// created are written as most others are. Pure.
std::vector<Access> accesses_for(const std::vector<PlannedAction>& actions,
                                 const PlanInputs& inputs,
                                 const std::map<std::string, CrdOwner::Way>& ways,
                                 bool copies_config_maps = false);

/// Those of `accesses` that are denied.
Result<std::vector<Access>> denied_of(Cluster& cluster, const std::vector<Access>& accesses);

/// A MissingPermission per denied access; in mode Plan, where nothing will be run, one note about
/// all of them.
void report_denied(const std::vector<Access>& denied, Mode mode, Findings& findings);

}  // namespace gatelift
