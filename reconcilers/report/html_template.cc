// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/report/html_template.h"

#include <optional>
#include <vector>

namespace gatelift {
namespace {

struct Tag {
  std::size_t begin = 0;  // of the tag, or of its line where it is alone in it
  std::size_t end = 0;
  char kind = 0;  // '#', '^', '/', '!'; 0 for a value
  std::string key;
};

class Filler {
 public:
  explicit Filler(std::string_view text) : text_(text) {}

  Result<std::string> fill(const Json& values) {
    scopes_ = {&values};
    RETURN_IF_ERROR(fill_until("", true));
    return std::move(out_);
  }

 private:
  /// Copies and fills up to the end of the section `key`, or of the text where it is "".
  Result<void> fill_until(const std::string& key, bool is_shown) {
    while (true) {
      const auto tag = next_tag();
      const std::size_t end = tag ? tag->begin : text_.size();
      if (is_shown) out_ += text_.substr(at_, end - at_);
      at_ = tag ? tag->end : end;
      if (!tag && key.empty()) return {};
      if (!tag) return fail(ErrorKind::Internal, "the template does not close {{#" + key + "}}");
      if (tag->kind == '/') {
        if (tag->key == key) return {};
        return fail(ErrorKind::Internal, "the template closes {{/" + tag->key + "}} in {{#" + key);
      }
      if (tag->kind == '#' || tag->kind == '^') {
        RETURN_IF_ERROR(fill_section(*tag, is_shown));
      } else if (tag->kind == 0 && is_shown) {
        add_value(tag->key);
      }
    }
  }

  Result<void> fill_section(const Tag& tag, bool is_shown) {
    const std::size_t begin = at_;
    const Json* value = lookup(tag.key);
    const bool is_there = value != nullptr && is_something(*value);
    if (!is_shown || is_there != (tag.kind == '#')) return fill_until(tag.key, false);
    if (tag.kind == '^') return fill_until(tag.key, true);
    const std::size_t times = value->is_array() ? value->size() : 1;
    for (std::size_t i = 0; i < times; ++i) {
      at_ = begin;
      scopes_.push_back(value->is_array() ? &(*value)[i] : value);
      RETURN_IF_ERROR(fill_until(tag.key, true));
      scopes_.pop_back();
    }
    return {};
  }

  static bool is_something(const Json& value) {
    if (value.is_boolean()) return value.get<bool>();
    if (value.is_string()) return !value.get_ref<const std::string&>().empty();
    return value.is_number() || !value.empty();
  }

  const Json* lookup(const std::string& key) const {
    if (key == ".") return scopes_.back();
    for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
      if (!(*scope)->is_object()) continue;
      const auto found = (*scope)->find(key);
      return found == (*scope)->end() ? nullptr : &*found;
    }
    return nullptr;
  }

  void add_value(const std::string& key) {
    const Json* value = lookup(key);
    if (value == nullptr || value->is_structured() || value->is_null()) return;
    out_ += escape_html(value->is_string() ? value->get<std::string>() : print_json(*value));
  }

  std::optional<Tag> next_tag() const {
    Tag tag;
    tag.begin = text_.find("{{", at_);
    if (tag.begin == std::string_view::npos) return std::nullopt;
    const std::size_t close = text_.find("}}", tag.begin);
    if (close == std::string_view::npos) return std::nullopt;
    std::string_view inside = text_.substr(tag.begin + 2, close - tag.begin - 2);
    tag.end = close + 2;
    if (!inside.empty() &&
        std::string_view("#^/!").find(inside.front()) != std::string_view::npos) {
      tag.kind = inside.front();
      inside.remove_prefix(1);
      take_line(tag);
    }
    tag.key = std::string(inside);
    return tag;
  }

  void take_line(Tag& tag) const {
    std::size_t begin = tag.begin;
    while (begin > at_ && text_[begin - 1] == ' ') --begin;
    const bool begins_line = begin == 0 || text_[begin - 1] == '\n';
    if (!begins_line || tag.end >= text_.size() || text_[tag.end] != '\n') return;
    tag.begin = begin;
    ++tag.end;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::vector<const Json*> scopes_;
  std::string out_;
};

}  // namespace

std::string escape_html(std::string_view text) {
  std::string escaped;
  escaped.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        const bool is_control =
            (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') || c == 0x7f;
        escaped += is_control ? "\xEF\xBF\xBD" : std::string(1, c);
    }
  }
  return escaped;
}

Result<std::string> fill_html(std::string_view html_template, const Json& values) {
  return Filler(html_template).fill(values);
}

}  // namespace gatelift
