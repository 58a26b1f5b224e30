// SPDX-License-Identifier: Apache-2.0
#include "controller/release_printer.h"

#include <algorithm>
#include <tuple>

#include "controller/terminal.h"
#include "controller/verdict_printer.h"

namespace gatelift {
namespace {

/// Of CRDs and of fields in a line; -o json has all.
constexpr std::size_t kMostNamed = 2;

/// What one rule says of the same things in these releases.
struct ReleaseLine {
  std::vector<std::string> releases;
  std::string verdict;
  std::vector<std::string> crds;
  std::vector<std::string> versions;
  std::vector<std::string> paths;

  bool same_but_release(const ReleaseLine& other) const {
    return std::tie(verdict, crds, versions, paths) ==
           std::tie(other.verdict, other.crds, other.versions, other.paths);
  }
};

void add_once(std::vector<std::string>& items, const std::string& item) {
  if (!item.empty() && std::ranges::find(items, item) == items.end()) items.push_back(item);
}

/// A line for each verdict on each release.
std::vector<ReleaseLine> single_lines(const std::vector<ReleaseFinding>& findings, bool colored) {
  std::vector<ReleaseLine> lines;
  for (const ReleaseFinding& finding : findings) {
    const std::string release = BundleRef{finding.release, finding.channel}.display();
    const std::string verdict = verdicts_text({finding.verdict}, "holds", colored);
    auto line = std::ranges::find_if(lines, [&](const ReleaseLine& other) {
      return other.releases.front() == release && other.verdict == verdict;
    });
    if (line == lines.end()) {
      line = lines.insert(line, ReleaseLine{{release}, verdict, {}, {}, {}});
    }
    add_once(line->crds, finding.crd);
    add_once(line->versions, finding.version);
    add_once(line->paths, finding.path);
  }
  return lines;
}

std::vector<ReleaseLine> lines_of(const std::vector<ReleaseFinding>& findings, bool colored) {
  std::vector<ReleaseLine> lines;
  for (ReleaseLine& line : single_lines(findings, colored)) {
    const auto same = std::ranges::find_if(
        lines, [&](const ReleaseLine& other) { return other.same_but_release(line); });
    if (same == lines.end()) {
      lines.push_back(std::move(line));
    } else {
      same->releases.push_back(line.releases.front());
    }
  }
  return lines;
}

std::string listed(const std::vector<std::string>& items, std::size_t most) {
  std::string text;
  for (std::size_t i = 0; i < std::min(items.size(), most); ++i) {
    text += (i == 0 ? "" : ", ") + items[i];
  }
  if (items.size() > most) text += " and " + std::to_string(items.size() - most) + " more";
  return text;
}

}  // namespace

std::string releases_text(const std::vector<ReleaseFinding>& findings, bool colored) {
  if (findings.empty()) return "";
  std::string text = "\n" + styled("Releases", Style::Bold, colored) + "\n";
  for (const ReleaseLine& line : lines_of(findings, colored)) {
    std::string where = listed(line.releases, line.releases.size());
    for (const std::string& part :
         {listed(line.crds, kMostNamed), listed(line.versions, line.versions.size()),
          listed(line.paths, kMostNamed)}) {
      if (!part.empty()) where += "  " + part;
    }
    text += "  " + printable(where) + "  " + line.verdict + "\n";
  }
  return text;
}

Json release_json(const ReleaseFinding& finding) {
  Json json = verdict_json(finding.verdict);
  json["release"] = finding.release;
  json["channel"] = finding.channel;
  json["crd"] = finding.crd;
  json["version"] = finding.version;
  json["path"] = finding.path;
  return json;
}

bool is_new(const ReleaseFinding& finding, const std::vector<ReleaseFinding>& all,
            const BundleDiff& step) {
  if (step.from.version == step.to.version) return true;
  if (finding.release != step.to.version) return false;
  return std::ranges::none_of(all, [&](const ReleaseFinding& other) {
    return other.release == step.from.version && other.verdict.ruling == Ruling::Violates &&
           other.verdict.rule == finding.verdict.rule &&
           std::tie(other.crd, other.version, other.path) ==
               std::tie(finding.crd, finding.version, finding.path);
  });
}

}  // namespace gatelift
