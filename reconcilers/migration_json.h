// SPDX-License-Identifier: Apache-2.0
// A GatewayAPIMigration's JSON, both ways: the only place where its field names are spelled.
#pragma once

#include "reconcilers/migration.h"

namespace gatelift {

/// Error kind Invalid, naming the field, where spec is not what the CRD's schema demands. A status that cannot be read
/// is an error too and never taken for an empty one, since a run may depend on it.
Result<Migration> parse_migration(const Json& object);

/// The whole object, as `gatelift migrate` creates it: spec only, no status.
Json migration_manifest(const std::string& name, const MigrationSpec& spec);

struct StatusLimits {
  std::size_t checks = 100;
  std::size_t failures = 20;
};
inline constexpr StatusLimits kUnlimited{static_cast<std::size_t>(-1),
                                         static_cast<std::size_t>(-1)};

/// .status. Lists are bounded; what is cut is counted in its place and whole in the report.
Json status_json(const Record& record, const StatusLimits& limits = {});

/// Reads .status back. Error kind Invalid, naming the field.
Result<Record> parse_status(const Json& status);

Json plan_json(const Plan& plan);
Json check_json(const Check& check);

}  // namespace gatelift
