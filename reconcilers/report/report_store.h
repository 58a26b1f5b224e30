// SPDX-License-Identifier: Apache-2.0
// Reports in the cluster: one ConfigMap for each migration, `<name>-report` in our namespace, with
//   data        report.txt       as text; where it is long, its beginning
//   data        report.json      whole; or binaryData report.json.gz, where it is long
//   binaryData  report.html.gz   the page
//   data        rehearsal.txt    what became of each object in the rehearsal, written by it alone
// It has no ownerReference: it says what was done also after the migration is deleted.
#pragma once

#include <optional>
#include <string>

#include "client/cluster.h"
#include "reconcilers/report/report.h"

namespace gatelift {

/// "<migration>-report"; where that is longer than a name may be, shortened.
std::string report_name(const std::string& migration);

/// The ConfigMap. Its data is within the API server's 1 MiB: of a report that is larger, objects,
/// checks and diffs are left out and counted.
Result<Json> report_config_map(const std::string& ns, const Report& report);

/// Creates the ConfigMap, or replaces what it says. One call.
Result<void> store_report(Cluster& cluster, const std::string& ns, const Report& report);

/// Puts the rehearsal's text, of at most 100 KB, beside the report, which leaves it as it is. One
/// call.
Result<void> store_rehearsal(Cluster& cluster, const std::string& ns, const std::string& migration,
                             const std::string& text);

/// nullopt where there is none, or where the ConfigMap has something else only. Error kind Invalid,
/// naming the ConfigMap, where it cannot be read.
Result<std::optional<Report>> read_report(Cluster& cluster, const std::string& ns,
                                          const std::string& migration);

}  // namespace gatelift
