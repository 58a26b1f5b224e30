// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/bundle/recogniser.h"

#include <algorithm>

namespace gatelift {
namespace {

KnownCrds known_crds(const Bundle& bundle) {
  KnownCrds crds;
  for (const BundleCrd& crd : bundle.crds) {
    KnownCrd& known = crds[crd.summary.name];
    known.digest = crd.summary.digest;
    for (const CrdVersion& version : crd.summary.versions) known.versions.push_back(version.name);
  }
  return crds;
}

}  // namespace

Recogniser::Recogniser(const BundleSources& sources) : sources_(sources) {
  std::vector<CataloguedBundle> catalogued = sources.catalogued();
  std::set<std::string> described;
  for (const CataloguedBundle& bundle : catalogued) {
    if (!bundle.crds.empty()) described.insert(bundle.place);
  }
  for (const BundleSources::Entry& entry : sources.list()) {
    if (described.contains(entry.source)) continue;
    unread_.insert(entry.ref);
    if (!entry.in_directory) read(entry.ref);
  }
  for (CataloguedBundle& bundle : catalogued) {
    if (!bundle.crds.empty()) learn(bundle.ref, std::move(bundle.crds));
  }
}

std::vector<BundleRef> Recogniser::holders_of(const std::string& crd, const std::string& digest) {
  const std::pair key(crd, digest);
  if (!holders_.contains(key)) read_all();
  const auto found = holders_.find(key);
  return found == holders_.end() ? std::vector<BundleRef>() : found->second;
}

const KnownCrds* Recogniser::crds_of(const BundleRef& ref) {
  read(ref);
  const auto found = bundles_.find(ref);
  return found == bundles_.end() ? nullptr : &found->second;
}

bool Recogniser::knows(const std::string& crd) {
  if (!versions_.contains(crd)) read_all();
  return versions_.contains(crd);
}

bool Recogniser::knows_version(const std::string& crd, const std::string& version) {
  const auto known = [&] {
    const auto found = versions_.find(crd);
    return found != versions_.end() && found->second.contains(version);
  };
  if (!known()) read_all();
  return known();
}

void Recogniser::learn(const BundleRef& ref, KnownCrds crds) {
  for (const auto& [name, crd] : crds) {
    versions_[name].insert(crd.versions.begin(), crd.versions.end());
    std::vector<BundleRef>& refs = holders_[{name, crd.digest}];
    const auto place =
        std::ranges::find_if(refs, [&](const BundleRef& other) { return !is_before(other, ref); });
    if (place == refs.end() || *place != ref) refs.insert(place, ref);
  }
  bundles_.try_emplace(ref, std::move(crds));
}

void Recogniser::read(const BundleRef& ref) {
  if (unread_.erase(ref) == 0) return;
  if (const auto bundle = sources_.load(ref)) learn(ref, known_crds(*bundle));
}

void Recogniser::read_all() {
  while (!unread_.empty()) read(BundleRef(*unread_.begin()));
}

}  // namespace gatelift
