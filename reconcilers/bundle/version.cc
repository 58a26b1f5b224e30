// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/bundle/version.h"

#include <charconv>

namespace gatelift {
namespace {

/// Takes a number off the front of `text`.
std::optional<int> take_number(std::string_view& text) {
  int number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc() || text.front() == '-') return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

/// Semantic Versioning 2.0.0, item 11: identifiers one by one, numbers as numbers and before words.
std::strong_ordering compare_pre_releases(std::string_view a, std::string_view b) {
  while (!a.empty() && !b.empty()) {
    const std::string_view left = a.substr(0, a.find('.'));
    const std::string_view right = b.substr(0, b.find('.'));
    a.remove_prefix(std::min(a.size(), left.size() + 1));
    b.remove_prefix(std::min(b.size(), right.size() + 1));
    std::string_view left_rest = left;
    std::string_view right_rest = right;
    const auto left_number = left.empty() ? std::nullopt : take_number(left_rest);
    const auto right_number = right.empty() ? std::nullopt : take_number(right_rest);
    const bool left_is_number = left_number && left_rest.empty();
    const bool right_is_number = right_number && right_rest.empty();
    if (left_is_number != right_is_number) {
      return left_is_number ? std::strong_ordering::less : std::strong_ordering::greater;
    }
    const auto order = left_is_number ? *left_number <=> *right_number : left <=> right;
    if (order != 0) return order;
  }
  return !a.empty() <=> !b.empty();
}

}  // namespace

std::optional<BundleVersion> parse_bundle_version(std::string_view text) {
  take(text, 'v');
  BundleVersion version;
  const auto major = text.empty() ? std::nullopt : take_number(text);
  if (!major || !take(text, '.') || text.empty()) return std::nullopt;
  const auto minor = take_number(text);
  if (!minor) return std::nullopt;
  version.major = *major;
  version.minor = *minor;
  if (take(text, '.')) {
    version.patch = text.empty() ? std::nullopt : take_number(text);
    if (!version.patch) return std::nullopt;
    if (take(text, '-')) {
      if (text.empty()) return std::nullopt;
      version.pre_release = text;
      text = {};
    }
  }
  if (!text.empty()) return std::nullopt;
  return version;
}

std::strong_ordering compare_bundle_versions(std::string_view a, std::string_view b) {
  const auto left = parse_bundle_version(a);
  const auto right = parse_bundle_version(b);
  if (!left || !right) {
    if (left.has_value() != right.has_value()) return left.has_value() <=> right.has_value();
    return a <=> b;
  }
  if (const auto order = left->major <=> right->major; order != 0) return order;
  if (const auto order = left->minor <=> right->minor; order != 0) return order;
  if (const auto order = left->patch.value_or(-1) <=> right->patch.value_or(-1); order != 0) {
    return order;
  }
  const bool left_released = left->pre_release.empty();
  const bool right_released = right->pre_release.empty();
  if (left_released != right_released) return left_released <=> right_released;
  return compare_pre_releases(left->pre_release, right->pre_release);
}

}  // namespace gatelift
