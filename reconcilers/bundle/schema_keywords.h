// SPDX-License-Identifier: Apache-2.0
// The keywords of an openAPIV3Schema, by what they do.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "client/json.h"

namespace gatelift {

enum class Limit { Least, Most };

struct Bound {
  std::string_view keyword;
  Limit limit;
  bool at_least_zero;  // what is counted: a minimum of 0 is none
};

inline constexpr std::array kBounds{
    Bound{"minimum",       Limit::Least, false},
    Bound{"minLength",     Limit::Least, true },
    Bound{"minItems",      Limit::Least, true },
    Bound{"minProperties", Limit::Least, true },
    Bound{"maximum",       Limit::Most,  false},
    Bound{"maxLength",     Limit::Most,  false},
    Bound{"maxItems",      Limit::Most,  false},
    Bound{"maxProperties", Limit::Most,  false},
};

/// The bound that a keyword is, or nullptr.
inline const Bound* bound_of(std::string_view keyword) {
  const auto found = std::ranges::find(kBounds, keyword, &Bound::keyword);
  return found == kBounds.end() ? nullptr : &*found;
}

/// True for keywords without effect on what is valid or stored.
inline bool is_documentation(std::string_view keyword) {
  constexpr std::array kWords{std::string_view("description"), std::string_view("title"),
                              std::string_view("example"), std::string_view("externalDocs")};
  return std::ranges::find(kWords, keyword) != kWords.end();
}

/// "atomic" unless the schema says so otherwise (KEP-555).
inline std::string list_type(const Json& schema) {
  const std::string type = string_at(schema, "x-kubernetes-list-type");
  return type.empty() ? "atomic" : type;
}

/// Code points, as the API server counts a string's length.
inline std::int64_t length_of(const std::string& text) {
  return std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; });
}

}  // namespace gatelift
