// SPDX-License-Identifier: Apache-2.0
// Text in columns of so many characters. Pure.
#pragma once

#include <string>
#include <string_view>

namespace gatelift {

/// Number of columns that UTF-8 text takes, counting each code point as one.
int display_width(std::string_view text);

/// Lines of at most `columns`, broken at spaces, each but the first indented.
std::string wrapped(std::string_view text, int columns, int indent);

}  // namespace gatelift
