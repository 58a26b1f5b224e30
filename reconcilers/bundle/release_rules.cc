// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/bundle/release_rules.h"

#include "reconcilers/bundle/marks.h"

namespace gatelift {
namespace {

ReleaseFinding finding(const Bundle& bundle, Rule rule, Ruling ruling, std::string why) {
  ReleaseFinding found;
  found.release = bundle.ref.version;
  found.channel = bundle.ref.channel;
  found.verdict = {ruling, rule, std::move(why)};
  return found;
}

class Documents {
 public:
  explicit Documents(const Bundle& bundle) : bundle_(bundle) {}

  void check(const std::string& name, std::string_view annotation, const std::string& said,
             const std::string& wanted) {
    if (said == wanted) return;
    ReleaseFinding found = finding(bundle_, Rule::A1, Ruling::Violates,
                                   said.empty() ? "it has none" : "it says " + said);
    found.crd = name;
    found.path = "metadata.annotations[" + std::string(annotation) + "]";
    found_.push_back(std::move(found));
  }

  std::vector<ReleaseFinding> finish() && {
    if (found_.empty()) {
      found_.push_back(
          finding(bundle_, Rule::A1, Ruling::Allowed, "every document names version and channel"));
    }
    return std::move(found_);
  }

 private:
  const Bundle& bundle_;
  std::vector<ReleaseFinding> found_;
};

std::vector<ReleaseFinding> check_a1(const Bundle& bundle) {
  Documents documents(bundle);
  for (const BundleCrd& crd : bundle.crds) {
    documents.check(crd.summary.name, kBundleVersionMark, crd.summary.bundle_version, bundle.ref.version);
    documents.check(crd.summary.name, kChannelMark, crd.summary.channel, bundle.ref.channel);
  }
  for (const std::string& manifest : bundle.policy_manifests) {
    const Json policy = Json::parse(manifest);
    const std::string name = display_name(kind_of(policy), key_of(policy));
    documents.check(name, kBundleVersionMark, annotation_of(policy, kBundleVersionMark), bundle.ref.version);
    documents.check(name, kChannelMark, annotation_of(policy, kChannelMark), bundle.ref.channel);
  }
  return std::move(documents).finish();
}

std::vector<ReleaseFinding> check_a2(const Bundle& bundle, const CataloguedBundle* catalogued) {
  if (catalogued == nullptr || !catalogued->not_kustomized) {
    return {finding(bundle, Rule::A2, Ruling::NotDecidable,
                    "no catalogue says what its kustomization lists")};
  }
  std::vector<ReleaseFinding> found;
  for (const std::string& file : *catalogued->not_kustomized) {
    found.push_back(
        finding(bundle, Rule::A2, Ruling::Violates,
                "its kustomization leaves it out: kubectl apply -k does not install it"));
    found.back().path = file;
  }
  if (found.empty()) {
    found.push_back(
        finding(bundle, Rule::A2, Ruling::Allowed, "its kustomization lists every file"));
  }
  return found;
}

}  // namespace

std::vector<ReleaseFinding> check_release(const Bundle& bundle,
                                          const CataloguedBundle* catalogued) {
  std::vector<ReleaseFinding> found = check_a1(bundle);
  const auto more = check_a2(bundle, catalogued);
  found.insert(found.end(), more.begin(), more.end());
  return found;
}

}  // namespace gatelift
