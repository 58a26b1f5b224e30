// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/plan/permission_checks.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "reconcilers/admission/old_webhook.h"
#include "reconcilers/plan/actions.h"
#include "reconcilers/steps/scratch_crd.h"

namespace gatelift {
namespace {

constexpr int kInFlight = 8;
constexpr std::size_t kMaxNamed = 5;

/// Collects accesses of one resource.
class Accesses {
 public:
  void add(const Resource& resource, std::initializer_list<std::string_view> verbs,
           const std::string& subresource = {}, const ObjectKey& key = {}) {
    for (const std::string_view verb : verbs) {
      Access access;
      access.verb = verb;
      access.group = resource.group;
      access.resource = subresource.empty() ? resource.plural : resource.plural + "/" + subresource;
      access.ns = key.ns;
      access.name = key.name;
      if (std::ranges::find(all_, access) == all_.end()) all_.push_back(std::move(access));
    }
  }
  std::vector<Access> take() { return std::move(all_); }

 private:
  std::vector<Access> all_;
};

CrdOwner::Way usual_way(const std::map<std::string, CrdOwner::Way>& ways) {
  const auto applied = std::ranges::count_if(
      ways, [](const auto& way) { return way.second == CrdOwner::Way::Apply; });
  return 2 * applied >= static_cast<std::ptrdiff_t>(ways.size()) ? CrdOwner::Way::Apply
                                                                 : CrdOwner::Way::Update;
}

void add_crd_write(Accesses& accesses, const PlannedAction& action, CrdOwner::Way way) {
  const ObjectKey key{"", action.crd};
  const bool applies = way == CrdOwner::Way::Apply;
  switch (action.kind) {
    case ActionKind::Create:
    case ActionKind::Convert:
      if (action.kind == ActionKind::Convert) accesses.add(resources::kCrds, {"delete"}, "", key);
      accesses.add(resources::kCrds, {"create"});  // RBAC knows no name when an object is created
      if (applies) accesses.add(resources::kCrds, {"patch"}, "", key);
      break;
    case ActionKind::ConvertInPlace:
    case ActionKind::Update:
    case ActionKind::Carry:
      // An update also takes away what an apply leaves to other managers.
      accesses.add(resources::kCrds, {"update"}, "", key);
      if (applies) accesses.add(resources::kCrds, {"patch"}, "", key);
      break;
    case ActionKind::Remove:
      accesses.add(resources::kCrds, {"delete"}, "", key);
      break;
    case ActionKind::Reencode:
    case ActionKind::Rename:
    case ActionKind::Keep:
    case ActionKind::SuspendPolicy:
    case ActionKind::InstallPolicy:
      break;
  }
}

/// What it takes to delete, to put back and to change a policy and its binding. They are made by
/// server-side apply, for which RBAC knows the name.
void add_policy_writes(Accesses& accesses, const PlannedAction& action) {
  const ObjectKey key{"", action.crd};
  for (const Resource* resource :
       {&resources::kAdmissionPolicies, &resources::kAdmissionPolicyBindings}) {
    accesses.add(*resource, {"get", "create", "patch", "update"}, "", key);
    if (action.kind == ActionKind::SuspendPolicy) accesses.add(*resource, {"delete"}, "", key);
  }
}

void add_webhook_removal(Accesses& accesses) {
  for (const OldWebhookObject& object : old_webhook_objects(Json())) {
    accesses.add(object.resource, {"get", "delete"}, "", object.key);
  }
}

void add_object_writes(Accesses& accesses, const PlannedAction& action, const PlanInputs& inputs) {
  const CrdSummary* live = inputs.installed.crd(action.crd);
  const BundleCrd* target =
      inputs.target.crd(action.kind == ActionKind::Rename ? action.to_crd : action.crd);
  if (action.kind == ActionKind::Convert) {
    const Resource resource = target->summary.resource();
    accesses.add(resource, {"get", "list", "watch", "create", "patch", "delete"});
    accesses.add(resource, {"patch"}, "status");
    accesses.add(resources::kNamespaces, {"list"});
  } else if (action.kind == ActionKind::Rename) {
    accesses.add(target->summary.resource(), {"list", "create"});
  } else if (action.kind == ActionKind::Remove) {
    accesses.add(live->resource(), {"get", "list", "watch", "delete"});
  }
  if (action.kind == ActionKind::Carry) {
    accesses.add(target->summary.resource(), {"get", "list", "patch"});
    if (action.object_kind == "GatewayClass") {
      accesses.add(target->summary.resource(), {"patch"}, "status");
    }
  }
  if (action.kind == ActionKind::ConvertInPlace) {
    accesses.add(target->summary.resource(), {"watch"});
  }
  if (action.kind != ActionKind::Convert && action.rewrites_objects) {
    accesses.add(target->summary.resource(), {"get", "list", "patch"});
    accesses.add(resources::kCrds, {"patch"}, "status", {"", action.crd});
  }
}

/// What a rehearsal at a copy of the target's CRD takes.
void add_rehearsal(Accesses& accesses, const PlannedAction& action, const Bundle& target) {
  const BundleCrd* crd = target.crd(action.to_crd.empty() ? action.crd : action.to_crd);
  const bool keeps_schema =
      action.kind == ActionKind::Reencode || action.kind == ActionKind::Remove ||
      (action.kind == ActionKind::Update && action.from_digest == action.to_digest);
  if (action.objects == 0 || crd == nullptr || keeps_schema) return;
  accesses.add(resources::kCrds, {"create"});
  accesses.add(resources::kCrds, {"delete"}, "", {"", scratch_name(crd->summary)});
  accesses.add(scratch_resource(crd->summary), {"list", "create", "patch"});
  const bool makes_anew = action.kind == ActionKind::Convert || action.kind == ActionKind::Rename;
  if (makes_anew || (!action.rewrites_objects && action.kind != ActionKind::Carry)) return;
  accesses.add(resources::kCrds, {"patch"}, "", {"", scratch_name(crd->summary)});
  accesses.add(scratch_resource(crd->summary), {"delete"});
}

Json review_of(const Access& access) {
  const auto slash = access.resource.find('/');
  Json attributes = {
      {"verb",        access.verb},
      {          "group", access.group           },
      { "resource",       access.resource.substr(0,                  slash)}
  };
  if (slash != std::string::npos) attributes["subresource"] = access.resource.substr(slash + 1);
  if (!access.ns.empty()) attributes["namespace"] = access.ns;
  if (!access.name.empty()) attributes["name"] = access.name;
  return {
      {"apiVersion", resources::kSelfSubjectAccessReviews.api_version()},
      {"kind",       "SelfSubjectAccessReview"                         },
      {"spec",       {{"resourceAttributes", std::move(attributes)}}   }
  };
}

std::string place_of(const Access& access) {
  return access.ns.empty() ? "a ClusterRole" : "a Role in namespace " + access.ns;
}

}  // namespace

std::string Access::display() const {
  const auto slash = resource.find('/');
  std::string text = resource.substr(0, slash);
  if (!group.empty()) text += "." + group;
  if (slash != std::string::npos) text += resource.substr(slash);
  if (!name.empty()) text += " " + name;
  return ns.empty() ? text : text + " in namespace " + ns;
}

std::string Access::rule() const {
  std::string text = "{apiGroups: [\"" + group + "\"], resources: [\"" + resource + "\"]";
  if (!name.empty()) text += ", resourceNames: [\"" + name + "\"]";
  return text + ", verbs: [\"" + verb + "\"]}";
}

std::vector<Access> accesses_for(const std::vector<PlannedAction>& actions,
                                 const PlanInputs& inputs,
                                 const std::map<std::string, CrdOwner::Way>& ways,
                                 bool copies_config_maps) {
  Accesses accesses;
  for (const PlannedAction& action : actions) {
    if (action.kind == ActionKind::Keep) continue;
    if (!is_about_crd(action)) {
      if (action.kind == ActionKind::Remove) {
        add_webhook_removal(accesses);
      } else {
        add_policy_writes(accesses, action);
      }
      continue;
    }
    const auto way = ways.find(action.crd);
    add_crd_write(accesses, action, way == ways.end() ? usual_way(ways) : way->second);
    add_object_writes(accesses, action, inputs);
    if (inputs.operation == Operation::Upgrade) {
      add_rehearsal(accesses, action, inputs.target);
    }
  }
  if (copies_config_maps) accesses.add(resources::kConfigMaps, {"get", "create"});
  const ObjectKey ours{inputs.ns, ""};
  accesses.add(resources::kSecrets, {"get", "list", "create", "update", "delete"}, "", ours);
  accesses.add(resources::kConfigMaps, {"create", "patch"}, "", ours);
  // Where events about a cluster-scoped object go.
  accesses.add(resources::kEvents, {"create"}, "", {"default", ""});
  std::vector<Access> all = accesses.take();
  all.back().lacking = Severity::Warning;  // a run without events loses nothing but its story
  return all;
}

Result<std::vector<Access>> denied_of(Cluster& cluster, const std::vector<Access>& accesses) {
  std::vector<bool> allowed(accesses.size());
  std::optional<Error> failed;
  Batch batch;
  batch.size = accesses.size();
  batch.request = [&](std::size_t i) {
    Request request;
    request.verb = Verb::Create;
    request.resource = resources::kSelfSubjectAccessReviews;
    request.body = review_of(accesses[i]);
    return request;
  };
  batch.done = [&](std::size_t i, const Result<Json>& answer) {
    if (answer) {
      allowed[i] = bool_at(*answer, false, "status", "allowed");
    } else if (!failed) {
      failed = answer.error();
    }
  };
  cluster.send_each(batch, kInFlight);
  if (failed) return fail(wrap(std::move(*failed), "asking what we may do"));
  std::vector<Access> denied;
  for (std::size_t i = 0; i < accesses.size(); ++i) {
    if (!allowed[i]) denied.push_back(accesses[i]);
  }
  return denied;
}

void report_denied(const std::vector<Access>& denied, Mode mode, Findings& findings) {
  if (denied.empty()) return;
  if (mode == Mode::Plan) {
    std::string calls;
    for (std::size_t i = 0; i < std::min(denied.size(), kMaxNamed); ++i) {
      calls += (i == 0 ? "" : "; ") + denied[i].verb + " " + denied[i].display();
    }
    if (denied.size() > kMaxNamed) {
      calls += " and " + std::to_string(denied.size() - kMaxNamed) + " more";
    }
    findings.add({"MissingPermission", Severity::Note, "", "",
                  "who plans here may not make " + std::to_string(denied.size()) +
                      " of the calls that a run makes: " + calls,
                  "", false});
    return;
  }
  for (const Access& access : denied) {
    findings.add({"MissingPermission", access.lacking, access.display(), access.verb,
                  "we may not " + access.verb + " " + access.display(),
                  "add the rule " + access.rule() + " to " + place_of(access) +
                      " that is bound to our ServiceAccount",
                  false});
  }
}

}  // namespace gatelift
