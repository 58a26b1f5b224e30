// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/plan/installed_state.h"

#include <algorithm>
#include <map>
#include <set>

#include "reconcilers/bundle/version.h"

namespace gatelift {
namespace {

bool holds(const InstalledCrd& crd, const BundleRef& ref) {
  return std::ranges::find(crd.bundles, ref) != crd.bundles.end();
}

InstalledCrd recognise_crd(const CrdSummary& live, Recogniser& recogniser) {
  InstalledCrd crd;
  crd.crd = live.name;
  crd.named = {live.bundle_version, live.channel};
  crd.bundles = recogniser.holders_of(live.name, live.digest);
  const KnownCrds* named = recogniser.crds_of(crd.named);
  if (!crd.bundles.empty()) {
    crd.identity = CrdIdentity::Exact;
  } else if (named != nullptr && named->contains(live.name)) {
    crd.identity = CrdIdentity::Modified;
  }
  return crd;
}

/// The CRDs that a bundle may account for.
struct Candidate {
  BundleRef ref;
  std::set<std::string> exact;
  int num_named = 0;  // CRDs whose annotations name it
};

/// nullopt where some CRD speaks against `ref`: it is another than the bundle's, or the bundle
/// lacks it and it is no orphan.
std::optional<Candidate> candidate(const std::vector<InstalledCrd>& crds, const BundleRef& ref,
                                   const Bundle* target, Recogniser& recogniser) {
  const KnownCrds* known = recogniser.crds_of(ref);
  if (known == nullptr) return std::nullopt;
  Candidate found{ref, {}, 0};
  for (const InstalledCrd& crd : crds) {
    if (crd.named == ref) ++found.num_named;
    if (holds(crd, ref)) {
      found.exact.insert(crd.crd);
      continue;
    }
    const bool is_orphan =
        !known->contains(crd.crd) && (target == nullptr || target->crd(crd.crd) == nullptr);
    if (!is_orphan) return std::nullopt;
  }
  return found;
}

/// nullopt where none is, and where two account for different CRDs of which none is of both.
std::optional<BundleRef> installed_bundle(const std::vector<InstalledCrd>& crds,
                                          const Bundle* target, Recogniser& recogniser) {
  const auto is_before_in = [](const BundleRef& a, const BundleRef& b) { return is_before(a, b); };
  std::set<BundleRef, decltype(is_before_in)> refs(is_before_in);
  for (const InstalledCrd& crd : crds) refs.insert(crd.bundles.begin(), crd.bundles.end());
  std::optional<Candidate> best;
  bool is_ambiguous = false;
  for (const BundleRef& ref : refs) {
    auto found = candidate(crds, ref, target, recogniser);
    if (!found) continue;
    if (best && found->exact.size() < best->exact.size()) continue;
    const bool more = !best || found->exact.size() > best->exact.size();
    if (more) is_ambiguous = false;
    if (!more && found->exact != best->exact) is_ambiguous = true;
    if (more || found->num_named >= best->num_named) best = std::move(found);
  }
  if (!best || is_ambiguous) return std::nullopt;
  return best->ref;
}

/// The channel that all CRDs have in common; "" where there is none.
std::string common_channel(const std::vector<InstalledCrd>& crds) {
  std::set<std::string> common{"standard", "experimental"};
  for (const InstalledCrd& crd : crds) {
    std::set<std::string> own;
    for (const BundleRef& ref : crd.bundles) own.insert(ref.channel);
    if (own.empty()) own.insert(crd.named.channel);
    std::erase_if(common, [&](const std::string& channel) { return !own.contains(channel); });
  }
  return common.size() == 1 ? *common.begin() : "";
}

BundleRef installed_ref(const std::vector<InstalledCrd>& crds, const Bundle* target,
                        Recogniser& recogniser) {
  if (crds.empty()) return {"none", ""};
  const bool any_exact = std::ranges::any_of(
      crds, [](const InstalledCrd& crd) { return crd.identity == CrdIdentity::Exact; });
  if (!any_exact) return {"unknown", common_channel(crds)};
  if (auto ref = installed_bundle(crds, target, recogniser)) return *std::move(ref);
  return {"mixed", common_channel(crds)};
}

/// "gateways" of "gateways.gateway.networking.k8s.io": no two CRDs of Gateway API share it.
std::string plural_of(const std::string& crd) { return crd.substr(0, crd.find('.')); }

std::string plurals_of(const std::vector<std::string>& crds) {
  std::string text;
  for (const std::string& crd : crds) text += (text.empty() ? "" : ", ") + plural_of(crd);
  return text;
}

/// The fewest bundles that account for the CRDs, as far as taking the largest share each time finds
/// them.
std::vector<InstalledState::Share> shares_of(const std::vector<InstalledCrd>& crds) {
  std::vector<const InstalledCrd*> left;
  for (const InstalledCrd& crd : crds) {
    if (crd.identity == CrdIdentity::Exact) left.push_back(&crd);
  }
  std::vector<InstalledState::Share> shares;
  while (!left.empty()) {
    std::map<BundleRef, int> sizes;
    for (const InstalledCrd* crd : left) {
      // One that is also named counts a little more than one that is not.
      for (const BundleRef& ref : crd->bundles) sizes[ref] += crd->named == ref ? 101 : 100;
    }
    InstalledState::Share share;
    share.bundle =
        std::ranges::max_element(sizes, {}, [](const auto& size) { return size.second; })->first;
    std::erase_if(left, [&](const InstalledCrd* crd) {
      if (!holds(*crd, share.bundle)) return false;
      share.crds.push_back(crd->crd);
      return true;
    });
    shares.push_back(std::move(share));
  }
  return shares;
}

/// What is left over of a bundle that was there before the others is none of those installed.
void drop_leftovers(std::vector<InstalledState::Share>& shares, const Bundle* target) {
  if (target == nullptr) return;
  std::erase_if(shares, [&](const InstalledState::Share& share) {
    return std::ranges::none_of(share.crds,
                                [&](const auto& crd) { return target->crd(crd) != nullptr; });
  });
}

/// True where none of the bundles that are installed has it.
bool is_orphaned(const InstalledCrd& crd, const std::vector<InstalledState::Share>& shares,
                 Recogniser& recogniser) {
  return !shares.empty() && std::ranges::none_of(shares, [&](const InstalledState::Share& share) {
    const KnownCrds* known = recogniser.crds_of(share.bundle);
    return known != nullptr && known->contains(crd.crd);
  });
}

/// What becomes of the objects that are stored at a version which goes away.
std::string fate_of_objects(const CrdSummary& live, const CrdSummary& target,
                            const std::string& version) {
  const auto& stored = live.stored_versions;
  if (std::ranges::find(stored, version) == stored.end()) {
    return "no object is stored at it, and it goes away";
  }
  const std::string& current = live.storage_version();
  const std::string& to = target.version(current) == nullptr ? target.storage_version() : current;
  return "status.storedVersions names it, so that objects may be stored at it: each is written "
         "again at " +
         to + ", and then it goes away";
}

}  // namespace

bool is_bundle(const BundleRef& from) {
  return from.version != "none" && from.version != "mixed" && from.version != "unknown";
}

InstalledState recognise(const Installed& installed, const Bundle* target, Recogniser& recogniser) {
  InstalledState state;
  for (const auto& [name, live] : installed.crds) {
    state.crds.push_back(recognise_crd(live, recogniser));
  }
  state.from = installed_ref(state.crds, target, recogniser);
  if (is_bundle(state.from)) {
    state.shares = {
        {state.from, {}}
    };
  } else {
    state.shares = shares_of(state.crds);
    drop_leftovers(state.shares, target);
  }
  for (InstalledCrd& crd : state.crds) {
    const bool stays = target != nullptr && target->crd(crd.crd) != nullptr;
    crd.orphaned = !stays && is_orphaned(crd, state.shares, recogniser);
  }
  return state;
}

void check_mixed(const InstalledState& state, Findings& findings) {
  if (state.from.version != "mixed") return;
  std::string text;
  for (const InstalledState::Share& share : state.shares) {
    text +=
        (text.empty() ? "of " : "; of ") + share.bundle.display() + " " + plurals_of(share.crds);
  }
  std::vector<std::string> others;
  for (const InstalledCrd& crd : state.crds) {
    if (crd.identity != CrdIdentity::Exact) others.push_back(crd.crd);
  }
  if (!others.empty()) text += "; of no known bundle " + plurals_of(others);
  findings.add({"MixedBundles", Severity::Note, "", "",
                "no one bundle has all the installed CRDs: " + text +
                    ". Each of them is brought to the target from what it is",
                "", false});
}

void check_known(const InstalledCrd& crd, Findings& findings) {
  if (crd.identity == CrdIdentity::Exact) return;
  const bool is_named = !crd.named.version.empty();
  std::string message;
  if (crd.identity == CrdIdentity::Modified) {
    message = "its content differs from bundle " + crd.named.display() +
              ", which its annotations name, and from every other: somebody has changed it";
  } else if (is_named) {
    message = "no source has bundle " + crd.named.display() +
              ", which its annotations name, and no known bundle holds its content";
  } else {
    message = "its annotations name no bundle, and no known bundle holds its content";
  }
  findings.add({"UnknownContent", Severity::Warning, crd_display(crd.crd),
                is_named ? "spec" : "metadata.annotations", std::move(message),
                "compare it with what you expect (kubectl get crd " + crd.crd +
                    " -o yaml); the target takes its place, and it is in the backup",
                false});
}

void check_foreign_versions(const CrdSummary& live, const CrdSummary& target,
                            Recogniser& recogniser, Findings& findings) {
  if (!recogniser.knows(live.name)) return;
  for (std::size_t i = 0; i < live.versions.size(); ++i) {
    const std::string& version = live.versions[i].name;
    const bool goes = target.version(version) == nullptr;
    if (!goes || recogniser.knows_version(live.name, version)) continue;
    findings.add({"ForeignVersion", Severity::Warning, crd_display(live.name),
                  "spec.versions[" + std::to_string(i) + "].name",
                  "no known bundle has version " + version + " of it; " +
                      fate_of_objects(live, target, version),
                  "find out who reads or writes " + live.group + "/" + version + " " + live.plural +
                      ", and move them to " + target.storage_version() + " beforehand",
                  false});
  }
}

std::optional<NewestCrd> newest_of(const std::vector<InstalledCrd>& crds) {
  std::optional<NewestCrd> newest;
  for (const InstalledCrd& crd : crds) {
    const BundleRef& ref = crd.bundles.empty() ? crd.named : crd.bundles.front();
    if (!parse_bundle_version(ref.version)) continue;
    if (!newest || compare_bundle_versions(ref.version, newest->bundle.version) > 0) {
      newest = NewestCrd{ref, crd.crd};
    }
  }
  return newest;
}

}  // namespace gatelift
