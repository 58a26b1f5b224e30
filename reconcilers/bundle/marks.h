// SPDX-License-Identifier: Apache-2.0
// Annotations by which a CRD says of which bundle it is: a hint, not an identity.
#pragma once

#include <string_view>

namespace gatelift {

inline constexpr std::string_view kBundleVersionMark = "gateway.networking.k8s.io/bundle-version";
inline constexpr std::string_view kChannelMark = "gateway.networking.k8s.io/channel";

}  // namespace gatelift
