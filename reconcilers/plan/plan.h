// SPDX-License-Identifier: Apache-2.0
// From what the cluster holds to what would be done about it. Planning writes nothing: its only
// calls beyond reads are SelfSubjectAccessReviews and CRD writes with dryRun=All.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "client/cluster.h"
#include "reconcilers/convert/intention.h"
#include "reconcilers/migration.h"

namespace gatelift {

/// The CRDs of the Gateway API groups that the cluster holds, by name.
struct Installed {
  std::map<std::string, CrdSummary> crds;

  const CrdSummary* crd(std::string_view name) const;
};

/// Reads CRDs a few at a time and remembers their summaries by uid and resourceVersion, so that
/// looking again costs one metadata-only list and no schema is kept. One thread.
class InstalledReader {
 public:
  explicit InstalledReader(Cluster& cluster) : cluster_(cluster) {}
  Result<Installed> read();

 private:
  Result<void> summarize(const std::vector<std::string>& names);

  Cluster& cluster_;
  std::map<std::string, CrdSummary> known_;
};

struct PlanInputs {
  const MigrationSpec& spec;
  const Bundle& target;
  const Installed& installed;
  const BundleSources& sources;  // to recognise what is installed
  std::string ns;                // our own namespace, for permissions on it
  Operation operation = Operation::Upgrade;
  IntentionSink intention_sink = {};  // may be empty
};

/// Looks at every live object of the CRDs that change, page by page, and returns the whole plan.
/// Errors are those of the reads; whatever is wrong with the cluster's contents is a Check.
Result<Plan> make_plan(Cluster& cluster, const PlanInputs& inputs);

/// Which CRD needs what, in the order in which it will be done: creations and updates first,
/// Convert last, since that is what cannot be undone by another write. Pure.
std::vector<PlannedAction> plan_actions(const Installed& installed, const Bundle& target,
                                        Strategy strategy);

/// An object that names another as its owner.
struct Dependent {
  Resource resource;
  std::string kind;
  ObjectKey key;
  std::string uid;
  std::string resource_version;
  std::string owner_uid;
};

struct Dependents {
  std::vector<Dependent> found;
  std::vector<std::string> not_searched;  // "plural.group" of collections that we may not list
};

/// Objects of any kind that we may list whose ownerReferences name one of `owner_uids`.
Result<Dependents> find_dependents(Cluster& cluster, const std::vector<std::string>& owner_uids);

}  // namespace gatelift
