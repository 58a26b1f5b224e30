// SPDX-License-Identifier: Apache-2.0
// yaml-cpp's parser drives the builder below by events. Its Node and Emitter are not used: they
// lose quotes, share aliased trees and keep duplicate keys.
#include "client/yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <optional>
#include <sstream>
#include <utility>

#include "client/yaml_scalar.h"

namespace gatelift {
namespace {

constexpr std::size_t kMaxBytes = 16U << 20U;
constexpr std::size_t kBytesPerNode = 64;
constexpr std::size_t kMaxWeight = 1'000'000;
constexpr int kMaxDepth = 100;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::string_view kStandardTag = "tag:yaml.org,2002:";

/// A finished value with what it weighs, so that aliases cannot multiply it beyond the limits.
struct Weighed {
  Json json;
  std::size_t weight = 1;  // nodes, with 64 bytes of text as one more
  int height = 0;
};

struct Problem {
  YAML::Mark mark;
  std::string message;
};

/// Builds trees from events. After the first problem all further events are ignored.
class Builder : public YAML::EventHandler {
 public:
  explicit Builder(std::string_view text) : text_(text) {}

  const std::optional<Problem>& problem() const { return problem_; }
  std::vector<Json>&& take_documents() { return std::move(documents_); }

  /// yaml-cpp takes the end of the text for the end of a quoted scalar; only the last scalar can
  /// have run into it.
  void check_last_quote() {
    if (is_last_quoted_ && !is_closed(last_quoted_)) fail_at(last_quoted_, "unfinished quote");
  }

  void OnDocumentStart(const YAML::Mark& mark) override {
    const bool is_explicit = text_.substr(offset_of(mark)).starts_with("---");
    if (num_documents_++ > 0 && !is_explicit) {
      fail_at(mark, "a further document must begin with ---");
    }
    anchors_.clear();
  }

  void OnDocumentEnd() override {
    if (problem_ || !root_) return;
    if (!root_->json.is_null()) documents_.push_back(std::move(root_->json));
    root_.reset();
  }

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (!problem_ && charge(mark, 1)) finish(mark, anchor, Weighed{nullptr});
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (problem_) return;
    const auto target = anchors_.find(anchor);
    if (target == anchors_.end()) return fail_at(mark, "this alias stands inside what it names");
    if (!charge(mark, target->second.weight)) return;
    place(mark, target->second);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    is_last_quoted_ = tag != "?";
    if (is_last_quoted_) last_quoted_ = mark;
    if (problem_) return;
    if (tag == "?" && value == "<<" && expects_key()) {
      return fail_at(mark, "merge keys (<<) are not supported: write the fields out");
    }
    const std::size_t weight = 1 + value.size() / kBytesPerNode;
    auto json = scalar_of(mark, tag, value);
    if (json && charge(mark, weight)) finish(mark, anchor, Weighed{*std::move(json), weight});
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    open(mark, tag, "seq", anchor, Json::array());
  }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    open(mark, tag, "map", anchor, Json::object());
  }

  void OnSequenceEnd() override { close(); }
  void OnMapEnd() override { close(); }

 private:
  struct Frame {
    YAML::Mark mark;
    YAML::anchor_t anchor;
    Weighed value;
    std::optional<std::string> key;  // of a mapping, between its key and its value
  };

  void fail_at(const YAML::Mark& mark, std::string message) {
    if (!problem_) problem_ = Problem{mark, std::move(message)};
  }

  static std::size_t offset_of(const YAML::Mark& mark) {
    return mark.pos < 0 ? 0 : static_cast<std::size_t>(mark.pos);
  }

  bool expects_key() const {
    return !frames_.empty() && frames_.back().value.json.is_object() && !frames_.back().key;
  }

  std::optional<Json> scalar_of(const YAML::Mark& mark, const std::string& tag,
                                const std::string& value) {
    if (tag == "!") return Json(value);
    const std::string_view name = std::string_view(tag).starts_with(kStandardTag)
                                      ? std::string_view(tag).substr(kStandardTag.size())
                                      : std::string_view(tag);
    if (name == "str") return Json(value);
    auto json = resolve_plain_scalar(value);
    if (!json) {
      fail_at(mark, "\"" + value + "\" has no form in JSON");
      return std::nullopt;
    }
    const bool fits = name == "?" || (name == "int" && json->is_number_integer()) ||
                      (name == "float" && json->is_number()) ||
                      (name == "bool" && json->is_boolean()) || (name == "null" && json->is_null());
    if (fits) return json;
    fail_at(mark, "the tag " + tag + " is not supported here");
    return std::nullopt;
  }

  void open(const YAML::Mark& mark, std::string_view tag, std::string_view own_tag,
            YAML::anchor_t anchor, Json empty) {
    if (problem_) return;
    if (expects_key()) {
      return fail_at(mark, "a key must be a scalar (is this an unexpanded template?)");
    }
    const bool is_own = tag.starts_with(kStandardTag) && tag.substr(kStandardTag.size()) == own_tag;
    if (!is_own && tag != "?" && tag != "!" && !tag.empty()) {
      return fail_at(mark, "the tag " + std::string(tag) + " is not supported here");
    }
    if (static_cast<int>(frames_.size()) >= kMaxDepth) return fail_at(mark, "nested too deeply");
    if (!charge(mark, 1)) return;
    frames_.push_back(Frame{mark, anchor, Weighed{std::move(empty)}, std::nullopt});
  }

  void close() {
    if (problem_) return;
    Frame frame = std::move(frames_.back());
    frames_.pop_back();
    finish(frame.mark, frame.anchor, std::move(frame.value));
  }

  bool charge(const YAML::Mark& mark, std::size_t weight) {
    weight_ += weight;
    if (weight_ > kMaxWeight) fail_at(mark, "too many nodes (aliases count with all they name)");
    return weight_ <= kMaxWeight;
  }

  /// Keeps a value for aliases, at the price of a second copy, and puts it where it belongs.
  void finish(const YAML::Mark& mark, YAML::anchor_t anchor, Weighed value) {
    if (anchor != YAML::NullAnchor) {
      if (!charge(mark, value.weight)) return;
      anchors_[anchor] = value;
    }
    place(mark, std::move(value));
  }

  void place(const YAML::Mark& mark, Weighed value) {
    if (frames_.empty()) {
      root_ = std::move(value);
    } else if (expects_key()) {
      add_key(mark, value.json);
    } else {
      add_child(mark, std::move(value));
    }
  }

  void add_key(const YAML::Mark& mark, const Json& json) {
    if (json.is_null() || json.is_structured()) return fail_at(mark, "a key must be a scalar");
    std::string key = json.is_string() ? json.get<std::string>() : json.dump();
    Frame& frame = frames_.back();
    if (frame.value.json.contains(key)) return fail_at(mark, "duplicate key \"" + key + "\"");
    frame.key = std::move(key);
  }

  void add_child(const YAML::Mark& mark, Weighed child) {
    Frame& frame = frames_.back();
    frame.value.weight += child.weight;
    frame.value.height = std::max(frame.value.height, child.height + 1);
    if (static_cast<int>(frames_.size()) + child.height > kMaxDepth) {
      return fail_at(mark, "nested too deeply");
    }
    if (frame.value.json.is_array()) {
      frame.value.json.push_back(std::move(child.json));
    } else {
      frame.value.json[*frame.key] = std::move(child.json);
      frame.key.reset();
    }
  }

  /// The mark of a quoted scalar stands at its quote, or at the tag or anchor before it; block
  /// scalars need no end.
  bool is_closed(const YAML::Mark& mark) const {
    std::string_view rest = text_.substr(std::min(offset_of(mark), text_.size()));
    while (rest.starts_with('!') || rest.starts_with('&')) {
      rest.remove_prefix(std::min(rest.find_first_of(" \t\r\n"), rest.size()));
      rest.remove_prefix(std::min(rest.find_first_not_of(" \t\r\n"), rest.size()));
    }
    const char quote = rest.empty() ? '\0' : rest.front();
    if (quote != '"' && quote != '\'') return true;
    for (std::size_t i = 1; i < rest.size(); ++i) {
      if (quote == '"' && rest[i] == '\\') {
        ++i;
      } else if (rest[i] == quote) {
        const bool is_doubled = quote == '\'' && i + 1 < rest.size() && rest[i + 1] == quote;
        if (!is_doubled) return true;
        ++i;
      }
    }
    return false;
  }

  std::string_view text_;
  std::vector<Json> documents_;
  std::optional<Weighed> root_;
  std::vector<Frame> frames_;
  std::map<YAML::anchor_t, Weighed> anchors_;
  std::optional<Problem> problem_;
  std::size_t weight_ = 0;
  int num_documents_ = 0;
  bool is_last_quoted_ = false;
  YAML::Mark last_quoted_;
};

Error error_at(std::string_view source, int line, int column, std::string_view message) {
  Error error;
  error.kind = ErrorKind::Invalid;
  error.message = std::string(source) + ":" + std::to_string(line + 1) + ":" +
                  std::to_string(column + 1) + ": " + std::string(message);
  return error;
}

Result<void> check_text(std::string_view text, std::string_view source) {
  if (text.size() > kMaxBytes) {
    return fail(ErrorKind::Invalid, std::string(source) + ": larger than 16 MB");
  }
  // yaml-cpp takes the byte 4 for the end of the text, and would read the beginning of a file for
  // the whole of it.
  const std::size_t bad = find_unprintable(text);
  if (bad == std::string_view::npos) return {};
  const std::string_view before = text.substr(0, bad);
  const auto line = std::count(before.begin(), before.end(), '\n');
  const std::size_t line_start = before.rfind('\n') + 1;
  return fail(error_at(source, static_cast<int>(line), static_cast<int>(bad - line_start),
                       "a byte that is neither text nor UTF-8"));
}

/// The exact reader for what begins like JSON: JSON escapes characters beyond U+FFFF in two halves,
/// which YAML has not.
std::optional<std::vector<Json>> read_as_json(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos || text[first] != '{') return std::nullopt;
  auto json = parse_json(text);
  if (!json) return std::nullopt;
  return std::vector<Json>{*std::move(json)};
}

}  // namespace

Result<std::vector<Json>> parse_yaml(std::string_view text, std::string_view source_name) {
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  RETURN_IF_ERROR(check_text(text, source_name));
  Builder builder(text);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    while (!builder.problem() && parser.HandleNextDocument(builder)) {
    }
  } catch (const YAML::Exception& error) {
    if (auto documents = read_as_json(text)) return *std::move(documents);
    return fail(error_at(source_name, error.mark.line, error.mark.column, error.msg));
  }
  builder.check_last_quote();
  if (const auto& problem = builder.problem()) {
    return fail(error_at(source_name, problem->mark.line, problem->mark.column, problem->message));
  }
  return builder.take_documents();
}

}  // namespace gatelift
