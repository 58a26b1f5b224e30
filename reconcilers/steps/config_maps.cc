// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/steps/config_maps.h"

#include <map>
#include <set>

namespace gatelift {
namespace {

struct Copy {
  ObjectKey from;
  ObjectKey to;
};

/// Namespaces of objects as they were, by uid.
std::map<std::string, std::string> former_namespaces(const Run& run, const std::string& crd) {
  std::map<std::string, std::string> namespaces;
  for (const BackupEntry& entry : run.backup->entries()) {
    if (entry.role == BackupRole::Original && entry.crd == crd) {
      namespaces[entry.uid] = entry.key.ns;
    }
  }
  return namespaces;
}

Result<std::vector<Copy>> copies_for(const Run& run, const std::string& crd) {
  const auto former = former_namespaces(run, crd);
  std::vector<Copy> copies;
  RETURN_IF_ERROR(run.backup->for_each(
      BackupRole::Intended, crd, [&](const BackupEntry& entry, Json&& intended) -> Result<void> {
        const auto was = former.find(entry.uid);
        if (was == former.end() || was->second == entry.key.ns) return {};
        for (const Json& each : array_at(intended, "spec", "validation", "caCertificateRefs")) {
          const std::string name = string_at(each, "name");
          copies.push_back({
              {was->second,  name},
              {entry.key.ns, name}
          });
        }
        return {};
      }));
  return copies;
}

/// A namespace that objects are to be made anew in and cannot be; "" where there is none.
Result<std::string> missing_namespace(Run& run, const std::string& crd) {
  const auto former = former_namespaces(run, crd);
  std::set<std::string> destinations;
  for (const BackupEntry& entry : run.backup->entries()) {
    if (entry.role != BackupRole::Intended || entry.crd != crd) continue;
    const auto was = former.find(entry.uid);
    if (was != former.end() && was->second != entry.key.ns) destinations.insert(entry.key.ns);
  }
  for (const std::string& name : destinations) {
    ASSIGN_OR_RETURN(const std::optional<Json> ns,
                     get_if_exists(run.cluster, resources::kNamespaces, {"", name}));
    if (!ns || is_being_deleted(*ns)) return name;
  }
  return std::string();
}

Json copy_of(const Json& config_map, const ObjectKey& to) {
  Json copy = {
      {"apiVersion", "v1"                                     },
      {"kind",       "ConfigMap"                              },
      {"metadata",   {{"name", to.name}, {"namespace", to.ns}}}
  };
  for (const char* field : {"data", "binaryData"}) {
    if (const Json* value = find(config_map, field)) copy[field] = *value;
  }
  return copy;
}

bool holds_the_same(const Json& a, const Json& b) {
  static const Json none;
  const auto part = [](const Json& map, const char* field) {
    const Json* value = find(map, field);
    return value == nullptr ? none : *value;
  };
  return part(a, "data") == part(b, "data") && part(a, "binaryData") == part(b, "binaryData");
}

}  // namespace

Result<StepOutcome> copy_config_maps(Run& run, const PlannedAction& action) {
  ASSIGN_OR_RETURN(const std::vector<Copy> copies, copies_for(run, action.crd));
  ASSIGN_OR_RETURN(const std::string missing, missing_namespace(run, action.crd));
  if (!missing.empty()) {
    return StepOutcome::stalled("NamespaceMissing",
                                "a policy is to be moved to namespace " + missing +
                                    ", which is not there or is being deleted; next: make it; "
                                    "nothing has been deleted");
  }
  for (const Copy& copy : copies) {
    ASSIGN_OR_RETURN(const std::optional<Json> source,
                     get_if_exists(run.cluster, resources::kConfigMaps, copy.from));
    if (!source) continue;  // the policy had no certificate before either
    ASSIGN_OR_RETURN(const std::optional<Json> there,
                     get_if_exists(run.cluster, resources::kConfigMaps, copy.to));
    if (there && !holds_the_same(*source, *there)) {
      return StepOutcome::stalled(
          "ConfigMapTaken", display_name("ConfigMap", copy.to) +
                                " exists and holds other data than " +
                                display_name("ConfigMap", copy.from) +
                                ", which a policy that moves there names; next: rename one of the "
                                "two; nothing has been deleted");
    }
    if (there) continue;
    Request request;
    request.verb = Verb::Create;
    request.resource = resources::kConfigMaps;
    request.key = {copy.to.ns, ""};
    request.body = copy_of(*source, copy.to);
    const auto made = run.cluster.send(request);
    if (!made && !made.error().is(ErrorKind::AlreadyExists)) return fail(made.error());
  }
  return StepOutcome::progressed();
}

}  // namespace gatelift
