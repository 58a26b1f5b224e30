// SPDX-License-Identifier: Apache-2.0
// What a foreground run needs in the cluster before it can create its resource.
#pragma once

#include <string>
#include <string_view>

#include "client/cluster.h"
#include "client/time.h"

namespace gatelift {

/// The manifest of the GatewayAPIMigration CRD, as it was in manifests/crd when this program was
/// built.
std::string_view migration_crd_manifest();

struct Prerequisites {
  bool created_namespace = false;
  bool created_crd = false;
  bool crd_differs = false;  // somebody installed another version of the CRD; it is left alone
};

/// Creates the namespace and the CRD where they are absent, and waits until the CRD is served. What
/// is there is left as it is.
Result<Prerequisites> ensure_prerequisites(Cluster& cluster, Clock& clock, const std::string& ns);

}  // namespace gatelift
