// SPDX-License-Identifier: Apache-2.0
#include "client/yaml_scalar.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <initializer_list>
#include <limits>

namespace gatelift {
namespace {

constexpr std::string_view kDigits = "0123456789";

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Takes digits from the front of `text`; false when there are none.
bool skip_digits(std::string_view& text) {
  const std::size_t count = std::min(text.find_first_not_of(kDigits), text.size());
  text.remove_prefix(count);
  return count > 0;
}

/// go-yaml's yamlStyleFloat: [-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?
bool looks_like_float(std::string_view text) {
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  const bool has_integer_part = skip_digits(text);
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    if (!skip_digits(text) && !has_integer_part) return false;
  } else if (!has_integer_part) {
    return false;
  }
  if (text.starts_with('e') || text.starts_with('E')) {
    text.remove_prefix(1);
    if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
    if (!skip_digits(text)) return false;
  }
  return text.empty();
}

/// Takes the base prefix of strconv.ParseInt(…, 0, …) off: 0x, 0o, 0b, and a leading 0 for octal.
int take_base(std::string_view& digits) {
  if (digits.size() < 2 || digits[0] != '0') return 10;
  const char letter = digits[1];
  const int base = letter == 'x' || letter == 'X'   ? 16
                   : letter == 'o' || letter == 'O' ? 8
                   : letter == 'b' || letter == 'B' ? 2
                                                    : 0;
  digits.remove_prefix(base == 0 ? 1 : 2);
  return base == 0 ? 8 : base;
}

std::optional<Json> resolve_integer(std::string_view text) {
  const bool is_negative = text.starts_with('-');
  const bool is_signed = is_negative || text.starts_with('+');
  std::string_view digits = text.substr(is_signed ? 1 : 0);
  const int base = take_base(digits);
  std::uint64_t magnitude = 0;
  const char* end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, magnitude, base);
  if (error != std::errc() || stop != end || digits.empty()) return std::nullopt;
  constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (is_negative && magnitude == kMax + 1) return Json(std::numeric_limits<std::int64_t>::min());
  if (magnitude <= kMax) {
    const auto value = static_cast<std::int64_t>(magnitude);
    return Json(is_negative ? -value : value);
  }
  if (is_signed) return std::nullopt;  // beyond int64 only ParseUint is left, which takes no sign
  return Json(magnitude);
}

std::optional<Json> resolve_float(const std::string& text) {
  if (!looks_like_float(text)) return std::nullopt;
  const double value = std::strtod(text.c_str(), nullptr);
  if (!std::isfinite(value)) return std::nullopt;
  constexpr double kExact = 9007199254740992;  // 2^53
  if (std::trunc(value) == value && std::abs(value) <= kExact) {
    return Json(static_cast<std::int64_t>(value));
  }
  return Json(value);
}

std::optional<Json> resolve_word(std::string_view text) {
  if (is_one_of(text, {"y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"})) {
    return Json(true);
  }
  if (is_one_of(text,
                {"n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"})) {
    return Json(false);
  }
  if (is_one_of(text, {"", "~", "null", "Null", "NULL"})) return Json(nullptr);
  return std::nullopt;
}

/// Go's own syntax: an underscore stands between two digits.
bool has_stray_underscore(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') continue;
    const bool is_between =
        i > 0 && i + 1 < text.size() && is_digit(text[i - 1]) && is_digit(text[i + 1]);
    if (!is_between) return true;
  }
  return false;
}

bool is_non_finite(std::string_view text) {
  if (is_one_of(text, {".nan", ".NaN", ".NAN"})) return true;
  if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
  return is_one_of(text, {".inf", ".Inf", ".INF"});
}

/// Length of the UTF-8 sequence at the front of `text`, or 0 where there is none (RFC 3629: no
/// overlong forms, no surrogates, nothing beyond U+10FFFF).
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const auto is_tail = [&](std::size_t i) { return (byte(i) & 0xC0U) == 0x80U; };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return is_tail(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    const bool is_overlong = first == 0xE0 && byte(1) < 0xA0;
    const bool is_surrogate = first == 0xED && byte(1) > 0x9F;
    return is_tail(1) && is_tail(2) && !is_overlong && !is_surrogate ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const bool is_overlong = first == 0xF0 && byte(1) < 0x90;
    const bool is_too_high = first == 0xF4 && byte(1) > 0x8F;
    return is_tail(1) && is_tail(2) && is_tail(3) && !is_overlong && !is_too_high ? 4 : 0;
  }
  return 0;
}

/// Characters that YAML readers take for something else than text: C1 controls (with the line break
/// U+0085), the line breaks U+2028 and U+2029, and the byte order mark.
bool is_special_sequence(std::string_view sequence) {
  if (sequence.size() == 2) {
    return sequence[0] == '\xC2' && static_cast<unsigned char>(sequence[1]) < 0xA0;
  }
  return sequence == "\xE2\x80\xA8" || sequence == "\xE2\x80\xA9" || sequence == "\xEF\xBB\xBF";
}

bool begins_like_syntax(std::string_view text) {
  constexpr std::string_view kIndicators = "?:,[]{}#&*!|>'\"%@`=<";
  if (kIndicators.find(text.front()) != std::string_view::npos) return true;
  if (text.starts_with("---") || text.starts_with("...")) return true;
  return text.front() == '-' && (text.size() == 1 || text[1] == ' ');
}

}  // namespace

std::optional<Json> resolve_plain_scalar(std::string_view text) {
  if (auto word = resolve_word(text)) return word;
  if (is_non_finite(text)) return std::nullopt;
  const char first = text.front();
  std::string digits(text);
  std::erase(digits, '_');
  if (is_digit(first) || first == '+' || first == '-') {
    if (auto integer = resolve_integer(digits)) return integer;
    if (auto number = resolve_float(digits)) return number;
  } else if (first == '.' && !has_stray_underscore(text)) {
    if (auto number = resolve_float(digits)) return number;
  }
  return Json(std::string(text));
}

bool is_plain_safe(std::string_view text) {
  if (text.empty() || begins_like_syntax(text)) return false;
  if (text.front() == ' ' || text.back() == ' ' || text.back() == ':') return false;
  if (text.find(": ") != std::string_view::npos || text.find(" #") != std::string_view::npos) {
    return false;
  }
  if (text.find_first_of("\t\r\n") != std::string_view::npos) return false;
  if (find_unprintable(text) != std::string_view::npos) return false;
  const auto value = resolve_plain_scalar(text);
  return value && value->is_string();
}

std::size_t find_unprintable(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool is_blank = byte == '\t' || byte == '\n' || byte == '\r';
    const std::size_t length = utf8_length(text.substr(i));
    if (length == 0 || byte == 0x7F || (byte < 0x20 && !is_blank)) return i;
    if (is_special_sequence(text.substr(i, length))) return i;
    i += length;
  }
  return std::string_view::npos;
}

}  // namespace gatelift
