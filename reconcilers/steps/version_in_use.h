// SPDX-License-Identifier: Apache-2.0
// Whether anybody else still uses the version of a bridged kind that is to leave (hold
// UntilUnused). Three kinds of evidence: managedFields say who has written at it, and when; the API
// servers' metrics say how many watches of it are open, and how many requests at it there were.
// What cannot be known counts as use.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "reconcilers/run.h"

namespace gatelift {

/// When each field manager last wrote at a version, by its name. The API server keeps that to the
/// second, and not of writes that changed nothing.
using WritersOfVersion = std::map<std::string, Time>;

/// Adds those of an object, but for us.
void note_writers(const Json& object, std::string_view api_version, WritersOfVersion& writers);

/// How often it is worth to look: twenty times in the time for which nobody may use it, and not
/// more than once in two seconds, nor less than once in 30.
std::chrono::milliseconds between_looks(const MigrationSpec& spec);

/// For how long a process has to have looked without a gap before what it did not see ends a hold:
/// a tenth of the time for which nobody may use it, and not more than five minutes. A watch leaves
/// no trace once it has ended, and whoever reads may be on the way from one node to another just
/// then.
std::chrono::milliseconds looks_at_least(const MigrationSpec& spec);

/// Looks at all the evidence, and brings status.inPlace (lastUsed, usedBy, counted) up to date. Who
/// is covered by a consent (VersionInUse, with the manager, "watches[N]", "requests" or "metrics"
/// as its field) is not counted. Requires status.inPlace (in_place_record). `leaving` is the
/// resource at the version that is to leave.
Result<void> look_for_use(Run& run, const std::string& crd, const Resource& leaving,
                          const WritersOfVersion& writers);

/// Whether nobody was seen to use it for as long as the spec asks.
bool is_unused_long_enough(const Run& run);

/// What keeps it, or what was seen last: for people.
std::string use_text(const Run& run, const std::string& version);

}  // namespace gatelift
