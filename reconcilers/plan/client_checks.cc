// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/plan/client_checks.h"

#include <functional>
#include <string>
#include <utility>

#include "reconcilers/plan/controllers.h"
#include "reconcilers/plan/permission_checks.h"
#include "reconcilers/plan/version_use.h"

namespace gatelift {
namespace {

const Resource kDeployments{"apps", "v1", "deployments", true};
constexpr std::string_view kGatewayClasses = "gatewayclasses.gateway.networking.k8s.io";
constexpr int kPage = 100;  // of Deployments, which may be ten kilobytes each
constexpr int kMaxNamed = 20;

/// "BackendTLSPolicy v1alpha2, GRPCRoute v1alpha2": what is served now and not by the target.
std::string leaving_text(const PlanInputs& inputs) {
  std::string text;
  for (const BundleCrd& target : inputs.target.crds) {
    const CrdSummary* live = inputs.installed.crd(target.summary.name);
    if (live == nullptr) continue;
    for (const std::string& version : leaving_versions(*live, &target.summary)) {
      text += (text.empty() ? "" : ", ") + live->kind + " " + version;
    }
  }
  return text;
}

const Json* condition_of(const Json& object, std::string_view type) {
  for (const Json& condition : array_at(object, "status", "conditions")) {
    if (string_at(condition, "type") == type) return &condition;
  }
  return nullptr;
}

/// The condition by which a GatewayClass says whether its controller supports the installed bundle,
/// or null where none does: SupportedVersion, or Accepted=False with reason UnsupportedVersion.
const Json* support_condition(const Json& gateway_class) {
  const Json* accepted = condition_of(gateway_class, "Accepted");
  if (accepted != nullptr && string_at(*accepted, "status") == "False" &&
      string_at(*accepted, "reason") == "UnsupportedVersion") {
    return accepted;
  }
  return condition_of(gateway_class, "SupportedVersion");
}

/// Looks at one cluster for the clients of versions that go.
class ClientSearch {
 public:
  ClientSearch(Cluster& cluster, Findings& findings, std::string leaving)
      : cluster_(cluster), findings_(findings), leaving_(std::move(leaving)) {}

  Result<void> look_at_gateway_classes(const CrdSummary& crd) {
    return visit(crd.resource(),
                 [&](const Json& object) { add_gateway_class(object, crd.bundle_version); });
  }

  Result<void> look_at_deployments() {
    int found = 0;
    RETURN_IF_ERROR(visit(kDeployments, [&](const Json& deployment) {
      for (const Json& container : array_at(deployment, "spec", "template", "spec", "containers")) {
        const std::string image = string_at(container, "image");
        const std::string name = string_at(container, "name");
        const std::string_view controller = controller_of_image(image, name);
        if (controller.empty()) continue;
        if (++found > kMaxNamed) continue;
        note(display_name("Deployment", key_of(deployment)),
             "spec.template.spec.containers[" + name + "].image",
             std::string(controller) + " runs here, as " + image +
                 "; its release notes say whether this build uses a version that goes (" +
                 leaving_ + ")");
      }
    }));
    count_others(found - kMaxNamed, "Deployments");
    return {};
  }

  Result<void> look_at_leases() {
    int found = 0;
    RETURN_IF_ERROR(visit(resources::kLeases, [&](const Json& lease) {
      const std::string holder = string_at(lease, "spec", "holderIdentity");
      const std::string_view controller = controller_of_lease(key_of(lease).name);
      if (controller.empty() || holder.empty() || ++found > kMaxNamed) return;
      note(display_name("Lease", key_of(lease)), "spec.holderIdentity",
           std::string(controller) + " leads by it: held by " + holder + ", renewed at " +
               string_at(lease, "spec", "renewTime"));
    }));
    count_others(found - kMaxNamed, "Leases");
    return {};
  }

 private:
  /// Visits every object of a collection. One that is not served has none; one that we may not list
  /// is said so.
  Result<void> visit(const Resource& resource, const std::function<void(const Json&)>& look) {
    Request list;
    list.verb = Verb::List;
    list.resource = resource;
    if (resource == kDeployments) list.limit = kPage;
    const auto listed = for_each_object(cluster_, list, [&](Json&& object) -> Result<void> {
      look(object);
      return {};
    });
    if (listed || listed.error().is(ErrorKind::NotFound)) return {};
    const Access access{"list", resource.group, resource.plural, "", "", Severity::Note};
    if (listed.error().is(ErrorKind::Forbidden)) {
      note("", "",
           "not looked at for clients: we may not list " + access.display() + ", which the rule " +
               access.rule() + " grants");
    } else if (listed.error().is(ErrorKind::Expired)) {
      note("", "",
           "not all looked at for clients: " + access.display() +
               " changed faster than they could be listed");
    } else {
      return fail(wrap(listed.error(), "looking for clients in " + access.display()));
    }
    return {};
  }

  void add_gateway_class(const Json& object, const std::string& bundle_version) {
    const Json* condition = support_condition(object);
    const std::string name = display_name("GatewayClass", key_of(object));
    const std::string controller = "its controller " + string_at(object, "spec", "controllerName");
    if (condition == nullptr) {
      const Json* accepted = condition_of(object, "Accepted");
      if (accepted == nullptr || string_at(*accepted, "status") != "True") return;
      note(name, "status.conditions[Accepted]",
           controller + " uses this API and does not say which bundles it supports");
      return;
    }
    const std::string field = "status.conditions[" + string_at(*condition, "type") + "]";
    const std::string bundle =
        "the installed bundle " + bundle_version + ": " + quoted(string_at(*condition, "message"));
    if (string_at(*condition, "status") == "True") {
      note(name, field, controller + " uses this API and supports " + bundle);
    } else if (string_at(*condition, "status") == "False") {
      findings_.add({"VersionClients", Severity::Warning, name, field,
                     controller + " does not support " + bundle,
                     "see in its release notes which bundles this build supports, and upgrade it "
                     "before the run or right after it",
                     false});
    }
  }

  void count_others(int others, const char* kind) {
    if (others > 0) {
      note("", "", std::to_string(others) + " more " + kind + " of known controllers were found");
    }
  }

  /// Of interest only where a version goes.
  void note(std::string object, std::string field, std::string message) {
    if (leaving_.empty()) return;
    findings_.add({"VersionClients", Severity::Note, std::move(object), std::move(field),
                   std::move(message), "", false});
  }

  Cluster& cluster_;
  Findings& findings_;
  const std::string leaving_;
};

}  // namespace

Result<void> check_controllers(Cluster& cluster, const PlanInputs& inputs, Findings& findings) {
  const std::string leaving = leaving_text(inputs);
  ClientSearch search(cluster, findings, leaving);
  if (const CrdSummary* classes = inputs.installed.crd(kGatewayClasses)) {
    RETURN_IF_ERROR(search.look_at_gateway_classes(*classes));
  }
  if (leaving.empty()) return {};
  RETURN_IF_ERROR(search.look_at_deployments());
  return search.look_at_leases();
}

bool is_about_clients(const Check& check) {
  return check.code == "VersionClients" || check.code == "NoHold";
}

}  // namespace gatelift
