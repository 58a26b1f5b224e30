// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/bundle/policy_rules.h"

#include <algorithm>
#include <utility>

#include "reconcilers/bundle/graduation.h"
#include "reconcilers/bundle/version.h"

namespace gatelift {
namespace {

constexpr std::string_view kStandard = "standard";
constexpr std::string_view kExperimental = "experimental";

PolicyVerdict allowed(std::optional<Rule> rule, std::string why = "") {
  return {Ruling::Allowed, rule, std::move(why)};
}
PolicyVerdict violates(Rule rule, std::string why = "") {
  return {Ruling::Violates, rule, std::move(why)};
}
PolicyVerdict undecidable(Rule rule, std::string why) {
  return {Ruling::NotDecidable, rule, std::move(why)};
}

/// The trees of one CRD in each bundle; null where a bundle has none.
struct CrdTrees {
  std::string name;
  Json from;
  Json to;
  Json before;  // of the experimental bundle of the minor before
};

Json tree_of(const Bundle* bundle, const std::string& name) {
  const BundleCrd* crd = bundle == nullptr ? nullptr : bundle->crd(name);
  return crd == nullptr ? Json() : crd->json();
}

/// The four steps in which a version goes away.
bool is_retirement(ChangeKind kind) {
  return kind == ChangeKind::StorageMoved || kind == ChangeKind::Deprecated ||
         kind == ChangeKind::Unserved || kind == ChangeKind::VersionRemoved;
}

class Judge {
 public:
  Judge(const BundleDiff& diff, const StepBundles& bundles)
      : diff_(diff), bundles_(bundles), step_(step_between(bundles.from.ref, bundles.to.ref)) {}

  std::vector<PolicyVerdict> verdicts(const Change& change) {
    load(change.crd);
    switch (step_.kind) {
      case StepKind::Patch:
        return in_patch(change);
      case StepKind::Minor:
        return bundles_.to.ref.channel == kStandard ? in_standard_minor(change)
                                                    : in_experimental_minor(change);
      case StepKind::Major:
        return {allowed(Rule::MJ)};
      case StepKind::Unruled:
        return {};
    }
    return {};
  }

 private:
  void load(const std::string& crd) {
    if (trees_.name == crd) return;
    trees_ = {crd, tree_of(&bundles_.from, crd), tree_of(&bundles_.to, crd),
              tree_of(bundles_.previous_experimental, crd)};
  }

  std::vector<PolicyVerdict> in_patch(const Change& change) const;
  std::vector<PolicyVerdict> in_standard_minor(const Change& change) const;
  std::vector<PolicyVerdict> in_experimental_minor(const Change& change) const;

  PolicyVerdict p3(const Change& change) const;
  PolicyVerdict p4(const Change& change) const;
  PolicyVerdict m2(const Change& change) const;
  PolicyVerdict m3(const Change& change) const;
  PolicyVerdict m4(const Change& change) const;
  PolicyVerdict m5() const;
  PolicyVerdict m6(const Change& change) const;
  PolicyVerdict m7(const Change& change) const;
  PolicyVerdict m8(const Change& change) const;

  /// The version that a change retires.
  std::string retired_by(const Change& change) const {
    if (change.kind != ChangeKind::StorageMoved) return change.version;
    return bundles_.from.crd(change.crd)->summary.storage_version();
  }
  std::string from_name() const { return bundles_.from.ref.display(); }
  const Json& from_entry(const std::string& version) const {
    static const Json none;
    const Json* entry = version_entry(trees_.from, version);
    return entry == nullptr ? none : *entry;
  }
  /// `ruling` where nothing was released between the two bundles that could say otherwise.
  PolicyVerdict unless_between(PolicyVerdict ruling) const {
    if (!step_.skips_minors) return ruling;
    return undecidable(*ruling.rule, "it depends on the minors between");
  }

  const BundleDiff& diff_;
  const StepBundles& bundles_;
  Step step_;
  CrdTrees trees_;
};

std::vector<PolicyVerdict> Judge::in_patch(const Change& change) const {
  switch (change.kind) {
    case ChangeKind::CrdAdded:
    case ChangeKind::CrdRemoved:
    case ChangeKind::VersionAdded:
    case ChangeKind::VersionRemoved:
    case ChangeKind::Served:
    case ChangeKind::Unserved:
    case ChangeKind::StorageMoved:
    case ChangeKind::Deprecated:
    case ChangeKind::Undeprecated:
      return {violates(Rule::P1)};
    case ChangeKind::FieldAdded:
    case ChangeKind::FieldRemoved:
    case ChangeKind::FieldRetyped:
    case ChangeKind::DefaultChanged:
      return {violates(Rule::P2)};
    case ChangeKind::Tightened:
    case ChangeKind::Loosened:
    case ChangeKind::Revalidated:
      return {p3(change)};
    case ChangeKind::SubresourceAdded:
    case ChangeKind::SubresourceRemoved:
    case ChangeKind::ColumnsChanged:
      return {p4(change)};
    case ChangeKind::CrdChanged:
    case ChangeKind::PolicyChanged:
    case ChangeKind::MergeChanged:
      return {};
  }
  return {};
}

std::vector<PolicyVerdict> Judge::in_standard_minor(const Change& change) const {
  switch (change.kind) {
    case ChangeKind::CrdAdded:
    case ChangeKind::VersionAdded:
    case ChangeKind::FieldAdded:
      return {m6(change)};
    case ChangeKind::CrdRemoved:
      return {m5()};
    case ChangeKind::VersionRemoved:
      return {m4(change), m8(change)};
    case ChangeKind::Unserved:
      return {m3(change), m8(change)};
    case ChangeKind::StorageMoved:
      return {m7(change), m8(change)};
    case ChangeKind::Deprecated:
      return {m8(change)};
    case ChangeKind::FieldRemoved:
    case ChangeKind::FieldRetyped:
      return {violates(Rule::M1)};
    case ChangeKind::Tightened:
    case ChangeKind::Loosened:
    case ChangeKind::Revalidated:
      return {m2(change)};
    case ChangeKind::Served:
    case ChangeKind::Undeprecated:
    case ChangeKind::DefaultChanged:
    case ChangeKind::SubresourceAdded:
    case ChangeKind::SubresourceRemoved:
    case ChangeKind::ColumnsChanged:
    case ChangeKind::CrdChanged:
    case ChangeKind::PolicyChanged:
    case ChangeKind::MergeChanged:
      return {};
  }
  return {};
}

std::vector<PolicyVerdict> Judge::in_experimental_minor(const Change& change) const {
  if (change.kind == ChangeKind::StorageMoved) return {m7(change)};
  if (change.kind == ChangeKind::PolicyChanged) return {};
  return {allowed(std::nullopt, "experimental")};
}

PolicyVerdict Judge::p3(const Change& change) const {
  if (change.kind == ChangeKind::Loosened) return allowed(Rule::P3);
  if (change.kind == ChangeKind::Tightened) {
    return violates(Rule::P3, "unless it corrects validation");
  }
  return undecidable(Rule::P3, "its text does not tell whether it is tighter");
}

/// Restored is what the minor before had just so, and the patch before had not.
PolicyVerdict Judge::p4(const Change& change) const {
  if (change.kind == ChangeKind::SubresourceRemoved) return violates(Rule::P4);
  if (bundles_.previous_experimental == nullptr) {
    return undecidable(Rule::P4, "the minor before, which may have had it, is not at hand");
  }
  const Json* before = version_entry(trees_.before, change.version);
  const Json* now = version_entry(trees_.to, change.version);
  if (before == nullptr || now == nullptr) return violates(Rule::P4);
  bool is_restored = false;
  if (change.kind == ChangeKind::ColumnsChanged) {
    is_restored =
        array_at(*before, "additionalPrinterColumns") == array_at(*now, "additionalPrinterColumns");
  } else {
    const std::string name = change.path.substr(change.path.find('.') + 1);
    is_restored = find(*before, "subresources", name) != nullptr;
  }
  if (!is_restored) return violates(Rule::P4);
  return allowed(Rule::P4, "restored, as in " + bundles_.previous_experimental->ref.display());
}

PolicyVerdict Judge::m2(const Change& change) const {
  if (change.kind == ChangeKind::Loosened) return allowed(Rule::M2);
  if (change.kind == ChangeKind::Revalidated) {
    return undecidable(Rule::M2, "its text does not tell whether it is tighter");
  }
  switch (change.subject) {
    case RuleSubject::Existing:
      return violates(Rule::M2, "unless it corrects validation");
    case RuleSubject::PartlyNew:
      return undecidable(Rule::M2, "it speaks of what is new, and of what is not");
    case RuleSubject::OnlyNew:
      return allowed(Rule::M2, "it speaks of new fields only");
    case RuleSubject::Totals:
      return undecidable(Rule::M2, "bounds of the single lists may have implied the sum");
  }
  return undecidable(Rule::M2, "");
}

PolicyVerdict Judge::m3(const Change& change) const {
  const auto& versions = bundles_.to.crd(change.crd)->summary.versions;
  const bool has_another = std::ranges::any_of(versions, [](const auto& v) { return v.served; });
  if (!has_another) return violates(Rule::M3, "no other version is served");
  if (bool_at(from_entry(change.version), false, "deprecated")) return allowed(Rule::M3);
  return unless_between(violates(Rule::M3, "not deprecated in " + from_name()));
}

PolicyVerdict Judge::m4(const Change& change) const {
  if (!bool_at(from_entry(change.version), false, "served")) return allowed(Rule::M4);
  return unless_between(violates(Rule::M4, "served in " + from_name()));
}

PolicyVerdict Judge::m5() const {
  for (const Json& entry : array_at(trees_.from, "spec", "versions")) {
    const bool is_current = bool_at(entry, false, "served") && !bool_at(entry, false, "deprecated");
    if (is_current) {
      return unless_between(
          violates(Rule::M5, string_at(entry, "name") + " was not deprecated in " + from_name()));
    }
  }
  return allowed(Rule::M5);
}

PolicyVerdict Judge::m6(const Change& change) const {
  const Bundle* before = bundles_.previous_experimental;
  if (before == nullptr) {
    return undecidable(Rule::M6, "the experimental bundle of the minor before is not at hand");
  }
  const std::string missing = not_experimental_before(change, trees_.to, trees_.before);
  if (!missing.empty()) {
    return violates(Rule::M6, "not in " + before->ref.display() + ": " + missing);
  }
  return unless_between(allowed(Rule::M6, "was in " + before->ref.display()));
}

PolicyVerdict Judge::m7(const Change& change) const {
  if (bool_at(from_entry(change.version), false, "served")) return allowed(Rule::M7);
  return unless_between(violates(Rule::M7, change.version + " was not served in " + from_name()));
}

/// A version that is removed while it is served is unserved by that as well.
PolicyVerdict Judge::m8(const Change& change) const {
  const std::string retired = retired_by(change);
  auto steps = std::ranges::count_if(diff_.changes, [&](const Change& other) {
    return other.crd == change.crd && is_retirement(other.kind) && retired_by(other) == retired;
  });
  const bool is_removed = version_entry(trees_.to, retired) == nullptr;
  if (is_removed && bool_at(from_entry(retired), false, "served")) ++steps;
  if (steps < 2) return allowed(Rule::M8);
  return unless_between(
      violates(Rule::M8, std::to_string(steps) + " steps of " + retired + " at once"));
}

}  // namespace

std::string_view to_string(StepKind kind) {
  switch (kind) {
    case StepKind::Patch:
      return "Patch";
    case StepKind::Minor:
      return "Minor";
    case StepKind::Major:
      return "Major";
    case StepKind::Unruled:
      return "Unruled";
  }
  return "";
}

Step step_between(const BundleRef& from, const BundleRef& to) {
  if (from.channel != to.channel) return {StepKind::Unruled, false, "to another channel"};
  if (to.channel != kStandard && to.channel != kExperimental) {
    return {StepKind::Unruled, false, "the policy knows no channel " + to.channel};
  }
  const auto before = parse_bundle_version(from.version);
  const auto after = parse_bundle_version(to.version);
  const bool are_releases = before && after && before->patch && after->patch &&
                            before->pre_release.empty() && after->pre_release.empty();
  if (!are_releases) return {StepKind::Unruled, false, "not between two releases"};
  const auto order = compare_bundle_versions(from.version, to.version);
  if (order == 0) return {StepKind::Unruled, false, "the same release"};
  if (order > 0) return {StepKind::Unruled, false, "a downgrade"};
  if (before->major != after->major) return {StepKind::Major, false, ""};
  if (before->minor == after->minor) return {StepKind::Patch, false, ""};
  return {StepKind::Minor, after->minor - before->minor > 1, ""};
}

std::optional<BundleRef> previous_experimental(const BundleRef& to) {
  const auto version = parse_bundle_version(to.version);
  if (!version || version->minor == 0) return std::nullopt;
  return BundleRef{"v" + std::to_string(version->major) + "." + std::to_string(version->minor - 1),
                   std::string(kExperimental)};
}

void judge(BundleDiff& diff, const StepBundles& bundles) {
  Judge judge(diff, bundles);
  for (Change& change : diff.changes) change.verdicts = judge.verdicts(change);
}

}  // namespace gatelift
