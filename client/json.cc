// SPDX-License-Identifier: Apache-2.0
#include "client/json.h"

namespace gatelift {
namespace {

constexpr int kMaxDepth = 100;

/// True when brackets outside strings nest deeper than kMaxDepth. Must run before the parser: a
/// tree of a hundred thousand levels parses well and then overflows the stack in the first copy.
bool is_too_deep(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kMaxDepth) return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

/// nlohmann's text without its "[json.exception.parse_error.101] " in front.
std::string reason_of(const Json::exception& error) {
  std::string text = error.what();
  const std::size_t end = text.find("] ");
  return end == std::string::npos ? text : text.substr(end + 2);
}

}  // namespace

Result<Json> parse_json(std::string_view text) {
  if (is_too_deep(text)) {
    return fail(ErrorKind::Invalid,
                "not acceptable JSON: nested deeper than " + std::to_string(kMaxDepth) + " levels");
  }
  try {
    return Json::parse(text);
  } catch (const Json::exception& error) {
    return fail(ErrorKind::Invalid, "not JSON: " + reason_of(error));
  }
}

std::string print_json(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace gatelift
