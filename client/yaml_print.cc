// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "client/yaml.h"
#include "client/yaml_scalar.h"

namespace gatelift {
namespace {

constexpr std::size_t kIndent = 2;
// Readers give up on a "key: value" whose key has more than 1024 characters; "? key" has no such
// limit.
constexpr std::size_t kMaxSimpleKeyBytes = 1000;
constexpr std::array<std::string_view, 5> kFirstKeys{"apiVersion", "kind", "metadata", "spec",
                                                     "status"};

std::string double_quoted(std::string_view text) {
  // nlohmann escapes what JSON must; what only YAML must is left to be done here, in sequences of
  // at most three bytes.
  const std::string json = Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
  std::string out;
  std::string_view rest = json;
  while (true) {
    const std::size_t special = find_unprintable(rest);
    out += rest.substr(0, special);
    if (special == std::string_view::npos) return out;
    rest.remove_prefix(special);
    if (rest.starts_with('\x7F')) {
      out += "\\x7F";
      rest.remove_prefix(1);
    } else if (rest.starts_with('\xC2')) {
      static constexpr char kHex[] = "0123456789ABCDEF";
      const auto byte = static_cast<unsigned char>(rest[1]);
      out += "\\x";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
      rest.remove_prefix(2);
    } else {
      out += rest.starts_with("\xE2\x80\xA8")   ? "\\u2028"
             : rest.starts_with("\xE2\x80\xA9") ? "\\u2029"
                                                : "\\uFEFF";
      rest.remove_prefix(3);
    }
  }
}

/// True when a literal block gives this very text back: it has several lines, ends in at most one
/// line break, its first line is not indented (that would be taken for the block's indentation),
/// and no line is only blanks.
bool fits_literal_block(std::string_view text) {
  if (text.find('\n') == std::string_view::npos || text.front() == '\n') return false;
  if (text.ends_with("\n\n") || text.find_first_of("\t\r") != std::string_view::npos) return false;
  if (text.front() == ' ' || find_unprintable(text) != std::string_view::npos) return false;
  while (!text.empty()) {
    const std::size_t length = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, length);
    if (!line.empty() && line.find_first_not_of(' ') == std::string_view::npos) return false;
    text.remove_prefix(std::min(length + 1, text.size()));
  }
  return true;
}

std::string literal_block(std::string_view text, std::size_t indent) {
  std::string out = text.ends_with('\n') ? "|\n" : "|-\n";
  while (!text.empty()) {
    const std::size_t length = std::min(text.find('\n'), text.size());
    if (length > 0) out += std::string(indent, ' ');
    out += text.substr(0, length);
    out += '\n';
    text.remove_prefix(std::min(length + 1, text.size()));
  }
  return out;
}

bool is_block(const Json& json) { return json.is_structured() && !json.empty(); }

class Printer {
 public:
  std::string print(const Json& json) {
    if (is_block(json)) {
      print_block(json, 0, json.is_object() ? ordered(json) : Entries());
    } else {
      print_scalar(json, kIndent);
    }
    return std::move(out_);
  }

 private:
  using Entries = std::vector<std::pair<std::string_view, const Json*>>;

  static Entries sorted(const Json& object) {
    Entries entries;
    for (auto it = object.begin(); it != object.end(); ++it) entries.emplace_back(it.key(), &*it);
    return entries;
  }

  static Entries ordered(const Json& object) {
    Entries entries = sorted(object);
    const auto rank = [](const auto& entry) {
      return std::find(kFirstKeys.begin(), kFirstKeys.end(), entry.first) - kFirstKeys.begin();
    };
    std::stable_sort(entries.begin(), entries.end(),
                     [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
    return entries;
  }

  /// The first line of a block is not indented: it stands after "- ", or its caller has indented
  /// it.
  void print_block(const Json& json, std::size_t indent, const Entries& entries) {
    bool is_first = true;
    const auto begin_line = [&] {
      if (!is_first) out_.append(indent, ' ');
      is_first = false;
    };
    for (const auto& [key, value] : entries) {
      begin_line();
      print_entry(key, *value, indent);
    }
    if (!json.is_array()) return;
    for (const Json& item : json) {
      begin_line();
      out_ += "- ";
      print_value(item, indent + kIndent);
    }
  }

  /// `indent` is that of the value's own lines; the cursor stands where the value begins.
  void print_value(const Json& value, std::size_t indent) {
    if (is_block(value)) {
      print_block(value, indent, value.is_object() ? sorted(value) : Entries());
    } else {
      print_scalar(value, indent);
    }
  }

  void print_entry(std::string_view key, const Json& value, std::size_t indent) {
    const std::string text = is_plain_safe(key) ? std::string(key) : double_quoted(key);
    const bool is_long = text.size() > kMaxSimpleKeyBytes;
    if (is_long) {
      out_ += "? " + text + '\n';
      out_.append(indent, ' ');
      out_ += ": ";
      print_value(value, indent + kIndent);
      return;
    }
    out_ += text + ':';
    if (!is_block(value)) {
      out_ += ' ';
      print_scalar(value, indent + kIndent);
      return;
    }
    // Lists stand below their key without indentation, as kubectl prints them.
    const std::size_t deeper = value.is_array() ? indent : indent + kIndent;
    out_ += '\n';
    out_.append(deeper, ' ');
    print_value(value, deeper);
  }

  void print_scalar(const Json& value, std::size_t indent) {
    if (!value.is_string()) {
      out_ += value.dump() + '\n';  // {} and [] too
      return;
    }
    const auto& text = value.get_ref<const std::string&>();
    if (is_plain_safe(text)) {
      out_ += text + '\n';
    } else if (fits_literal_block(text)) {
      out_ += literal_block(text, indent);
    } else {
      out_ += double_quoted(text) + '\n';
    }
  }

  std::string out_;
};

}  // namespace

std::string print_yaml(const Json& json) { return Printer().print(json); }

}  // namespace gatelift
