// SPDX-License-Identifier: Apache-2.0
// A rule that is gone and one that came are taken for one that was rewritten where they have the
// same message, or nearly the same text: in which direction it went is for a person to read.
#include "reconcilers/bundle/cel_diff.h"

#include <algorithm>
#include <cctype>
#include <set>

namespace gatelift {
namespace {

struct CelRule {
  std::string text;
  std::string message;
  bool optional_old_self = false;

  bool same_rule(const CelRule& other) const {
    return text == other.text && optional_old_self == other.optional_old_self;
  }
  std::string display() const { return message.empty() ? text : message; }
};

/// Each rule once: v0.8 has some twice.
std::vector<CelRule> rules_of(const Json& schema) {
  std::vector<CelRule> rules;
  for (const Json& entry : array_at(schema, "x-kubernetes-validations")) {
    CelRule rule{string_at(entry, "rule"), string_at(entry, "message"),
                 bool_at(entry, false, "optionalOldSelf")};
    const bool is_new =
        std::ranges::none_of(rules, [&](const CelRule& r) { return r.same_rule(rule); });
    if (is_new) rules.push_back(std::move(rule));
  }
  return rules;
}

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

/// Length of the quoted text that `text` begins with, 0 where it begins with none.
std::size_t quoted_length(std::string_view text) {
  const bool is_raw = text.size() > 1 && (text[0] == 'r' || text[0] == 'R');
  const std::size_t begin = is_raw ? 1 : 0;
  if (text.size() <= begin || (text[begin] != '"' && text[begin] != '\'')) return 0;
  const std::string three(3, text[begin]);
  const bool is_triple = text.substr(begin).starts_with(three);
  const std::string_view mark = is_triple ? std::string_view(three) : text.substr(begin, 1);
  std::size_t at = begin + mark.size();
  while (at < text.size() && !text.substr(at).starts_with(mark)) {
    at += text[at] == '\\' && !is_raw ? 2 : 1;
  }
  return std::min(text.size(), at + mark.size());
}

std::size_t common_length(const std::vector<std::string_view>& a,
                          const std::vector<std::string_view>& b) {
  std::vector<std::size_t> row(b.size() + 1, 0);
  for (const std::string_view token : a) {
    std::size_t diagonal = 0;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = token == b[j - 1] ? diagonal + 1 : std::max(row[j], row[j - 1]);
      diagonal = above;
    }
  }
  return row.back();
}

/// Nine of ten words of the shorter one, in the same order, and no more than twice as long.
bool is_rewritten(const CelRule& before, const CelRule& after) {
  if (!before.message.empty() && before.message == after.message) return true;
  const auto a = cel_tokens(before.text);
  const auto b = cel_tokens(after.text);
  const std::size_t shorter = std::min(a.size(), b.size());
  const std::size_t longer = std::max(a.size(), b.size());
  return longer <= 2 * shorter && 10 * common_length(a, b) >= 9 * shorter;
}

/// True where a rule got an alternative in front, so that it holds wherever it held. A condition
/// would take the alternative into its question.
bool is_plainly_looser(const CelRule& before, const CelRule& after) {
  const auto tokens = cel_tokens(before.text);
  return after.text.ends_with("|| " + before.text) &&
         std::ranges::find(tokens, "?") == tokens.end();
}

/// Fields that a rule reads, without the functions that it calls.
std::set<std::string> fields_in(const std::vector<std::string_view>& tokens) {
  std::set<std::string> fields;
  for (std::size_t i = 1; i < tokens.size(); ++i) {
    const bool is_call = i + 1 < tokens.size() && tokens[i + 1] == "(";
    if (tokens[i - 1] == "." && is_word(tokens[i].front()) && !is_call) fields.emplace(tokens[i]);
  }
  return fields;
}

/// "tls" of "spec.listeners[].tls".
std::string last_name(const std::string& path) {
  std::string name = path.substr(path.rfind('.') + 1);
  while (name.ends_with("[]") || name.ends_with("{}")) name.resize(name.size() - 2);
  return name;
}

/// Names of all fields in a schema.
void collect_names(const Json& schema, std::set<std::string>& names) {
  for (const std::string& path : schema_paths(schema)) {
    names.insert(last_name(path));
  }
}

/// Names and literals of which the changes say that they are new.
std::set<std::string> fresh_words(const SchemaDiff& diff, std::size_t below,
                                  const std::string& path) {
  std::set<std::string> words;
  for (std::size_t i = below; i < diff.changes.size(); ++i) {
    const Change& change = diff.changes[i];
    if (change.kind == ChangeKind::FieldAdded) words.insert(last_name(change.path));
  }
  for (const SchemaDiff::NewValue& value : diff.new_values) {
    if (value.path.starts_with(path)) words.insert(value.literal);
  }
  return words;
}

RuleSubject subject_of(const CelRule& rule, const Json& from, const std::set<std::string>& fresh) {
  const auto tokens = cel_tokens(rule.text);
  const auto has = [&](std::string_view word) {
    return std::ranges::find(tokens, word) != tokens.end();
  };
  if (has("size") && has("+")) return RuleSubject::Totals;
  const std::set<std::string> fields = fields_in(tokens);
  std::set<std::string> before;
  collect_names(from, before);
  const bool only_new = !fields.empty() && std::ranges::all_of(fields, [&](const auto& field) {
    return fresh.contains(field) && !before.contains(field);
  });
  if (only_new) return RuleSubject::OnlyNew;
  const bool partly_new =
      std::ranges::any_of(tokens, [&](auto token) { return fresh.contains(std::string(token)); });
  return partly_new ? RuleSubject::PartlyNew : RuleSubject::Existing;
}

Change rule_change(ChangeKind kind, const std::string& path, const CelRule& rule,
                   const std::string& detail) {
  Change change;
  change.kind = kind;
  change.path = path;
  change.keyword = "rule";
  change.detail = detail;
  change.cel = rule.text;
  return change;
}

/// Of the fields that a rule reads since it was rewritten, and did not before.
RuleSubject subject_of_rewriting(const CelRule& before, const CelRule& after, const Json& from,
                                 const std::set<std::string>& fresh) {
  const std::set<std::string> read_before = fields_in(cel_tokens(before.text));
  std::set<std::string> had;
  collect_names(from, had);
  bool any_new = false;
  bool any_old = false;
  for (const std::string& field : fields_in(cel_tokens(after.text))) {
    if (read_before.contains(field)) continue;
    const bool is_new = fresh.contains(field) && !had.contains(field);
    (is_new ? any_new : any_old) = true;
  }
  if (!any_new) return RuleSubject::Existing;
  return any_old ? RuleSubject::PartlyNew : RuleSubject::OnlyNew;
}

Change rewritten(const std::string& path, const CelRule& before, const CelRule& after) {
  const bool is_looser = is_plainly_looser(before, after);
  return rule_change(is_looser ? ChangeKind::Loosened : ChangeKind::Revalidated, path, after,
                     "\"" + after.display() + "\" rewritten: " + before.text + " -> " + after.text);
}

/// Takes out of both what the other has too, and counts the messages that differ.
void drop_common(std::vector<CelRule>& before, std::vector<CelRule>& after, SchemaDiff& diff) {
  std::erase_if(after, [&](const CelRule& rule) {
    const auto same =
        std::ranges::find_if(before, [&](const CelRule& b) { return b.same_rule(rule); });
    if (same == before.end()) return false;
    if (same->message != rule.message) ++diff.documentation;
    before.erase(same);
    return true;
  });
}

}  // namespace

std::vector<std::string_view> cel_tokens(std::string_view rule) {
  std::vector<std::string_view> tokens;
  while (!rule.empty()) {
    std::size_t length = quoted_length(rule);
    if (length == 0 && is_word(rule.front())) {
      while (length < rule.size() && is_word(rule[length])) ++length;
    }
    const bool is_blank = std::isspace(static_cast<unsigned char>(rule.front())) != 0;
    length = std::max<std::size_t>(length, 1);
    if (!is_blank) tokens.push_back(rule.substr(0, length));
    rule.remove_prefix(length);
  }
  return tokens;
}

void diff_rules(const Json& from, const Json& to, const std::string& path, std::size_t below,
                SchemaDiff& diff) {
  std::vector<CelRule> before = rules_of(from);
  std::vector<CelRule> after = rules_of(to);
  drop_common(before, after, diff);
  const std::set<std::string> fresh = fresh_words(diff, below, path);
  for (const CelRule& rule : after) {
    const auto old =
        std::ranges::find_if(before, [&](const CelRule& b) { return is_rewritten(b, rule); });
    if (old != before.end()) {
      diff.changes.push_back(rewritten(path, *old, rule));
      diff.changes.back().subject = subject_of_rewriting(*old, rule, from, fresh);
      before.erase(old);
      continue;
    }
    Change added =
        rule_change(ChangeKind::Tightened, path, rule, "\"" + rule.display() + "\" added");
    added.subject = subject_of(rule, from, fresh);
    diff.changes.push_back(std::move(added));
  }
  for (const CelRule& rule : before) {
    diff.changes.push_back(
        rule_change(ChangeKind::Loosened, path, rule, "\"" + rule.display() + "\" removed"));
  }
}

}  // namespace gatelift
