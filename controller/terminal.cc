// SPDX-License-Identifier: Apache-2.0
#include "controller/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <iostream>

namespace gatelift {
namespace {

constexpr int kDefaultColumns = 80;

int terminal_columns() {
  winsize size = {};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return kDefaultColumns;
}

bool wants_color() {
  const char* no_color = std::getenv("NO_COLOR");  // https://no-color.org: set and not empty
  if (no_color != nullptr && *no_color != '\0') return false;
  const char* term = std::getenv("TERM");
  return term != nullptr && std::string_view(term) != "dumb";
}

std::string_view escape_of(Style style) {
  switch (style) {
    case Style::Plain:
      return "";
    case Style::Bold:
      return "\x1b[1m";
    case Style::Red:
      return "\x1b[31m";
    case Style::Yellow:
      return "\x1b[33m";
    case Style::Green:
      return "\x1b[32m";
    case Style::Dim:
      return "\x1b[2m";
    case Style::BoldRed:
      return "\x1b[1;31m";
  }
  return "";
}

}  // namespace

Terminal process_terminal(bool no_color, bool quiet) {
  return {.in = std::cin,
          .out = std::cout,
          .err = std::cerr,
          .in_is_terminal = isatty(STDIN_FILENO) != 0,
          .out_is_terminal = isatty(STDOUT_FILENO) != 0,
          .err_is_terminal = isatty(STDERR_FILENO) != 0,
          .color = !no_color && wants_color(),
          .quiet = quiet,
          .columns = terminal_columns()};
}

std::string styled(std::string_view text, Style style, bool colored) {
  if (!colored || style == Style::Plain) return std::string(text);
  return std::string(escape_of(style)) + std::string(text) + "\x1b[0m";
}

std::string printable(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7f) {
      safe += c;
    } else if (c == '\n' || c == '\t') {
      safe += ' ';
    } else {
      std::array<char, 8> escape{};
      std::snprintf(escape.data(), escape.size(), "\\x%02x", byte);
      safe += escape.data();
    }
  }
  return safe;
}

bool asked_yes(Terminal& terminal, const std::string& question) {
  terminal.err << question << " [y/N] " << std::flush;
  std::string answer;
  terminal.asking = true;
  const bool answered = static_cast<bool>(std::getline(terminal.in, answer));
  terminal.asking = false;
  if (!answered) return false;
  std::transform(answer.begin(), answer.end(), answer.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return answer == "y" || answer == "yes";
}

std::string table(const std::vector<std::string>& header,
                  const std::vector<std::vector<std::string>>& rows) {
  std::vector<int> widths;
  for (const std::string& title : header) widths.push_back(display_width(title));
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size() && i < widths.size(); ++i) {
      widths[i] = std::max(widths[i], display_width(row[i]));
    }
  }
  const auto line = [&widths](const std::vector<std::string>& cells) {
    std::string text;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      text += cells[i];
      if (i + 1 == cells.size()) break;
      text += std::string(static_cast<std::size_t>(widths[i] - display_width(cells[i]) + 2), ' ');
    }
    while (text.ends_with(' ')) text.pop_back();
    return text + "\n";
  };
  std::string text = line(header);
  for (const auto& row : rows) text += line(row);
  return text;
}

}  // namespace gatelift
