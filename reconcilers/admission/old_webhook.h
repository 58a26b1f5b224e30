// SPDX-License-Identifier: Apache-2.0
// The validating webhook of bundles before v1.0. What it checks, CRDs check by CEL from v0.8 on;
// left behind, it holds up what later versions allow, and where its pod or certificate is gone,
// every write of the three kinds. Upstream's advice is to remove it on the way to v1.0. Pure.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "reconcilers/admission/admission.h"

namespace gatelift {

/// Of the configuration, and of most that belongs to it.
inline constexpr std::string_view kOldWebhook = "gateway-api-admission";

/// The kinds whose writes it is asked about, of the group gateway.networking.k8s.io.
inline constexpr std::array<std::string_view, 3> kJudgedByOldWebhook{"gatewayclasses", "gateways",
                                                                     "httproutes"};

/// True for the ValidatingWebhookConfiguration of upstream's install files.
bool is_old_webhook(const Json& configuration);

struct OldWebhookObject {
  Resource resource;
  std::string kind;
  ObjectKey key;
};

/// All that upstream's install files bring for it, in the order in which it is removed: the
/// configuration first, so that nothing is asked any more, and the certificate last. The namespace
/// is not among them: it may hold more.
std::vector<OldWebhookObject> old_webhook_objects(const Json& configuration);

}  // namespace gatelift
