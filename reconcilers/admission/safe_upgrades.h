// SPDX-License-Identifier: Apache-2.0
// The admission policy that bundles from v1.5 on bring along. It judges creations and updates of
// CRDs of the group gateway.networking.k8s.io by two rules: the channel (updates only), and the
// version. There are three released variants, which differ in the second. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reconcilers/admission/admission.h"
#include "reconcilers/bundle/crd.h"

namespace gatelift {

inline constexpr std::string_view kSafeUpgrades = "safe-upgrades.gateway.networking.k8s.io";

enum class SafeUpgradesRule { Channel, Version };

/// "spec.validations[0]": where the rule stands in each of the released policies.
std::string field_of(SafeUpgradesRule rule);

struct SafeUpgradesVariant {
  std::string_view name;      // the bundles that bring it, for people
  std::string_view versions;  // those that it takes, for people
  bool (*takes)(std::string_view bundle_version);
};

/// The variant that a policy with its bindings is, and that is in force: null where it is none of
/// the released ones, is narrowed by conditions, selectors or parameters, or where no binding makes
/// it deny. It is told by the patterns that its rules compare with, so that neither the layout of
/// the expressions nor the words of its messages matter.
const SafeUpgradesVariant* variant_in_force(const Json& policy,
                                            const std::vector<const Json*>& bindings);

/// One write of a CRD as the policy sees it.
struct CrdChange {
  std::string group;
  std::optional<std::string> old_channel;  // of an update: annotation of the CRD as it is
  std::optional<std::string> channel;      // annotations of the CRD as it shall be
  std::optional<std::string> version;
  bool is_update = false;
};

CrdChange creation_of(const CrdSummary& target);
CrdChange update_of(const CrdSummary& live, const CrdSummary& target);

/// The rules that deny the write.
std::vector<SafeUpgradesRule> broken_rules(const SafeUpgradesVariant& variant,
                                           const CrdChange& change);

}  // namespace gatelift
