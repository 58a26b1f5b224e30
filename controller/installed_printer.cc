// SPDX-License-Identifier: Apache-2.0
#include "controller/installed_printer.h"

#include <algorithm>

#include "controller/terminal.h"

namespace gatelift {
namespace {

/// More are shown as the first and the last of each channel.
constexpr std::size_t kMostBundles = 3;

std::string identity_words(const InstalledCrd& crd) {
  std::string words;
  switch (crd.identity) {
    case CrdIdentity::Exact:
      words = "exact";
      break;
    case CrdIdentity::Modified:
      words = "MODIFIED";
      break;
    case CrdIdentity::Unknown:
      words = "UNKNOWN";
      break;
  }
  return crd.orphaned ? words + ", orphaned" : words;
}

/// "v0.6.0 to v0.7.1/standard": releases of one channel that have the same CRD follow each other.
std::string channel_text(const std::vector<BundleRef>& refs) {
  std::string text;
  if (refs.size() > kMostBundles) {
    text = refs.front().version + " to " + refs.back().version;
  } else {
    for (const BundleRef& ref : refs) text += (text.empty() ? "" : ", ") + ref.version;
  }
  return text + "/" + refs.front().channel;
}

std::string bundles_text(const InstalledCrd& crd) {
  if (crd.bundles.empty()) {
    return crd.named.version.empty() ? "none known; names none"
                                     : "none known; names " + crd.named.display();
  }
  std::string text;
  for (const char* channel : {"standard", "experimental"}) {
    std::vector<BundleRef> refs;
    std::ranges::copy_if(crd.bundles, std::back_inserter(refs),
                         [&](const BundleRef& ref) { return ref.channel == channel; });
    if (!refs.empty()) text += (text.empty() ? "" : "; ") + channel_text(refs);
  }
  for (const BundleRef& ref : crd.bundles) {
    if (ref.channel == "standard" || ref.channel == "experimental") continue;
    text += (text.empty() ? "" : "; ") + ref.display();
  }
  const bool is_named = std::ranges::find(crd.bundles, crd.named) != crd.bundles.end();
  if (is_named) return text;
  return text + (crd.named.version.empty() ? "; names none" : "; names " + crd.named.display());
}

}  // namespace

std::string from_text(const BundleRef& from) {
  const std::string channel = from.channel.empty() ? "" : " (" + from.channel + ")";
  if (from.version == "none") return "no Gateway API";
  if (from.version == "mixed") return "several bundles" + channel;
  if (from.version == "unknown") return "no known bundle" + channel;
  return from.display();
}

bool is_worth_showing(const BundleRef& from, const std::vector<InstalledCrd>& crds) {
  return std::ranges::any_of(crds, [&](const InstalledCrd& crd) {
    return std::ranges::find(crd.bundles, from) == crd.bundles.end();
  });
}

std::string installed_text(const std::vector<InstalledCrd>& crds) {
  const bool any_owner =
      std::ranges::any_of(crds, [](const InstalledCrd& crd) { return !crd.owner.empty(); });
  std::vector<std::string> header{"  CRD", "IS", "OF BUNDLE"};
  if (any_owner) header.emplace_back("MANAGED BY");
  std::vector<std::vector<std::string>> rows;
  for (const InstalledCrd& crd : crds) {
    rows.push_back({"  " + printable(crd.crd), identity_words(crd), printable(bundles_text(crd))});
    if (any_owner) rows.back().push_back(printable(crd.owner));
  }
  return table(header, rows);
}

}  // namespace gatelift
