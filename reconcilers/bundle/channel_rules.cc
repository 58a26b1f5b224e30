// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/bundle/channel_rules.h"

#include <set>

#include "reconcilers/bundle/bundle_diff.h"
#include "reconcilers/bundle/schema_diff.h"

namespace gatelift {
namespace {

class Findings {
 public:
  explicit Findings(std::string release) : release_(std::move(release)) {}

  void add(std::string crd, std::string version, std::string path, Rule rule, std::string why) {
    found_.push_back({
        release_, std::move(crd), std::move(version), std::move(path),
        Verdict{Ruling::Violates, rule, std::move(why)}
    });
  }

  /// What is said of the whole release where nothing was found since `begin`.
  void conclude(std::size_t begin, Rule rule, Ruling ruling, std::string why) {
    if (found_.size() > begin) return;
    found_.push_back({
        release_, "", "", "", Verdict{ruling, rule, std::move(why)}
    });
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

void check_x1(const Bundle* standard, const Bundle* experimental, Findings& findings) {
  const std::size_t begin = findings.size();
  if (standard == nullptr || experimental == nullptr) {
    findings.conclude(
        begin, Rule::X1, Ruling::NotDecidable,
        std::string(standard == nullptr ? "standard" : "experimental") + " is not at hand");
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

}  // namespace

std::vector<ReleaseFinding> check_channels(const std::string& release, const Bundle* standard,
                                           const Bundle* experimental) {
  Findings findings(release);
  check_x1(standard, experimental, findings);
  check_x2(standard, findings);
  return std::move(findings).finish();
}

}  // namespace gatelift
