// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/report/wording.h"

#include <algorithm>
#include <cstdio>

namespace gatelift {

std::string count_text(std::size_t count, Severity severity) {
  const std::string number = std::to_string(count);
  const char* end = count == 1 ? "" : "s";
  switch (severity) {
    case Severity::Blocker:
      return number + " blocker" + end;
    case Severity::Consent:
      return number + " consent" + end + " needed";
    case Severity::Warning:
      return number + " warning" + end;
    case Severity::Note:
      return number + " note" + end;
  }
  return number;
}

std::string checks_summary(const std::vector<Check>& checks) {
  std::string text;
  for (const Severity severity : kWorstFirst) {
    const auto count = std::count_if(checks.begin(), checks.end(), [severity](const Check& check) {
      return check.severity == severity && !check.accepted;
    });
    if (count == 0) continue;
    if (!text.empty()) text += ", ";
    text += count_text(static_cast<std::size_t>(count), severity);
  }
  return text;
}

std::string shell_word(const std::string& text) {
  std::string word = "'";
  for (const char c : text) word += c == '\'' ? "'\\''" : std::string(1, c);
  return word + "'";
}

std::string consent_flags(const Plan& plan) {
  std::string flags;
  for (const Check& check : plan.checks) {
    if (check.severity != Severity::Consent || check.accepted) continue;
    const std::string resolutions = resolutions_text(check);
    flags += " --accept " + shell_word(check.code + "," + check.object + "," + check.field +
                                       (resolutions.empty() ? "" : "," + resolutions));
  }
  return flags;
}

std::string resolutions_text(const Check& check) {
  std::string text;
  for (const std::string& each : check.resolutions) text += (text.empty() ? "" : "|") + each;
  return text;
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::string rehearsal_text(const RehearsalRecord& rehearsal) {
  return std::to_string(rehearsal.accepted) + " of " + std::to_string(rehearsal.objects) +
         (rehearsal.objects == 1 ? " object" : " objects") + " accepted, " +
         std::to_string(rehearsal.refused) + " refused, " + std::to_string(rehearsal.without) +
         " not tried";
}

std::string duration_text(std::chrono::milliseconds duration) {
  using std::chrono::minutes;
  using std::chrono::seconds;
  std::array<char, 48> text{};
  if (duration < seconds(1)) {
    std::snprintf(text.data(), text.size(), "%dms", static_cast<int>(duration.count()));
  } else if (duration < minutes(1)) {
    std::snprintf(text.data(), text.size(), "%.1fs", static_cast<double>(duration.count()) / 1000);
  } else {
    const auto whole = std::chrono::duration_cast<seconds>(duration).count();
    std::snprintf(text.data(), text.size(), "%dm %ds", static_cast<int>(whole / 60),
                  static_cast<int>(whole % 60));
  }
  return text.data();
}

bool has_milliseconds(Time time) { return time != std::chrono::floor<std::chrono::seconds>(time); }

std::string precise_time(Time time) {
  const std::string_view known =
      has_milliseconds(time) ? "2026-01-02T03:04:05.678" : "2026-01-02T03:04:05";
  std::string text = format_micro_time(time).substr(0, known.size());
  std::ranges::replace(text, 'T', ' ');
  return text;
}

}  // namespace gatelift
