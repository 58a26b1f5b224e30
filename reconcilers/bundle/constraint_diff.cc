// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/bundle/constraint_diff.h"

#include <algorithm>
#include <set>

#include "reconcilers/bundle/schema_keywords.h"

namespace gatelift {
namespace {

/// Compared elsewhere: by the walk over fields, and one by one below.
const std::set<std::string_view> kApart{"type",
                                        "properties",
                                        "items",
                                        "additionalProperties",
                                        "required",
                                        "default",
                                        "enum",
                                        "nullable",
                                        "x-kubernetes-validations",
                                        "x-kubernetes-list-type",
                                        "x-kubernetes-list-map-keys",
                                        "x-kubernetes-map-type"};

/// Whatever they say, they only ever refuse.
const std::set<std::string_view> kRestrictions{"pattern", "format", "oneOf",      "anyOf",
                                               "allOf",   "not",    "multipleOf", "uniqueItems"};

const Json* at(const Json& schema, std::string_view keyword) { return find(schema, keyword); }

bool same(const Json* a, const Json* b) { return a == nullptr || b == nullptr ? a == b : *a == *b; }

std::string change_text(const Json* from, const Json* to) {
  return value_text(from) + " -> " + value_text(to);
}

void add(SchemaDiff& diff, ChangeKind kind, const std::string& path, std::string_view keyword,
         std::string detail) {
  Change change;
  change.kind = kind;
  change.path = path;
  change.keyword = keyword;
  change.detail = std::move(detail);
  diff.changes.push_back(std::move(change));
}

/// True where an enumeration made sure of a bound on length that took its place.
bool held_by_enumeration(const Json& from, const Bound& bound, const Json& limit) {
  const Json& values = array_at(from, "enum");
  if (values.empty() || !limit.is_number_integer()) return false;
  const auto wanted = limit.get<std::int64_t>();
  return std::ranges::all_of(values, [&](const Json& value) {
    const auto* text = value.get_ptr<const std::string*>();
    if (text == nullptr) return false;
    if (bound.keyword == "minLength") return length_of(*text) >= wanted;
    return bound.keyword == "maxLength" && length_of(*text) <= wanted;
  });
}

void diff_bound(const Bound& bound, const Json& from, const Json& to, const std::string& path,
                SchemaDiff& diff) {
  static const Json zero = 0;
  const Json* before = at(from, bound.keyword);
  const Json* after = at(to, bound.keyword);
  const Json* before_limit = before == nullptr && bound.at_least_zero ? &zero : before;
  const Json* after_limit = after == nullptr && bound.at_least_zero ? &zero : after;
  if (same(before_limit, after_limit)) return;
  bool tighter = false;
  if (before_limit == nullptr || after_limit == nullptr) {
    tighter = before_limit == nullptr;
  } else {
    tighter = (*before_limit < *after_limit) == (bound.limit == Limit::Least);
  }
  if (tighter && held_by_enumeration(from, bound, *after_limit)) {
    if (at(to, "enum") != nullptr) {
      ++diff.documentation;
      return;
    }
    tighter = false;
  }
  add(diff, tighter ? ChangeKind::Tightened : ChangeKind::Loosened, path, bound.keyword,
      change_text(before, after));
}

/// What `all` has and `others` has not.
std::vector<Json> without(const Json& all, const Json& others) {
  std::vector<Json> rest;
  for (const Json& value : all) {
    if (std::ranges::find(others, value) == others.end()) rest.push_back(value);
  }
  return rest;
}

std::string list_text(const std::vector<Json>& values) {
  std::string text;
  for (const Json& value : values) text += (text.empty() ? "" : ", ") + value_text(&value);
  return text;
}

void diff_enum(const Json& from, const Json& to, const std::string& path, SchemaDiff& diff) {
  const Json* before = at(from, "enum");
  const Json* after = at(to, "enum");
  if (same(before, after)) return;
  if (before == nullptr || after == nullptr) {
    add(diff, before == nullptr ? ChangeKind::Tightened : ChangeKind::Loosened, path, "enum",
        change_text(before, after));
    return;
  }
  const auto lost = without(*before, *after);
  const auto gained = without(*after, *before);
  if (!lost.empty()) add(diff, ChangeKind::Tightened, path, "enum", "without " + list_text(lost));
  if (!gained.empty()) add(diff, ChangeKind::Loosened, path, "enum", "also " + list_text(gained));
  if (lost.empty() && gained.empty()) ++diff.documentation;  // another order
  for (const Json& value : gained) {
    if (value.is_string()) diff.new_values.push_back({path, "'" + value.get<std::string>() + "'"});
  }
}

void diff_list_type(const Json& from, const Json& to, const std::string& path, SchemaDiff& diff) {
  constexpr std::string_view kKeyword = "x-kubernetes-list-type";
  constexpr std::string_view kKeys = "x-kubernetes-list-map-keys";
  const std::string before = list_type(from);
  const std::string after = list_type(to);
  if (before == after) {
    if (!same(at(from, kKeyword), at(to, kKeyword))) ++diff.documentation;
    if (!same(at(from, kKeys), at(to, kKeys))) {
      add(diff, ChangeKind::Revalidated, path, kKeys, change_text(at(from, kKeys), at(to, kKeys)));
    }
    return;
  }
  ChangeKind kind = ChangeKind::Revalidated;  // between set and map
  if (before == "atomic") kind = ChangeKind::Tightened;
  if (after == "atomic") kind = ChangeKind::Loosened;
  add(diff, kind, path, kKeyword, before + " -> " + after);
}

void diff_nullable(const Json& from, const Json& to, const std::string& path, SchemaDiff& diff) {
  const bool before = bool_at(from, false, "nullable");
  const bool after = bool_at(to, false, "nullable");
  if (before == after) return;
  add(diff, before ? ChangeKind::Tightened : ChangeKind::Loosened, path, "nullable",
      before ? "true -> false" : "false -> true");
}

ChangeKind kind_of_other(std::string_view keyword, const Json& from, const Json& to) {
  if (!kRestrictions.contains(keyword)) return ChangeKind::Revalidated;
  if (at(to, keyword) == nullptr) return ChangeKind::Loosened;
  const bool restricted_before = at(from, keyword) != nullptr || at(from, "enum") != nullptr;
  return restricted_before ? ChangeKind::Revalidated : ChangeKind::Tightened;
}

void diff_others(const Json& from, const Json& to, const std::string& path, SchemaDiff& diff) {
  std::set<std::string> keywords;
  for (const Json* schema : {&from, &to}) {
    for (const auto& [keyword, value] : schema->items()) keywords.insert(keyword);
  }
  for (const std::string& keyword : keywords) {
    if (kApart.contains(keyword) || bound_of(keyword) != nullptr) continue;
    const Json* before = at(from, keyword);
    const Json* after = at(to, keyword);
    if (same(before, after)) continue;
    if (is_documentation(keyword)) {
      ++diff.documentation;
    } else {
      add(diff, kind_of_other(keyword, from, to), path, keyword, change_text(before, after));
    }
  }
}

bool is_in(const Json& list, const std::string& name) {
  return std::ranges::find(list, Json(name)) != list.end();
}

}  // namespace

std::string value_text(const Json* value) { return value == nullptr ? "none" : print_json(*value); }

void diff_constraints(const Json& from, const Json& to, const std::string& path, SchemaDiff& diff) {
  for (const Bound& bound : kBounds) diff_bound(bound, from, to, path, diff);
  diff_enum(from, to, path, diff);
  diff_nullable(from, to, path, diff);
  diff_others(from, to, path, diff);
  if (string_at(to, "type") == "array") diff_list_type(from, to, path, diff);
  const Json* before = at(from, "default");
  const Json* after = at(to, "default");
  if (!same(before, after)) {
    add(diff, ChangeKind::DefaultChanged, path, "", change_text(before, after));
  }
  before = at(from, "x-kubernetes-map-type");
  after = at(to, "x-kubernetes-map-type");
  if (!same(before, after)) {
    add(diff, ChangeKind::MergeChanged, path, "x-kubernetes-map-type", change_text(before, after));
  }
}

void diff_required(const Json& from, const Json& to, const std::string& path, SchemaDiff& diff) {
  static const Json nothing = Json::object();
  const Json* found = find(to, "properties");
  for (const auto& [name, schema] : (found == nullptr ? nothing : *found).items()) {
    const bool was_required = is_in(array_at(from, "required"), name);
    const bool is_required = is_in(array_at(to, "required"), name);
    if (was_required == is_required) continue;
    // Defaults are filled in before validation.
    const bool is_never_missing = is_required
                                      ? find(schema, "default") != nullptr
                                      : find(from, "properties", name, "default") != nullptr;
    if (is_never_missing) {
      ++diff.documentation;
    } else {
      add(diff, is_required ? ChangeKind::Tightened : ChangeKind::Loosened,
          path.empty() ? name : path + "." + name, "required",
          is_required ? "optional -> required" : "required -> optional");
    }
  }
}

}  // namespace gatelift
