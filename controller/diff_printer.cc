// SPDX-License-Identifier: Apache-2.0
#include "controller/diff_printer.h"

#include <algorithm>
#include <cctype>

#include "controller/release_printer.h"
#include "controller/terminal.h"
#include "controller/verdict_printer.h"

namespace gatelift {
namespace {

/// A value or rule that is longer says no more to a person; -o json has it whole.
constexpr std::size_t kLongestDetail = 100;

/// "field added" of FieldAdded.
std::string words_of(std::string_view name) {
  std::string words;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isupper(byte) != 0 && !words.empty()) words += ' ';
    words += static_cast<char>(std::tolower(byte));
  }
  return words;
}

std::string cut(const std::string& text) {
  if (text.size() <= kLongestDetail) return text;
  std::size_t end = kLongestDetail;
  while (end > 0 && (text[end] & 0xC0) == 0x80) --end;  // not within a code point
  return text.substr(0, end) + "...";
}

/// A line without the versions that it is about.
std::string change_text(const Change& change, bool colored) {
  std::string text;
  if (!change.path.empty()) text += change.path + "  ";
  text += words_of(to_string(change.kind));
  if (!change.keyword.empty()) text += " " + change.keyword;
  if (!change.detail.empty()) text += ": " + cut(change.detail);
  return printable(text) + "  " + verdicts_text(change.verdicts, "allowed", colored);
}

struct Line {
  std::string versions;
  std::string text;
};

std::vector<Line> lines_of(const std::vector<const Change*>& changes, bool colored) {
  std::vector<Line> lines;
  for (const Change* change : changes) {
    const std::string text = change_text(*change, colored);
    const auto same = std::ranges::find(lines, text, &Line::text);
    if (same == lines.end()) {
      lines.push_back({change->version, text});
    } else {
      same->versions += ", " + change->version;
    }
  }
  return lines;
}

std::string paragraph(const std::string& crd, const std::vector<Line>& lines, bool colored) {
  std::string text = "\n" + styled(printable(crd), Style::Bold, colored) + "\n";
  for (const Line& line : lines) {
    text +=
        "  " + (line.versions.empty() ? "" : printable(line.versions) + "  ") + line.text + "\n";
  }
  return text;
}

struct Counts {
  std::size_t violations = 0;
  std::size_t undecidable = 0;
  std::size_t allowed = 0;
  std::size_t unruled = 0;

  void add(std::optional<Ruling> ruling) {
    if (!ruling) {
      ++unruled;
      return;
    }
    switch (*ruling) {
      case Ruling::Allowed:
        ++allowed;
        return;
      case Ruling::Violates:
        ++violations;
        return;
      case Ruling::NotDecidable:
        ++undecidable;
        return;
    }
  }
};

Counts counts_of(const BundleDiff& diff) {
  Counts counts;
  for (const Change& change : diff.changes) counts.add(gravest(change.verdicts));
  return counts;
}

std::string step_text(const Step& step) {
  if (step.kind == StepKind::Unruled) return "no policy for this step: " + printable(step.why);
  return words_of(to_string(step.kind)) + " step" +
         (step.skips_minors ? " over several minors" : "");
}

/// "1 change", "3 changes".
std::string counted(std::size_t number, const std::string& noun) {
  return std::to_string(number) + " " + noun + (number == 1 ? "" : "s");
}

std::string summary_text(const BundleDiff& diff) {
  const Counts counts = counts_of(diff);
  std::string parts;
  const auto add = [&parts](std::size_t number, const char* what) {
    if (number == 0) return;
    parts += (parts.empty() ? ": " : ", ") + std::to_string(number) + " " + what;
  };
  add(counts.violations, "against the policy");
  add(counts.undecidable, "not decidable");
  add(counts.allowed, "allowed");
  add(counts.unruled, "without a rule");
  return "\n" + counted(diff.changes.size(), "change") + parts + ". " +
         counted(diff.documentation, "difference") + " in documentation only.\n";
}

Json change_json(const Change& change) {
  Json verdicts = Json::array();
  for (const PolicyVerdict& verdict : change.verdicts) verdicts.push_back(verdict_json(verdict));
  Json json{
      {"kind",     to_string(change.kind)},
      {"crd",      change.crd            },
      {"version",  change.version        },
      {"path",     change.path           },
      {"keyword",  change.keyword        },
      {"detail",   change.detail         },
      {"verdicts", std::move(verdicts)   }
  };
  if (!change.cel.empty()) json["rule"] = change.cel;
  return json;
}

Json ref_json(const BundleRef& ref) {
  return {
      {"version", ref.version},
      {"channel", ref.channel}
  };
}

}  // namespace

std::string diff_text(const BundleComparison& comparison, bool colored) {
  const BundleDiff& diff = comparison.diff;
  std::string text = printable(diff.from.display() + " -> " + diff.to.display()) + " (" +
                     step_text(comparison.step) + ")\n";
  for (auto at = diff.changes.begin(); at != diff.changes.end();) {
    const std::string& crd = at->crd;
    std::vector<const Change*> changes;
    for (; at != diff.changes.end() && at->crd == crd; ++at) changes.push_back(&*at);
    text += paragraph(crd, lines_of(changes, colored), colored);
  }
  return text + releases_text(comparison.releases, colored) + summary_text(diff);
}

Json diff_json(const BundleComparison& comparison) {
  const BundleDiff& diff = comparison.diff;
  const Counts counts = counts_of(diff);
  Json changes = Json::array();
  for (const Change& change : diff.changes) changes.push_back(change_json(change));
  Json releases = Json::array();
  for (const ReleaseFinding& finding : comparison.releases) {
    releases.push_back(release_json(finding));
  }
  return {
      {"from",        ref_json(diff.from)            },
      {"to",          ref_json(diff.to)              },
      {"step",        to_string(comparison.step.kind)},
      {"why",         comparison.step.why            },
      {"skipsMinors", comparison.step.skips_minors   },
      {"changes",     std::move(changes)             },
      {"releases",    std::move(releases)            },
      {"summary",
       {{"violations", counts.violations},
        {"notDecidable", counts.undecidable},
        {"allowed", counts.allowed},
        {"unruled", counts.unruled},
        {"documentation", diff.documentation}}       },
  };
}

bool violates_policy(const BundleComparison& comparison) {
  const bool by_change = std::ranges::any_of(comparison.diff.changes, [](const Change& change) {
    return gravest(change.verdicts) == Ruling::Violates;
  });
  return by_change || std::ranges::any_of(comparison.releases, [&](const ReleaseFinding& finding) {
           return finding.verdict.ruling == Ruling::Violates &&
                  is_new(finding, comparison.releases, comparison.diff);
         });
}

}  // namespace gatelift
