// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/report/object_diff.h"

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "client/object.h"
#include "client/yaml.h"
#include "reconcilers/report/wording.h"

namespace gatelift {
namespace {

constexpr std::size_t kContextLines = 3;
constexpr std::size_t kMaxCells = 4'000'000;  // of the table below: 8 MB

using Lines = std::vector<std::string_view>;

struct Edit {
  char kind = ' ';
  std::string_view line;
};

/// Length of the longest common subsequence of each pair of tails.
class CommonTails {
 public:
  CommonTails(const Lines& before, const Lines& after)
      : width_(after.size() + 1), lengths_((before.size() + 1) * width_) {
    for (std::size_t i = before.size(); i-- > 0;) {
      for (std::size_t j = after.size(); j-- > 0;) {
        const int longer = std::max(at(i + 1, j), at(i, j + 1));
        const int length = before[i] == after[j] ? at(i + 1, j + 1) + 1 : longer;
        lengths_[i * width_ + j] = static_cast<std::uint16_t>(length);
      }
    }
  }
  int at(std::size_t i, std::size_t j) const { return lengths_[i * width_ + j]; }

 private:
  std::size_t width_;
  std::vector<std::uint16_t> lengths_;
};

void add_all(std::vector<Edit>& edits, char kind, const Lines& lines) {
  for (const std::string_view line : lines) edits.push_back({kind, line});
}

void edit_middle(const Lines& before, const Lines& after, std::vector<Edit>& edits) {
  if ((before.size() + 1) * (after.size() + 1) > kMaxCells) {
    add_all(edits, '-', before);
    add_all(edits, '+', after);
    return;
  }
  const CommonTails common(before, after);
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < before.size() || j < after.size()) {
    const bool both = i < before.size() && j < after.size();
    if (both && before[i] == after[j]) {
      edits.push_back({' ', before[i++]});
      ++j;
    } else if (j == after.size() || (both && common.at(i + 1, j) >= common.at(i, j + 1))) {
      edits.push_back({'-', before[i++]});
    } else {
      edits.push_back({'+', after[j++]});
    }
  }
}

std::vector<Edit> edits_of(const Lines& before, const Lines& after) {
  const auto [left, right] = std::ranges::mismatch(before, after);
  const auto head = left - before.begin();
  std::size_t tail = 0;
  const std::size_t most = std::min(before.size(), after.size()) - static_cast<std::size_t>(head);
  while (tail < most && before[before.size() - 1 - tail] == after[after.size() - 1 - tail]) ++tail;
  const auto kept = static_cast<std::ptrdiff_t>(tail);
  std::vector<Edit> edits;
  add_all(edits, ' ', Lines(before.begin(), left));
  edit_middle(Lines(left, before.end() - kept), Lines(right, after.end() - kept), edits);
  add_all(edits, ' ', Lines(before.end() - kept, before.end()));
  return edits;
}

bool is_near_a_change(const std::vector<Edit>& edits, std::size_t at) {
  const std::size_t first = at < kContextLines ? 0 : at - kContextLines;
  const std::size_t last = std::min(at + kContextLines, edits.size() - 1);
  for (std::size_t i = first; i <= last; ++i) {
    if (edits[i].kind != ' ') return true;
  }
  return false;
}

std::string shortened(std::string_view line) {
  if (line.size() <= kMaxLineBytes) return std::string(line);
  std::size_t end = kMaxLineBytes;
  while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xC0) == 0x80) --end;
  return std::string(line.substr(0, end)) + "…";
}

/// What a person wrote, and what controllers say in status.
std::string readable_yaml(Json object) {
  if (const auto metadata = object.find("metadata"); metadata != object.end()) {
    for (const char* field :
         {"managedFields", "uid", "resourceVersion", "generation", "creationTimestamp"}) {
      metadata->erase(field);
    }
    if (const auto annotations = metadata->find("annotations"); annotations != metadata->end()) {
      annotations->erase("kubectl.kubernetes.io/last-applied-configuration");
      if (annotations->empty()) metadata->erase("annotations");
    }
  }
  return print_yaml(object);
}

}  // namespace

std::string_view to_string(FieldChange::Kind kind) {
  switch (kind) {
    case FieldChange::Kind::Moved:
      return "Moved";
    case FieldChange::Kind::Repaired:
      return "Repaired";
    case FieldChange::Kind::Dropped:
      return "Dropped";
  }
  return "";
}

ObjectDiff diff_texts(const std::string& before, const std::string& after) {
  const std::vector<Edit> edits = edits_of(lines_of(before), lines_of(after));
  ObjectDiff diff;
  int shown = 0;
  bool gap = false;
  for (std::size_t i = 0; i < edits.size(); ++i) {
    if (edits[i].kind == '-') ++diff.removed;
    if (edits[i].kind == '+') ++diff.added;
    if (!is_near_a_change(edits, i) || shown == kMaxDiffLines) {
      gap = true;
      continue;
    }
    if (gap) diff.text += "@@\n";
    gap = false;
    diff.text += edits[i].kind + shortened(edits[i].line) + "\n";
    ++shown;
  }
  if (gap && shown == kMaxDiffLines) diff.text += "@@\n";
  return diff;
}

ObjectDiff diff_objects(const Json& before, const Json& after) {
  ObjectDiff diff = diff_texts(readable_yaml(before), readable_yaml(after));
  diff.object = display_name(kind_of(before), key_of(before));
  return diff;
}

}  // namespace gatelift
