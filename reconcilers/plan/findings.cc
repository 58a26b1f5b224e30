// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/plan/findings.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace gatelift {
namespace {

constexpr int kMaxPerCode = 1000;
constexpr std::size_t kMaxQuotedBytes = 400;
/// Consents are what a person answers for: one left out would be taken for given.
constexpr int kMaxConsentsPerCode = 20000;

/// "*" stands for any characters. Each part between asterisks is taken at its first place: no
/// pattern takes more than one look at each character for each of its parts.
bool matches(std::string_view pattern, std::string_view text) {
  auto star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == text;
  if (!text.starts_with(pattern.substr(0, star))) return false;
  text.remove_prefix(star);
  while (true) {
    pattern.remove_prefix(star + 1);
    star = pattern.find('*');
    if (star == std::string_view::npos) return text.ends_with(pattern);
    const auto place = text.find(pattern.substr(0, star));
    if (place == std::string_view::npos) return false;
    text.remove_prefix(place + star);
  }
}

std::string display(const Consent& consent) {
  std::string text = consent.check;
  for (const std::string& part : {consent.object, consent.field, consent.resolution}) {
    if (!part.empty()) text += " " + part;
  }
  return text;
}

auto order_of(const Check& check) {
  // What stops comes first: status keeps the first hundred, and the run goes by them.
  return std::tuple(!check.stops(), check.severity, std::string_view(check.code),
                    std::string_view(check.object), std::string_view(check.field));
}

}  // namespace

bool covers(const Consent& consent, const Check& check) {
  if (consent.check != check.code) return false;
  if (!check.resolutions.empty() &&
      std::ranges::find(check.resolutions, consent.resolution) == check.resolutions.end()) {
    return false;
  }
  const bool names_object =
      check.by_object ? consent.object == check.object : matches(consent.object, check.object);
  return names_object && matches(consent.field, check.field);
}

void Findings::add(Check check) {
  const bool asks = check.severity == Severity::Consent;
  const int limit = asks ? kMaxConsentsPerCode : kMaxPerCode;
  if (num_by_code_[{check.code, check.severity}]++ < limit) {
    checks_.push_back(std::move(check));
  } else {
    ++omitted_;
    unasked_ = unasked_ || asks;
  }
}

void Findings::add_all(Findings&& others) {
  for (Check& check : others.checks_) add(std::move(check));
  omitted_ += others.omitted_;
  unasked_ = unasked_ || others.unasked_;
}

void Findings::move_to(Plan& plan, const std::vector<Consent>& consents) && {
  if (unasked_) {
    checks_.push_back({"TooManyConsents", Severity::Blocker, "", "spec.target",
                       "more consents are needed than a plan can list, so that some would be "
                       "given unseen",
                       "mend the objects that the plan names, or choose another target", false});
  }
  for (Check& check : checks_) {
    const auto consent =
        std::ranges::find_if(consents, [&](const Consent& each) { return covers(each, check); });
    if (consent == consents.end()) continue;
    check.accepted = true;
    check.accepted_by = display(*consent);
    check.resolution = consent->resolution;
  }
  std::ranges::stable_sort(
      checks_, [](const Check& a, const Check& b) { return order_of(a) < order_of(b); });
  plan.checks = std::move(checks_);
  plan.checks_omitted = omitted_;
}

std::string quoted(const std::string& text) {
  if (text.size() <= kMaxQuotedBytes) return "\"" + text + "\"";
  return "\"" + text.substr(0, kMaxQuotedBytes) + "…\"";
}

std::string joined(const std::vector<std::string>& texts) {
  std::string text;
  for (const std::string& each : texts) text += (text.empty() ? "" : ", ") + each;
  return text;
}

std::string crd_display(std::string_view crd_name) {
  return display_name("CustomResourceDefinition", {"", std::string(crd_name)});
}

}  // namespace gatelift
