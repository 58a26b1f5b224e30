// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/bundle/bundle.h"

#include <algorithm>
#include <set>

#include "reconcilers/bundle/digest.h"
#include "reconcilers/bundle/manifest_files.h"
#include "reconcilers/bundle/version.h"

namespace gatelift {
namespace {

constexpr std::string_view kGroup = "gateway.networking.k8s.io";
constexpr std::string_view kExperimentalGroup = "gateway.networking.x-k8s.io";

bool is_policy(const Json& document) {
  const std::string kind = kind_of(document);
  return group_of_api_version(string_at(document, "apiVersion")) ==
             "admissionregistration.k8s.io" &&
         (kind == "ValidatingAdmissionPolicy" || kind == "ValidatingAdmissionPolicyBinding");
}

/// "FILE, document 3 (Namespace/gateway-system)".
std::string place_of(const std::string& source, std::size_t number, const Json& document) {
  std::string place = source + ", document " + std::to_string(number);
  const std::string kind = kind_of(document);
  if (!kind.empty()) place += " (" + display_name(kind, key_of(document)) + ")";
  return place;
}

Result<void> add_crd(Bundle& bundle, const Json& document, const std::string& place) {
  auto summary = summarize_crd(document);
  if (!summary) return fail(wrap(std::move(summary).error(), place));
  if (summary->group != kGroup && summary->group != kExperimentalGroup) {
    return fail(ErrorKind::Invalid, place + ": spec.group " + summary->group + " is neither " +
                                        std::string(kGroup) + " nor " +
                                        std::string(kExperimentalGroup));
  }
  if (bundle.crd(summary->name) != nullptr) {
    return fail(ErrorKind::Invalid,
                place + ": metadata.name " + summary->name + " is in this bundle twice");
  }
  bundle.crds.push_back(BundleCrd{*std::move(summary), print_json(document)});
  return {};
}

Result<void> add_document(Bundle& bundle, const Json& document, const std::string& place) {
  if (!document.is_object()) {
    return fail(ErrorKind::Invalid, place + ": not an object but " + document.type_name());
  }
  if (kind_of(document).empty()) return fail(ErrorKind::Invalid, place + ": kind is missing");
  if (kind_of(document) == "CustomResourceDefinition") return add_crd(bundle, document, place);
  if (is_policy(document)) {
    bundle.policy_manifests.push_back(print_json(document));
    return {};
  }
  return fail(ErrorKind::Invalid,
              place +
                  ": neither a CustomResourceDefinition nor an admission policy; a bundle "
                  "holds nothing else");
}

/// kubectl's own List and typed lists alike.
bool is_list(const Json& document) {
  return kind_of(document).ends_with("List") && find(document, "items") != nullptr &&
         find(document, "items")->is_array();
}

/// What all CRDs that say anything say in a field, into `wanted` if that is empty.
Result<void> settle(std::string& wanted, const Bundle& bundle, const char* what,
                    const std::string CrdSummary::*field) {
  if (!wanted.empty()) return {};
  const BundleCrd* first = nullptr;
  for (const BundleCrd& crd : bundle.crds) {
    const std::string& value = crd.summary.*field;
    if (value.empty()) continue;
    if (first == nullptr) first = &crd;
    if (value != first->summary.*field) {
      return fail(ErrorKind::Invalid, bundle.source + ": CRDs of several bundles: annotation " +
                                          what + " is " + first->summary.*field + " in " +
                                          first->summary.name + " and " + value + " in " +
                                          crd.summary.name);
    }
  }
  if (first == nullptr) {
    return fail(ErrorKind::Invalid, bundle.source + ": no CRD has the annotation " + what +
                                        ", which would name the bundle");
  }
  wanted = first->summary.*field;
  return {};
}

/// What a bundle is identified by: not its annotations, and not the order of its documents.
std::string content_digest(const Bundle& bundle) {
  Json content{
      {"crds",     Json::object()},
      {"policies", Json::array() }
  };
  for (const BundleCrd& crd : bundle.crds) content["crds"][crd.summary.name] = crd.summary.digest;
  std::set<std::string> policies;
  for (const std::string& manifest : bundle.policy_manifests) policies.insert(sha256(manifest));
  for (const std::string& digest : policies) content["policies"].push_back(digest);
  return digest_of(content);
}

}  // namespace

bool is_before(const BundleRef& a, const BundleRef& b) {
  const auto order = compare_bundle_versions(a.version, b.version);
  return order != 0 ? order < 0 : a.channel < b.channel;
}

const BundleCrd* Bundle::crd(std::string_view name) const {
  const auto it = std::find_if(crds.begin(), crds.end(),
                               [&](const BundleCrd& crd) { return crd.summary.name == name; });
  return it == crds.end() ? nullptr : &*it;
}

BundleBuilder::BundleBuilder(BundleRef ref, std::string source) {
  bundle_.ref = std::move(ref);
  bundle_.source = std::move(source);
}

Result<void> BundleBuilder::add(const Json& document, const std::string& source,
                                std::size_t number) {
  if (document.is_null()) return {};
  if (!is_list(document)) {
    return add_document(bundle_, document, place_of(source, number, document));
  }
  std::size_t item_number = 0;
  for (const Json& item : array_at(document, "items")) {
    const std::string list =
        source + ", document " + std::to_string(number) + ", items[" + std::to_string(item_number);
    RETURN_IF_ERROR(add_document(bundle_, item, list + "]"));
    ++item_number;
  }
  return {};
}

Result<Bundle> BundleBuilder::finish() && {
  if (bundle_.crds.empty()) {
    return fail(ErrorKind::Invalid, bundle_.source + ": no CustomResourceDefinition in it");
  }
  std::sort(bundle_.crds.begin(), bundle_.crds.end(),
            [](const auto& a, const auto& b) { return a.summary.name < b.summary.name; });
  RETURN_IF_ERROR(settle(bundle_.ref.version, bundle_, "gateway.networking.k8s.io/bundle-version",
                         &CrdSummary::bundle_version));
  RETURN_IF_ERROR(settle(bundle_.ref.channel, bundle_, "gateway.networking.k8s.io/channel",
                         &CrdSummary::channel));
  bundle_.digest = content_digest(bundle_);
  return std::move(bundle_);
}

Result<Bundle> bundle_from_documents(BundleRef ref, const std::vector<Json>& documents,
                                     std::string source) {
  BundleBuilder builder(std::move(ref), source);
  for (std::size_t i = 0; i < documents.size(); ++i) {
    RETURN_IF_ERROR(builder.add(documents[i], source, i + 1));
  }
  return std::move(builder).finish();
}

Result<Bundle> bundle_from_file(const std::filesystem::path& file) {
  BundleBuilder builder({}, file.string());
  RETURN_IF_ERROR(add_manifest_file(builder, file));
  return std::move(builder).finish();
}

}  // namespace gatelift
