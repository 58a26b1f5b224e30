// SPDX-License-Identifier: Apache-2.0
// One object's trial at a copy of the target's CRD: what is sent, and what the answer says. Pure.
#pragma once

#include <string>
#include <vector>

#include "client/request.h"
#include "reconcilers/plan/rehearsal_checks.h"
#include "reconcilers/steps/restored_object.h"

namespace gatelift {

/// The intended object as it is tried at `at`: whole, with status, and without what the server sets
/// or what would tie it to other objects (owner references, finalizers).
Json trial_body(const Json& intended, const Resource& at);

/// How a trial is made. An apply is served at once after a CRD is Established, and a create is held
/// back for two seconds; but where a list holds an item twice an apply fails without saying where.
/// Without strictness an unknown field is dropped, so that the answer shows which one it is.
struct TrialWay {
  CreateBy by = CreateBy::Post;
  FieldValidation validation = FieldValidation::Strict;
};

Request trial_request(const Json& body, const Resource& at, const TrialWay& way);

/// What an answer leaves of what was sent. Paths are as the API server writes them.
struct Differences {
  std::vector<std::string> lost;   // sent, and not there, or with another value
  std::vector<std::string> added;  // not sent: the schema's defaults
};

/// Of metadata labels and annotations are compared, which no schema changes.
Differences differences(const Json& sent, const Json& answered);

/// The fields that a 422 names, each once, with all that is said about it; none where admission
/// refused, which names no fields. After an error of the schema (a missing or mistyped value, too
/// many) the API server looks at no rules, and says so of the object as a whole.
std::vector<Refusal> refusals_of(const Error& error);

/// True where `field` and the list that it is in are the same in both objects: an error at it is
/// then forgiven in an update (ratcheting, KEP-4008).
bool is_same_around(const std::string& field, const Json& before, const Json& after);

}  // namespace gatelift
