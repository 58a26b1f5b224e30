// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/bundle/crd.h"

#include <algorithm>
#include <cctype>
#include <iterator>

#include "reconcilers/bundle/digest.h"
#include "reconcilers/bundle/marks.h"

namespace gatelift {
namespace {

tl::unexpected<Error> invalid(const std::string& name, const std::string& what) {
  return fail(ErrorKind::Invalid,
              "CustomResourceDefinition " + (name.empty() ? "without a name" : name) + ": " + what);
}

/// The required string at a path, into `out`.
template <typename... Keys>
bool read(const Json& crd, std::string& out, const Keys&... keys) {
  out = string_at(crd, keys...);
  return !out.empty();
}

Result<std::vector<CrdVersion>> versions_of(const Json& crd, const std::string& name) {
  std::vector<CrdVersion> versions;
  for (const Json& entry : array_at(crd, "spec", "versions")) {
    CrdVersion version;
    version.name = string_at(entry, "name");
    version.served = bool_at(entry, false, "served");
    version.storage = bool_at(entry, false, "storage");
    if (version.name.empty()) {
      return invalid(name,
                     "spec.versions[" + std::to_string(versions.size()) + "].name is missing");
    }
    versions.push_back(std::move(version));
  }
  const auto storing =
      std::count_if(versions.begin(), versions.end(), [](const auto& v) { return v.storage; });
  if (storing != 1) {
    return invalid(
        name, "spec.versions has " + std::to_string(storing) + " storage versions instead of one");
  }
  return versions;
}

void read_live_state(const Json& crd, CrdSummary& summary) {
  summary.uid = uid_of(crd);
  summary.resource_version = resource_version_of(crd);
  summary.generation = int_at(crd, 0, "metadata", "generation");
  summary.terminating = is_being_deleted(crd);
  for (const Json& version : array_at(crd, "status", "storedVersions")) {
    if (version.is_string()) summary.stored_versions.push_back(version.get<std::string>());
  }
  for (const Json& condition : array_at(crd, "status", "conditions")) {
    if (string_at(condition, "type") == "Established") {
      summary.established = string_at(condition, "status") == "True";
    }
  }
}

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

void erase_if_equal(Json& parent, const char* key, const Json& value) {
  if (auto it = parent.find(key); it != parent.end() && *it == value) parent.erase(it);
}

/// Takes out what SetDefaults_CustomResourceDefinitionSpec puts in (apiextensions-apiserver,
/// pkg/apis/apiextensions/v1/ defaults.go), and what its types do not print when it is empty
/// (omitempty).
void remove_defaults(Json& spec) {
  erase_if_equal(spec, "preserveUnknownFields", false);
  erase_if_equal(spec, "conversion",
                 Json{
                     {"strategy", "None"}
  });
  if (auto names = spec.find("names"); names != spec.end() && names->is_object()) {
    const std::string kind = string_at(*names, "kind");
    erase_if_equal(*names, "singular", lower(kind));
    erase_if_equal(*names, "listKind", kind + "List");
    erase_if_equal(*names, "shortNames", Json::array());
    erase_if_equal(*names, "categories", Json::array());
  }
  auto versions = spec.find("versions");
  if (versions == spec.end() || !versions->is_array()) return;
  for (Json& version : *versions) {
    if (!version.is_object()) continue;
    erase_if_equal(version, "deprecated", false);
    erase_if_equal(version, "additionalPrinterColumns", Json::array());
    auto columns = version.find("additionalPrinterColumns");
    if (columns == version.end()) continue;
    for (Json& column : *columns) {
      if (!column.is_object()) continue;
      erase_if_equal(column, "priority", 0);
      erase_if_equal(column, "description", "");
      erase_if_equal(column, "format", "");
    }
  }
}

}  // namespace

const CrdVersion* CrdSummary::version(std::string_view wanted) const {
  const auto it = std::find_if(versions.begin(), versions.end(),
                               [&](const CrdVersion& v) { return v.name == wanted; });
  return it == versions.end() ? nullptr : &*it;
}

std::vector<std::string> CrdSummary::lacking(const std::vector<std::string>& stored) const {
  std::vector<std::string> missing;
  std::copy_if(stored.begin(), stored.end(), std::back_inserter(missing),
               [&](const std::string& wanted) { return version(wanted) == nullptr; });
  return missing;
}

std::string CrdSummary::storage_version() const {
  const auto it =
      std::find_if(versions.begin(), versions.end(), [](const auto& v) { return v.storage; });
  return it == versions.end() ? std::string() : it->name;
}

Resource CrdSummary::resource_at(std::string_view version_name) const {
  return Resource{group, std::string(version_name), plural, namespaced};
}

Resource CrdSummary::resource() const {
  const CrdVersion* storage = version(storage_version());
  if (storage != nullptr && storage->served) return resource_at(storage->name);
  const auto served =
      std::find_if(versions.begin(), versions.end(), [](const auto& v) { return v.served; });
  return resource_at(served == versions.end() ? storage_version() : served->name);
}

bool same_content(const CrdSummary& a, const CrdSummary& b) {
  return a.digest == b.digest && a.bundle_version == b.bundle_version && a.channel == b.channel;
}

Result<CrdSummary> summarize_crd(const Json& crd) {
  CrdSummary summary;
  summary.name = string_at(crd, "metadata", "name");
  if (string_at(crd, "kind") != "CustomResourceDefinition" ||
      string_at(crd, "apiVersion") != "apiextensions.k8s.io/v1") {
    return fail(ErrorKind::Invalid, "no apiextensions.k8s.io/v1 CustomResourceDefinition but " +
                                        string_at(crd, "apiVersion") + " " +
                                        display_name(kind_of(crd), key_of(crd)));
  }
  if (summary.name.empty()) return invalid("", "metadata.name is missing");
  if (!read(crd, summary.group, "spec", "group")) {
    return invalid(summary.name, "spec.group is missing");
  }
  if (!read(crd, summary.plural, "spec", "names", "plural")) {
    return invalid(summary.name, "spec.names.plural is missing");
  }
  if (!read(crd, summary.kind, "spec", "names", "kind")) {
    return invalid(summary.name, "spec.names.kind is missing");
  }
  const std::string scope = string_at(crd, "spec", "scope");
  if (scope != "Namespaced" && scope != "Cluster") {
    return invalid(summary.name, "spec.scope is \"" + scope + "\", neither Namespaced nor Cluster");
  }
  if (summary.name != summary.plural + "." + summary.group) {
    return invalid(summary.name, "metadata.name is not spec.names.plural and spec.group, " +
                                     summary.plural + "." + summary.group);
  }
  summary.namespaced = scope == "Namespaced";
  ASSIGN_OR_RETURN(summary.versions, versions_of(crd, summary.name));
  summary.digest = spec_digest(crd);
  summary.bundle_version = annotation_of(crd, kBundleVersionMark);
  summary.channel = annotation_of(crd, kChannelMark);
  read_live_state(crd, summary);
  return summary;
}

std::string spec_digest(const Json& crd) {
  const Json* found = find(crd, "spec");
  Json spec = found != nullptr ? *found : Json::object();
  if (spec.is_object()) remove_defaults(spec);
  return digest_of(spec);
}

}  // namespace gatelift
