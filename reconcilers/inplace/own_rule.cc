// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/inplace/own_rule.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gatelift {
namespace {

constexpr const char* kRules = "x-kubernetes-validations";

/// What our rule is known by when a bridge is found.
constexpr std::string_view kMessage =
    "objects of this kind are being moved to another version: spec needs ";
constexpr std::string_view kOr = " || ";
constexpr std::string_view kOrInWords = ", or ";

/// What one of the versions requires: "(has(self.a) && has(self.b))", "a and b".
struct Alternative {
  std::string rule;
  std::string words;
  bool operator==(const Alternative&) const = default;
};

bool is_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '.' || c == '-' ||
         c == '/';
}

bool is_reserved(std::string_view name) {
  constexpr std::array<std::string_view, 21> kReserved{
      "true",     "false",   "null",      "in",       "as",  "break",  "const",
      "continue", "else",    "for",       "function", "if",  "import", "let",
      "loop",     "package", "namespace", "return",   "var", "void",   "while"};
  return std::ranges::find(kReserved, name) != kReserved.end();
}

/// The name of a field in CEL, escaped as KEP-2876 says; nullopt where it cannot be named.
std::optional<std::string> cel_name(std::string_view field) {
  const bool is_nameable =
      !field.empty() && is_start(field.front()) &&
      std::ranges::all_of(field, [](char c) { return is_start(c) || (c >= '0' && c <= '9'); });
  if (!is_nameable) return std::nullopt;
  if (is_reserved(field)) return "__" + std::string(field) + "__";
  constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kEscapes{
      {{"__", "__underscores__"}, {".", "__dot__"}, {"-", "__dash__"}, {"/", "__slash__"}}
  };
  std::string name;
  while (!field.empty()) {
    const auto escape = std::ranges::find_if(
        kEscapes, [&](const auto& each) { return field.starts_with(each.first); });
    const std::size_t length = escape == kEscapes.end() ? 1 : escape->first.size();
    name += escape == kEscapes.end() ? field.substr(0, 1) : escape->second;
    field.remove_prefix(length);
  }
  return name;
}

std::vector<std::string> split(std::string_view text, std::string_view mark) {
  std::vector<std::string> parts;
  std::size_t at = text.find(mark);
  for (; at != std::string_view::npos; at = text.find(mark)) {
    parts.emplace_back(text.substr(0, at));
    text.remove_prefix(at + mark.size());
  }
  parts.emplace_back(text);
  return parts;
}

/// Of a side that is a bridge already.
std::vector<Alternative> alternatives_of_bridge(const Json& spec) {
  for (const Json& rule : array_at(spec, kRules)) {
    const std::string message = string_at(rule, "message");
    if (!message.starts_with(kMessage)) continue;
    const auto rules = split(string_at(rule, "rule"), kOr);
    const auto words = split(std::string_view(message).substr(kMessage.size()), kOrInWords);
    std::vector<Alternative> found;
    for (std::size_t i = 0; i < std::min(rules.size(), words.size()); ++i) {
      found.push_back({rules[i], words[i]});
    }
    return found;
  }
  return {};
}

/// nullopt where the side requires nothing that the union does not, or CEL cannot say it.
std::optional<Alternative> alternative_of(const Json& spec, const Json& joint_spec) {
  Alternative all;
  for (const Json& field : array_at(spec, "required")) {
    const auto& name = field.get_ref<const std::string&>();
    const Json& common = array_at(joint_spec, "required");
    const bool is_never_missing = find(spec, "properties", name, "default") != nullptr;
    if (is_never_missing || std::ranges::find(common, field) != common.end()) continue;
    const Json* schema = find(joint_spec, "properties", name);
    const std::optional<std::string> in_cel = cel_name(name);
    // Without a type there is nothing that CEL knows.
    if (schema == nullptr || !schema->contains("type") || !in_cel) return std::nullopt;
    all.rule += (all.rule.empty() ? "has(self." : " && has(self.") + *in_cel + ")";
    all.words += (all.words.empty() ? "" : " and ") + name;
  }
  if (all.rule.empty()) return std::nullopt;
  all.rule = "(" + all.rule + ")";
  return all;
}

}  // namespace

void add_own_rule(Json& joint, std::span<const Json> sides) {
  const Json* joint_spec = find(joint, "properties", "spec");
  std::vector<Alternative> any;
  for (const Json& side : sides) {
    const Json* spec = find(side, "properties", "spec");
    if (spec == nullptr || joint_spec == nullptr) return;
    std::vector<Alternative> its = alternatives_of_bridge(*spec);
    if (its.empty()) {
      std::optional<Alternative> one = alternative_of(*spec, *joint_spec);
      if (!one) return;
      its.push_back(*std::move(one));
    }
    for (Alternative& each : its) {
      if (std::ranges::find(any, each) == any.end()) any.push_back(std::move(each));
    }
  }
  std::string rule;
  std::string message(kMessage);
  for (const Alternative& each : any) {
    if (!rule.empty()) rule += kOr;
    if (!rule.empty() && message.size() > kMessage.size()) message += kOrInWords;
    rule += each.rule;
    message += each.words;
  }
  joint["properties"]["spec"][kRules].push_back({
      {"rule",    std::move(rule)   },
      {"message", std::move(message)}
  });
}

}  // namespace gatelift
