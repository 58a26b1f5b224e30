// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/plan/findings.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace gatelift {
namespace {

constexpr int kMaxPerCode = 1000;

auto order_of(const Check& check) {
  return std::tuple(check.severity, std::string_view(check.code), std::string_view(check.object),
                    std::string_view(check.field));
}

}  // namespace

void Findings::add(Check check) {
  if (num_by_code_[check.code]++ < kMaxPerCode) {
    checks_.push_back(std::move(check));
  } else {
    ++omitted_;
  }
}

void Findings::add_all(Findings&& others) {
  for (Check& check : others.checks_) add(std::move(check));
  omitted_ += others.omitted_;
}

void Findings::move_to(Plan& plan, const std::vector<Consent>& consents) && {
  std::ranges::stable_sort(
      checks_, [](const Check& a, const Check& b) { return order_of(a) < order_of(b); });
  for (Check& check : checks_) {
    check.accepted = std::ranges::find(consents, Consent{check.code, check.object, check.field}) !=
                     consents.end();
  }
  plan.checks = std::move(checks_);
  plan.checks_omitted = omitted_;
}

std::string crd_display(std::string_view crd_name) {
  return display_name("CustomResourceDefinition", {"", std::string(crd_name)});
}

}  // namespace gatelift
