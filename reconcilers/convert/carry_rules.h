// SPDX-License-Identifier: Apache-2.0
// Meaning that no schema holds: fields that moved or changed their form inside a version, and
// values that a later release refuses although it could express them. Each is a row of one table;
// whether a row applies is read off the target's schema, never off a version number.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "client/json.h"
#include "reconcilers/convert/intention.h"

namespace gatelift {

struct CarryRule {
  std::string_view name;  // for tests and for messages to developers
  std::string_view kind;
  /// True where the target's schema is one that the row is for.
  bool (*applies)(const Json& schema);
  /// Changes `intention.object`, and says so in its changes or problems. Does nothing to an object
  /// without the field.
  void (*carry)(Intention& intention);
};

std::span<const CarryRule> carry_rules();

/// Fields that keep somebody out or authenticate somebody: what it means to lose one. "" for a
/// field that is none. `path` as prune() spells it.
std::string security_of(std::string_view kind, std::string_view path);

/// The schema of a field, by a path of names in which "[]" stands for the items of a list, for
/// instance "spec.listeners[].tls"; nullptr where the schema has no such field.
const Json* field_schema(const Json& schema, std::string_view path);

/// True where the schema has a CEL rule at `path` whose text contains `text`.
bool has_rule(const Json& schema, std::string_view path, std::string_view text);

// The rows' own files.
extern const CarryRule kFrontendValidation;
extern const CarryRule kBackendClientCertificate;
extern const CarryRule kGrpcMethodRelic;
extern const CarryRule kHeaderCookieConfig[3];
extern const CarryRule kRetryCodes;
extern const CarryRule kDuplicateTargets;
extern const CarryRule kSupportedFeatures;

}  // namespace gatelift
