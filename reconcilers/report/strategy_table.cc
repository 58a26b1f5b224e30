// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/report/strategy_table.h"

#include <algorithm>
#include <utility>

#include "reconcilers/report/layout.h"
#include "reconcilers/report/wording.h"

namespace gatelift {
namespace {

constexpr int kIndent = 2;
constexpr int kGap = 2;
constexpr int kNarrowest = 20;

using Cell = std::vector<std::string>;

std::string num_or_none(int num, const std::string& one, const std::string& many) {
  return num == 0 ? "none" : std::to_string(num) + " " + (num == 1 ? one : many);
}

Cell absence_cell(const StrategyEstimate& strategy) {
  return {strategy.unavailable.count() == 0 ? "never"
                                            : "for about " + duration_text(strategy.unavailable)};
}

Cell writes_cell(const StrategyEstimate& strategy) {
  std::string text = "about " + std::to_string(strategy.writes);
  if (strategy.writes_per_object > 0) {
    text += ", at most " + std::to_string(strategy.writes_per_object) + " of one object";
  }
  return {std::move(text)};
}

void pad(std::string& line, int width) {
  line.append(static_cast<std::size_t>(std::max(0, width - display_width(line))), ' ');
}

/// Sentences as lines; of several each begins with a dash.
std::vector<std::string> lines_of_cell(const Cell& cell, int width) {
  std::vector<std::string> lines;
  for (const std::string& sentence : cell) {
    const bool is_item = cell.size() > 1;
    const std::string text = is_item ? "- " + sentence : sentence;
    const std::string broken = wrapped(text, width, is_item ? 2 : 0);
    for (const std::string_view line : lines_of(broken)) lines.emplace_back(line);
  }
  return lines;
}

/// A row of cells whose lines stand beside each other.
std::string row_text(const std::string& name, const std::vector<Cell>& cells, int name_width,
                     int width) {
  std::vector<std::vector<std::string>> columns;
  std::size_t height = 1;
  for (const Cell& cell : cells) {
    columns.push_back(lines_of_cell(cell, width));
    height = std::max(height, columns.back().size());
  }
  std::string text;
  for (std::size_t i = 0; i < height; ++i) {
    std::string line(kIndent, ' ');
    if (i == 0) line += name;
    int end = kIndent + name_width + kGap;
    for (const std::vector<std::string>& column : columns) {
      pad(line, end);
      if (i < column.size()) line += column[i];
      end += width + kGap;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

}  // namespace

std::vector<std::string> strategy_titles(const Plan& plan) {
  std::vector<std::string> titles;
  for (const StrategyEstimate& each : plan.strategies) {
    titles.push_back(std::string(to_string(each.strategy)) + (each.chosen ? " (chosen)" : ""));
  }
  return titles;
}

std::vector<StrategyRow> strategy_rows(const Plan& plan) {
  std::vector<StrategyRow> rows;
  const auto add = [&](const char* name, const auto& cell_of) {
    StrategyRow row{name, {}};
    for (const StrategyEstimate& each : plan.strategies) row.cells.push_back(cell_of(each));
    const bool says_something =
        std::ranges::any_of(row.cells, [](const Cell& cell) { return !cell.empty(); });
    if (says_something) rows.push_back(std::move(row));
  };
  add("cannot be, since", [](const StrategyEstimate& each) { return each.obstacles; });
  add("objects absent", absence_cell);
  add("policies interrupted", [](const StrategyEstimate& each) {
    return Cell{num_or_none(each.policies_interrupted, "that is in effect", "that are in effect")};
  });
  add("new uid and age", [](const StrategyEstimate& each) {
    return Cell{num_or_none(each.objects_recreated, "object", "objects")};
  });
  add("writes", writes_cell);
  add("risks", [](const StrategyEstimate& each) { return each.risks; });
  add("needs", [](const StrategyEstimate& each) { return each.needs; });
  return rows;
}

std::string strategy_table(const std::vector<std::string>& titles,
                           const std::vector<StrategyRow>& rows, int columns) {
  if (titles.empty()) return "";
  int name_width = 0;
  for (const StrategyRow& row : rows) name_width = std::max(name_width, display_width(row.name));
  const int num = static_cast<int>(titles.size());
  const int room = columns - kIndent - name_width - num * kGap;
  const int width = std::max(kNarrowest, room / num);
  std::vector<Cell> heads;
  for (const std::string& title : titles) heads.push_back({title});
  std::string text = row_text("", heads, name_width, width);
  for (const StrategyRow& row : rows) text += row_text(row.name, row.cells, name_width, width);
  return text;
}

}  // namespace gatelift
