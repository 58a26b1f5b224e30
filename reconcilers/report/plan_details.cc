// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/report/plan_details.h"

#include <algorithm>
#include <map>
#include <utility>

#include "reconcilers/plan/actions.h"

namespace gatelift {
namespace {

std::string identity_text(const Plan& plan, const CrdSummary& crd) {
  const BundleRef named{crd.bundle_version, crd.channel};
  const std::string hint = crd.bundle_version.empty() ? "unknown" : named.display();
  const auto found = std::ranges::find(plan.installed, crd.name, &InstalledCrd::crd);
  if (found == plan.installed.end()) return hint;
  switch (found->identity) {
    case CrdIdentity::Exact:
      for (const BundleRef& ref : {plan.from, named}) {
        const bool holds_it = std::ranges::find(found->bundles, ref) != found->bundles.end();
        if (holds_it) return ref.display();
      }
      return found->bundles.empty() ? hint : found->bundles.front().display();
    case CrdIdentity::Modified:
      return hint + ", modified";
    case CrdIdentity::Unknown:
      return crd.bundle_version.empty() ? hint : hint + " by its annotations, unknown content";
  }
  return hint;
}

CrdState state_of(const CrdSummary& crd, std::string bundle) {
  return {std::move(bundle), crd.versions, crd.stored_versions, crd.digest};
}

/// What Migrate leaves of status.storedVersions.
std::vector<std::string> planned_stored_versions(const PlannedAction* action,
                                                 const CrdSummary& target, const CrdState* before) {
  const bool is_written = action != nullptr && (is_conversion(action->kind) ||
                                                action->rewrites_objects || before == nullptr);
  if (is_written || before == nullptr) return {target.storage_version()};
  return before->stored_versions;
}

std::optional<CrdState> planned_state(const Plan& plan, const std::string& name,
                                      const BundleCrd* target,
                                      const std::optional<CrdState>& before) {
  const PlannedAction* action = plan.action(name);
  if (action != nullptr && action->kind == ActionKind::Remove) return std::nullopt;
  if (target == nullptr || (action == nullptr && before)) return before;
  CrdState state = state_of(target->summary, plan.to.display());
  state.stored_versions =
      planned_stored_versions(action, target->summary, before ? &*before : nullptr);
  return state;
}

/// True where nothing that people write is changed but apiVersion.
bool is_version_alone(const Json& before, const Json& after) {
  const auto content = [](Json object) {
    object.erase("apiVersion");
    object.erase("metadata");
    return object;
  };
  return content(before) == content(after);
}

}  // namespace

std::vector<ReportedCrd> crds_before_and_after(const Installed& installed, const Bundle& target,
                                               const Plan& plan) {
  std::map<std::string, ReportedCrd> crds;
  for (const auto& [name, live] : installed.crds) {
    crds[name] = {name, live.kind, state_of(live, identity_text(plan, live)), std::nullopt};
  }
  for (const BundleCrd& each : target.crds) {
    const CrdSummary& summary = each.summary;
    crds.try_emplace(summary.name, ReportedCrd{summary.name, summary.kind, {}, {}});
  }
  std::vector<ReportedCrd> list;
  for (auto& [name, crd] : crds) {
    crd.after = planned_state(plan, name, target.crd(name), crd.before);
    list.push_back(std::move(crd));
  }
  return list;
}

void take_found_crds(const Installed& installed, const Bundle& target,
                     std::vector<ReportedCrd>& crds) {
  for (const auto& [name, live] : installed.crds) {
    if (std::ranges::find(crds, name, &ReportedCrd::crd) == crds.end()) {
      crds.push_back({name, live.kind, std::nullopt, std::nullopt});
    }
  }
  std::ranges::sort(crds, {}, &ReportedCrd::crd);
  for (ReportedCrd& crd : crds) {
    const CrdSummary* live = installed.crd(crd.crd);
    if (live == nullptr) {
      crd.after.reset();
      continue;
    }
    const BundleCrd* wanted = target.crd(crd.crd);
    std::string bundle = BundleRef{live->bundle_version, live->channel}.display();
    if (wanted != nullptr && wanted->summary.digest == live->digest) {
      bundle = target.ref.display();
    } else if (crd.before && crd.before->digest == live->digest) {
      bundle = crd.before->bundle;
    }
    crd.after = state_of(*live, std::move(bundle));
  }
}

IntentionSink DiffCollector::sink() {
  return [this](const Json& before, const Intention& intention) {
    if (intention.ok()) add(before, intention.object, intention.changes);
  };
}

void DiffCollector::add(const Json& before, const Json& after, std::vector<FieldChange> changes) {
  if (changes.empty() && is_version_alone(before, after)) return;
  if (!seen_.insert(display_name(kind_of(before), key_of(before))).second) return;
  if (diffs_.size() >= most_) {
    ++omitted_;
    return;
  }
  ObjectDiff diff = diff_objects(before, after);
  diff.changes = std::move(changes);
  diffs_.push_back(std::move(diff));
}

void DiffCollector::move_to(PlanDetails& details) && {
  details.diffs = std::move(diffs_);
  details.diffs_omitted = omitted_;
}

}  // namespace gatelift
