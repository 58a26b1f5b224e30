// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "reconcilers/convert/field_rules.h"

namespace gatelift {

/// BackendTLSPolicy between v1alpha2 (bundle v1.0) and v1alpha3 or v1 (v1.1 and later): GEP-1897,
/// and the CRDs of both.
extern const Conversion kBackendTlsPolicyConversion;

}  // namespace gatelift
