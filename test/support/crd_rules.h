// SPDX-License-Identifier: Apache-2.0
// The strategy of customresourcedefinitions: what a create or update of one is completed with and
// checked for. Pure. Rules: apiextensions-apiserver, registry/customresourcedefinition/strategy.go
// and apis/apiextensions/validation.
#pragma once

#include "client/json.h"
#include "client/result.h"

namespace gatelift::fake {

inline constexpr const char* kInstanceCleanup = "customresourcecleanup.apiextensions.k8s.io";

bool condition_is_true(const Json& object, const std::string& type);
/// Sets status.conditions[type], with lastTransitionTime `now` where the status changes.
void set_condition(Json& object, const std::string& type, const std::string& status,
                   const std::string& reason, const std::string& message, const std::string& now);

/// Defaults and the first status of a new CRD; `conditions` stays null until the controllers have
/// looked at it.
void complete_new_crd(Json& crd);
/// Defaults, and the storage version appended to status.storedVersions.
void complete_changed_crd(Json& crd);
/// After a write of the status subresource: an empty storedVersions is defaulted, nothing is
/// checked.
void complete_crd_status(Json& crd);

/// The findings of a create (`before` nullptr) or an update of the main resource.
std::vector<Cause> check_crd(const Json& crd, const Json* before);

}  // namespace gatelift::fake
