// SPDX-License-Identifier: Apache-2.0
// Clients of Gateway API that are known by the images of their containers and by the names of their
// leases. Pure.
#pragma once

#include <string_view>

namespace gatelift {

/// "Envoy Gateway" for docker.io/envoyproxy/gateway:v1.2.1, whatever registry, tag or digest it is
/// of; "" for an image that is not known. `container` is the container's name, since one image may
/// do other work too.
std::string_view controller_of_image(std::string_view image, std::string_view container);

/// The same by the name of a lease.
std::string_view controller_of_lease(std::string_view lease);

}  // namespace gatelift
