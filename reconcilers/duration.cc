// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/duration.h"

#include <array>
#include <optional>
#include <utility>

namespace gatelift {
namespace {

using std::chrono::milliseconds;

// A hundred years, far below what overflows a double's whole numbers or Go's int64 of nanoseconds
// (292 years).
constexpr double kMaxMilliseconds = 100.0 * 365 * 24 * 3600 * 1000;

constexpr std::array<std::pair<std::string_view, double>, 8> kUnits{
    {
     {"ns", 1e-6},
     {"us", 1e-3},
     {"µs", 1e-3}, // micro sign
        {"μs", 1e-3}, // Greek letter mu
        {"ms", 1},
     {"s", 1e3},
     {"m", 60e3},
     {"h", 3600e3},
     }
};

/// Takes "12", "1.5" or ".5" off the front of a text.
std::optional<double> take_number(std::string_view& text) {
  double value = 0;
  double place = 1;
  std::size_t digits = 0;
  bool after_point = false;
  std::size_t i = 0;
  for (; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '.' && !after_point) {
      after_point = true;
    } else if (c >= '0' && c <= '9') {
      ++digits;
      value = value * 10 + (c - '0');
      if (after_point) place *= 10;
    } else {
      break;
    }
  }
  if (digits == 0 || digits > 15) return std::nullopt;
  text.remove_prefix(i);
  return value / place;
}

std::optional<double> take_unit(std::string_view& text) {
  std::size_t end = 0;
  while (end < text.size() && text[end] != '.' && (text[end] < '0' || text[end] > '9')) ++end;
  const std::string_view name = text.substr(0, end);
  for (const auto& [unit, factor] : kUnits) {
    if (unit != name) continue;
    text.remove_prefix(end);
    return factor;
  }
  return std::nullopt;
}

std::optional<double> read_milliseconds(std::string_view text) {
  if (text == "0") return 0;
  if (text.empty()) return std::nullopt;
  double total = 0;
  while (!text.empty()) {
    const auto number = take_number(text);
    if (!number) return std::nullopt;
    const auto unit = take_unit(text);
    if (!unit) return std::nullopt;
    total += *number * *unit;
    if (total > kMaxMilliseconds) return std::nullopt;
  }
  return total;
}

/// "1.8" of 1800 thousandths.
std::string format_thousandths(long long thousandths) {
  std::string text = std::to_string(thousandths / 1000);
  const long long fraction = thousandths % 1000;
  if (fraction == 0) return text;
  std::string digits = std::to_string(1000 + fraction).substr(1);
  while (digits.back() == '0') digits.pop_back();
  return text + "." + digits;
}

}  // namespace

std::string format_duration(milliseconds duration) {
  long long rest = duration.count();
  if (rest == 0) return "0s";
  std::string text = rest < 0 ? "-" : "";
  if (rest < 0) rest = -rest;
  if (rest < 1000) return text + std::to_string(rest) + "ms";
  const long long hours = rest / 3600000;
  const long long minutes = rest / 60000 % 60;
  rest %= 60000;
  if (hours != 0) text += std::to_string(hours) + "h";
  if (minutes != 0) text += std::to_string(minutes) + "m";
  if (rest != 0) text += format_thousandths(rest) + "s";
  return text;
}

Result<milliseconds> parse_duration(std::string_view text) {
  std::string_view rest = text;
  const bool negative = !rest.empty() && rest.front() == '-';
  if (negative || (!rest.empty() && rest.front() == '+')) rest.remove_prefix(1);
  const auto value = read_milliseconds(rest);
  if (!value) {
    return fail(ErrorKind::Invalid,
                "\"" + std::string(text) +
                    "\" is not a duration; write it as \"720h\", \"1h30m\" or \"90s\"");
  }
  // Half a millisecond, so that 1.8 s, which no double holds, is 1800 and not 1799.
  const auto whole = static_cast<long long>(*value + 0.5);
  return milliseconds(negative ? -whole : whole);
}

}  // namespace gatelift
