// SPDX-License-Identifier: Apache-2.0
// Phrases that plans, statuses and reports have in common. Pure.
#pragma once

#include <array>
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "reconcilers/migration.h"

namespace gatelift {

/// Said of failures that are left out, which are kept nowhere else.
inline constexpr const char* kNoRoom = "there was no room for them";

inline constexpr std::array kWorstFirst{Severity::Blocker, Severity::Consent, Severity::Warning,
                                        Severity::Note};

/// "1 blocker", "2 consents needed".
std::string count_text(std::size_t count, Severity severity);

/// "1 blocker, 2 warnings"; "" where there are no checks. Consents that are given do not count.
std::string checks_summary(const std::vector<Check>& checks);

/// As one word of a shell's command, whatever is in it.
std::string shell_word(const std::string& text);

/// The flags that consent to what a plan still waits for, as migrate takes them; "" when there is
/// nothing to consent to. Where a check offers several resolutions they are all named, with "|"
/// between them, for a person to choose.
std::string consent_flags(const Plan& plan);

/// "LeaveInBackup|MoveToTarget"; "" where a check offers no resolutions.
std::string resolutions_text(const Check& check);

/// Without their ends. They live as long as `text`.
std::vector<std::string_view> lines_of(std::string_view text);

/// "38 of 40 objects accepted, 1 refused, 1 not tried".
std::string rehearsal_text(const RehearsalRecord& rehearsal);

/// "1.8s", "350ms", "2m 5s".
std::string duration_text(std::chrono::milliseconds duration);

/// True where milliseconds of it are known.
bool has_milliseconds(Time time);

/// "2026-01-02 03:04:05.678", or without the milliseconds where they are not known.
std::string precise_time(Time time);

}  // namespace gatelift
