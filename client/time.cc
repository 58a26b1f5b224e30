// SPDX-License-Identifier: Apache-2.0
#include "client/time.h"

#include <array>
#include <cstdio>
#include <optional>

namespace gatelift {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

/// Reads fixed-width RFC 3339 fields from the front of a text.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : rest_(text) {}

  std::optional<int> digits(std::size_t count) {
    if (rest_.size() < count) return std::nullopt;
    int value = 0;
    for (const char c : rest_.substr(0, count)) {
      if (c < '0' || c > '9') return std::nullopt;
      value = value * 10 + (c - '0');
    }
    rest_.remove_prefix(count);
    return value;
  }

  /// One of `choices`, or '\0'.
  char any_of(std::string_view choices) {
    if (rest_.empty() || choices.find(rest_.front()) == std::string_view::npos) return '\0';
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }

  bool at_end() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

std::optional<std::chrono::sys_days> read_date(Cursor& in) {
  const auto year = in.digits(4);
  if (!year || in.any_of("-") == '\0') return std::nullopt;
  const auto month = in.digits(2);
  if (!month || in.any_of("-") == '\0') return std::nullopt;
  const auto day = in.digits(2);
  if (!day) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date);
}

std::optional<milliseconds> read_fraction(Cursor& in) {
  if (in.any_of(".") == '\0') return milliseconds(0);
  int value = 0;
  int count = 0;
  while (const auto digit = in.digits(1)) {
    if (count < 3) value = value * 10 + *digit;
    ++count;
  }
  if (count == 0) return std::nullopt;
  for (; count < 3; ++count) value *= 10;
  return milliseconds(value);
}

std::optional<milliseconds> read_time_of_day(Cursor& in) {
  const auto hour = in.digits(2);
  if (!hour || *hour > 23 || in.any_of(":") == '\0') return std::nullopt;
  const auto minute = in.digits(2);
  if (!minute || *minute > 59 || in.any_of(":") == '\0') return std::nullopt;
  const auto second = in.digits(2);
  if (!second || *second > 59) return std::nullopt;
  const auto fraction = read_fraction(in);
  if (!fraction) return std::nullopt;
  return hours(*hour) + minutes(*minute) + seconds(*second) + *fraction;
}

std::optional<minutes> read_offset(Cursor& in) {
  const char sign = in.any_of("Zz+-");
  if (sign == '\0') return std::nullopt;
  if (sign == 'Z' || sign == 'z') return minutes(0);
  const auto hour = in.digits(2);
  if (!hour || *hour > 23 || in.any_of(":") == '\0') return std::nullopt;
  const auto minute = in.digits(2);
  if (!minute || *minute > 59) return std::nullopt;
  const minutes offset = hours(*hour) + minutes(*minute);
  return sign == '-' ? -offset : offset;
}

std::optional<Time> read_time(std::string_view text) {
  Cursor in(text);
  const auto date = read_date(in);
  if (!date || in.any_of("Tt") == '\0') return std::nullopt;
  const auto time_of_day = read_time_of_day(in);
  if (!time_of_day) return std::nullopt;
  const auto offset = read_offset(in);
  if (!offset || !in.at_end()) return std::nullopt;
  return Time(*date + *time_of_day - *offset);
}

std::string format_to_second(Time time) {
  const auto day = std::chrono::floor<days>(time);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{std::chrono::floor<seconds>(time - day)};
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d",
                static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
                static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  return text.data();
}

}  // namespace

std::string format_time(Time time) { return format_to_second(time) + "Z"; }

std::string format_micro_time(Time time) {
  const auto fraction = time - std::chrono::floor<seconds>(time);
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), ".%03d000Z", static_cast<int>(fraction.count()));
  return format_to_second(time) + text.data();
}

Result<Time> parse_time(std::string_view text) {
  const auto time = read_time(text);
  if (time) return *time;
  return fail(ErrorKind::Invalid, "\"" + std::string(text) + "\" is not an RFC 3339 time");
}

}  // namespace gatelift
