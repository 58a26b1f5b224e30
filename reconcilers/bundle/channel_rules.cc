// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/bundle/channel_rules.h"

#include <optional>
#include <set>

#include "reconcilers/bundle/bundle_diff.h"
#include "reconcilers/bundle/schema_diff.h"

namespace gatelift {
namespace {

class Findings {
 public:
  explicit Findings(std::string release) : release_(std::move(release)) {}

  void add(std::string crd, std::string version, std::string path, Rule rule, std::string why) {
    add(std::move(crd), std::move(version), std::move(path),
        PolicyVerdict{Ruling::Violates, rule, std::move(why)});
  }

  void add(std::string crd, std::string version, std::string path, PolicyVerdict verdict) {
    found_.push_back(
        {release_, "", std::move(crd), std::move(version), std::move(path), std::move(verdict)});
  }

  /// What is said of the whole release where nothing was found since `begin`.
  void conclude(std::size_t begin, Rule rule, Ruling ruling, std::string why) {
    if (found_.size() > begin) return;
    add("", "", "", PolicyVerdict{ruling, rule, std::move(why)});
  }

  std::size_t size() const { return found_.size(); }
  std::vector<ReleaseFinding> finish() && { return std::move(found_); }

 private:
  std::string release_;
  std::vector<ReleaseFinding> found_;
};

void compare_versions(const BundleCrd& standard, const BundleCrd& experimental,
                      Findings& findings) {
  const Json in_standard = standard.json();
  const Json in_experimental = experimental.json();
  for (const CrdVersion& version : standard.summary.versions) {
    const std::string& crd = standard.summary.name;
    const CrdVersion* other = experimental.summary.version(version.name);
    if (version.served && (other == nullptr || !other->served)) {
      findings.add(crd, version.name, "", Rule::X1, "not served in experimental");
    }
    if (other == nullptr) continue;
    const auto there =
        schema_paths(schema_of_version(*version_entry(in_experimental, version.name)));
    const std::set<std::string> known(there.begin(), there.end());
    for (const std::string& path :
         schema_paths(schema_of_version(*version_entry(in_standard, version.name)))) {
      if (known.contains(path)) continue;
      findings.add(crd, version.name, path, Rule::X1, "not in experimental");
    }
  }
}

/// Requires: one of the two is not at hand.
std::string absent_text(const Bundle* standard) {
  return std::string(standard == nullptr ? "standard" : "experimental") + " is not at hand";
}

void check_x1(const Bundle* standard, const Bundle* experimental, Findings& findings) {
  const std::size_t begin = findings.size();
  if (standard == nullptr || experimental == nullptr) {
    findings.conclude(begin, Rule::X1, Ruling::NotDecidable, absent_text(standard));
    return;
  }
  for (const BundleCrd& crd : standard->crds) {
    const BundleCrd* other = experimental->crd(crd.summary.name);
    if (other == nullptr) {
      findings.add(crd.summary.name, "", "", Rule::X1, "not in experimental");
    } else {
      compare_versions(crd, *other, findings);
    }
  }
  findings.conclude(begin, Rule::X1, Ruling::Allowed, "experimental has all that standard has");
}

void check_x2(const Bundle* standard, Findings& findings) {
  const std::size_t begin = findings.size();
  if (standard == nullptr) {
    findings.conclude(begin, Rule::X2, Ruling::NotDecidable, "standard is not at hand");
    return;
  }
  for (const BundleCrd& crd : standard->crds) {
    for (const CrdVersion& version : crd.summary.versions) {
      if (!version.served || version.name.find("alpha") == std::string::npos) continue;
      findings.add(crd.summary.name, version.name, "", Rule::X2, "standard serves it");
    }
  }
  findings.conclude(begin, Rule::X2, Ruling::Allowed, "standard serves no alpha version");
}

/// Whether an object of standard may be refused by what experimental has instead; nullopt where the
/// change refuses none.
std::optional<Ruling> refuses(const Change& change) {
  const bool is_rule = change.keyword == "rule";
  switch (change.kind) {
    case ChangeKind::FieldRetyped:
      return Ruling::Violates;
    case ChangeKind::Tightened:
      if (!is_rule || change.subject == RuleSubject::Existing) return Ruling::Violates;
      break;
    case ChangeKind::Revalidated:
      break;
    case ChangeKind::CrdAdded:
    case ChangeKind::CrdRemoved:
    case ChangeKind::CrdChanged:
    case ChangeKind::PolicyChanged:
    case ChangeKind::VersionAdded:
    case ChangeKind::VersionRemoved:
    case ChangeKind::Served:
    case ChangeKind::Unserved:
    case ChangeKind::StorageMoved:
    case ChangeKind::Deprecated:
    case ChangeKind::Undeprecated:
    case ChangeKind::SubresourceAdded:
    case ChangeKind::SubresourceRemoved:
    case ChangeKind::ColumnsChanged:
    case ChangeKind::FieldAdded:
    case ChangeKind::FieldRemoved:
    case ChangeKind::DefaultChanged:
    case ChangeKind::Loosened:
    case ChangeKind::MergeChanged:
      return std::nullopt;
  }
  if (is_rule && change.subject == RuleSubject::OnlyNew) return std::nullopt;
  return Ruling::NotDecidable;
}

/// Without the texts of a rule that is another, which are as long as a page.
std::string change_words(const Change& change) {
  constexpr std::string_view kRewritten = " rewritten";
  std::string words = change.keyword.empty() ? "" : change.keyword + " ";
  const auto end =
      change.kind == ChangeKind::Revalidated ? change.detail.find(kRewritten) : std::string::npos;
  words += change.detail.substr(0, end == std::string::npos ? end : end + kRewritten.size());
  return "in experimental: " + words;
}

void check_x3(const Bundle* standard, const Bundle* experimental, Findings& findings) {
  const std::size_t begin = findings.size();
  if (standard == nullptr || experimental == nullptr) {
    findings.conclude(begin, Rule::X3, Ruling::NotDecidable, absent_text(standard));
    return;
  }
  for (const Change& change : diff_bundles(*standard, *experimental).changes) {
    const auto ruling = refuses(change);
    const BundleCrd* crd = standard->crd(change.crd);
    if (!ruling || crd == nullptr) continue;
    const CrdVersion* version = crd->summary.version(change.version);
    if (version == nullptr || !version->served) continue;
    findings.add(change.crd, change.version, change.path,
                 PolicyVerdict{*ruling, Rule::X3, change_words(change)});
  }
  findings.conclude(begin, Rule::X3, Ruling::Allowed,
                    "what is valid in standard is valid in experimental");
}

}  // namespace

std::vector<ReleaseFinding> check_channels(const std::string& release, const Bundle* standard,
                                           const Bundle* experimental) {
  Findings findings(release);
  check_x1(standard, experimental, findings);
  check_x2(standard, findings);
  check_x3(standard, experimental, findings);
  return std::move(findings).finish();
}

}  // namespace gatelift
