// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/report/layout.h"

#include <algorithm>
#include <sstream>

namespace gatelift {

int display_width(std::string_view text) {
  // Every byte but the continuation bytes (10xxxxxx) begins a code point.
  return static_cast<int>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

std::string wrapped(std::string_view text, int columns, int indent) {
  std::istringstream words{std::string(text)};
  std::string lines;
  int used = 0;
  for (std::string word; words >> word;) {
    const int width = display_width(word);
    if (used > 0 && used + 1 + width > columns) {
      lines += "\n" + std::string(static_cast<std::size_t>(indent), ' ');
      used = indent;
    } else if (used > 0) {
      lines += ' ';
      ++used;
    }
    lines += word;
    used += width;
  }
  return lines;
}

}  // namespace gatelift
