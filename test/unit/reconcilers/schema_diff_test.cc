// SPDX-License-Identifier: Apache-2.0
// Each keyword of a schema: in which direction a change of it goes, and which changes are none.
#include "reconcilers/bundle/schema_diff.h"

#include <gtest/gtest.h>

#include "client/yaml.h"
#include "reconcilers/bundle/cel_diff.h"
#include "test/support/builders.h"

namespace gatelift {
namespace {

Json yaml(const std::string& text) { return parse_yaml(text, "schema").value().front(); }

/// "Tightened maxItems spec.list: 8 -> 4", one line per change.
std::string lines(const SchemaDiff& diff) {
  std::string text;
  for (const Change& change : diff.changes) {
    text += std::string(to_string(change.kind)) + " " + change.keyword +
            (change.keyword.empty() ? "" : " ") + change.path + ": " + change.detail + "\n";
  }
  return text;
}

/// The difference of two schemas of spec.x.
SchemaDiff diff_of(const std::string& from, const std::string& to) {
  return diff_schemas(schema_with_spec({
                          {"x", yaml(from)}
  }),
                      schema_with_spec({{"x", yaml(to)}}));
}

/// `change` is what lines() says of the two schemas of spec.x, "" where nothing changed.
void expect_change(const std::string& from, const std::string& to, const std::string& change) {
  SCOPED_TRACE(from + "  =>  " + to);
  EXPECT_EQ(lines(diff_of(from, to)), change.empty() ? "" : change + "\n");
}

TEST(SchemaDiff, TellsTighterFromLooserBounds) {
  expect_change("{type: array, maxItems: 8}", "{type: array, maxItems: 4}",
                "Tightened maxItems spec.x: 8 -> 4");
  expect_change("{type: array, maxItems: 8}", "{type: array, maxItems: 64}",
                "Loosened maxItems spec.x: 8 -> 64");
  expect_change("{type: array}", "{type: array, minItems: 1}",
                "Tightened minItems spec.x: none -> 1");
  expect_change("{type: string, minLength: 1}", "{type: string}",
                "Loosened minLength spec.x: 1 -> none");
  expect_change("{type: integer, minimum: 1}", "{type: integer, minimum: 0}",
                "Loosened minimum spec.x: 1 -> 0");
  expect_change("{type: integer}", "{type: integer, maximum: 65535}",
                "Tightened maximum spec.x: none -> 65535");
  expect_change("{type: object, maxProperties: 8}", "{type: object, maxProperties: 16}",
                "Loosened maxProperties spec.x: 8 -> 16");
  expect_change("{type: array}", "{type: array, minItems: 0}", "");
}

TEST(SchemaDiff, ListsWhatEnumerationsLostAndGained) {
  expect_change("{type: string, enum: [A, B]}", "{type: string, enum: [A, B, C]}",
                "Loosened enum spec.x: also \"C\"");
  expect_change("{type: string, enum: [A, B]}", "{type: string, enum: [A, C]}",
                "Tightened enum spec.x: without \"B\"\nLoosened enum spec.x: also \"C\"");
  expect_change("{type: string}", "{type: string, enum: [A]}",
                "Tightened enum spec.x: none -> [\"A\"]");
  expect_change("{type: string, enum: [A, B]}", "{type: string, enum: [B, A]}", "");
}

TEST(SchemaDiff, KnowsThatAnEnumerationImpliedTheLengthThatReplacesIt) {
  EXPECT_EQ(lines(diff_of("{type: string, enum: [System]}", "{type: string, maxLength: 253}")),
            "Loosened maxLength spec.x: none -> 253\nLoosened enum spec.x: [\"System\"] -> none\n");
  EXPECT_EQ(lines(diff_of("{type: string, enum: [System]}", "{type: string, maxLength: 5}")),
            "Tightened maxLength spec.x: none -> 5\nLoosened enum spec.x: [\"System\"] -> none\n");
  EXPECT_EQ(
      lines(diff_of("{type: string, enum: [System]}", "{type: string, pattern: ^S}")),
      "Loosened enum spec.x: [\"System\"] -> none\nRevalidated pattern spec.x: none -> \"^S\"\n")
      << "whether the pattern takes every value is not decided";
}

TEST(SchemaDiff, DoesNotGuessTheDirectionOfAnotherPattern) {
  expect_change("{type: string}", "{type: string, pattern: ^a}",
                "Tightened pattern spec.x: none -> \"^a\"");
  expect_change("{type: string, pattern: ^a}", "{type: string}",
                "Loosened pattern spec.x: \"^a\" -> none");
  expect_change("{type: string, pattern: ^a}", "{type: string, pattern: ^b}",
                "Revalidated pattern spec.x: \"^a\" -> \"^b\"");
  expect_change("{type: integer, format: int64}", "{type: integer, format: int32}",
                "Revalidated format spec.x: \"int64\" -> \"int32\"");
  expect_change("{type: string}", "{type: string, x-unheard-of: 1}",
                "Revalidated x-unheard-of spec.x: none -> 1");
}

TEST(SchemaDiff, KnowsWhatListsAreWhereTheyDoNotSay) {
  const std::string keyed =
      "{type: array, x-kubernetes-list-type: map, "
      "x-kubernetes-list-map-keys: [name]}";
  expect_change("{type: array}", "{type: array, x-kubernetes-list-type: atomic}", "");
  expect_change("{type: array}", keyed, "Tightened x-kubernetes-list-type spec.x: atomic -> map");
  expect_change(keyed, "{type: array}", "Loosened x-kubernetes-list-type spec.x: map -> atomic");
  expect_change(
      keyed, "{type: array, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [name, port]}",
      "Revalidated x-kubernetes-list-map-keys spec.x: [\"name\"] -> [\"name\",\"port\"]");
}

TEST(SchemaDiff, NamesTheFieldThatBecameRequired) {
  expect_change("{type: object, properties: {a: {type: string}}}",
                "{type: object, properties: {a: {type: string}}, required: [a]}",
                "Tightened required spec.x.a: optional -> required");
  expect_change("{type: object, properties: {a: {type: string}}, required: [a]}",
                "{type: object, properties: {a: {type: string}}}",
                "Loosened required spec.x.a: required -> optional");
  expect_change("{type: object, properties: {a: {type: string, default: z}}}",
                "{type: object, properties: {a: {type: string, default: z}}, required: [a]}", "");
  expect_change("{type: object}", "{type: object, properties: {a: {type: string}}, required: [a]}",
                "FieldAdded spec.x.a: string\nTightened required spec.x.a: optional -> required");
}

TEST(SchemaDiff, FindsFieldsInListsAndMapsOnceEach) {
  const auto list_of = [](const std::string& fields) {
    return "{type: array, items: {type: object, properties: {" + fields + "}}}";
  };
  const std::string a = list_of("a: {type: string}");
  const std::string ab =
      list_of("a: {type: string}, b: {type: object, properties: {c: {type: string}}}");
  const std::string a_int = list_of("a: {type: integer, minimum: 3}");
  expect_change(a, ab, "FieldAdded spec.x[].b: object");
  expect_change(ab, a, "FieldRemoved spec.x[].b: object");
  expect_change(a, a_int, "FieldRetyped spec.x[].a: string -> integer");
  expect_change("{type: object, additionalProperties: {type: string, maxLength: 9}}",
                "{type: object, additionalProperties: {type: string, maxLength: 8}}",
                "Tightened maxLength spec.x{}: 9 -> 8");
  expect_change("{type: string, default: a}", "{type: string, default: b}",
                "DefaultChanged spec.x: \"a\" -> \"b\"");
  expect_change("{type: object}", "{type: object, x-kubernetes-map-type: atomic}",
                "MergeChanged x-kubernetes-map-type spec.x: none -> \"atomic\"");
}

TEST(SchemaDiff, CountsDocumentationAndDoesNotListIt) {
  const SchemaDiff diff = diff_of("{type: string, description: old}", "{type: string, title: new}");
  EXPECT_EQ(lines(diff), "");
  EXPECT_EQ(diff.documentation, 2U);
}

/// Rules of spec.x, a list of objects with field a, and of which others are added.
SchemaDiff rules(const std::string& from, const std::string& to, const std::string& added = "") {
  const auto schema = [](const std::string& rules_text, const std::string& fields) {
    return "{type: array, items: {type: object, properties: {a: {type: string}" + fields +
           "}}, x-kubernetes-validations: [" + rules_text + "]}";
  };
  return diff_of(schema(from, ""), schema(to, added));
}

RuleSubject subject_of_added(const std::string& rule, const std::string& added = "") {
  const SchemaDiff diff = rules("", "{rule: \"" + rule + "\"}", added);
  return diff.changes.front().keyword == "rule" ? diff.changes.front().subject
                                                : diff.changes.back().subject;
}

TEST(RuleDiff, ARuleThatCameIsTighterAndOneThatWentLooser) {
  EXPECT_EQ(lines(rules("", "{rule: self.size() <= 1, message: one at most}")),
            "Tightened rule spec.x: \"one at most\" added\n");
  EXPECT_EQ(lines(rules("{rule: self.size() <= 1}", "")),
            "Loosened rule spec.x: \"self.size() <= 1\" removed\n");
  EXPECT_EQ(lines(rules("{rule: r, message: m}, {rule: r, message: m}", "{rule: r, message: m}")),
            "")
      << "the same rule twice is one rule";
  const SchemaDiff reworded = rules("{rule: r, message: m}", "{rule: r, message: n}");
  EXPECT_EQ(lines(reworded), "");
  EXPECT_EQ(reworded.documentation, 1U);
}

TEST(RuleDiff, ARewrittenRuleIsOneChangeOfUnknownDirection) {
  const std::string old = "{rule: \"self.all(l, l.a == 'x' ? has(l.b) : true)\", message: m}";
  const std::string same_message = "{rule: \"self.exists(l, has(l.c))\", message: m}";
  EXPECT_EQ(lines(rules(old, same_message)),
            "Revalidated rule spec.x: \"m\" rewritten: self.all(l, l.a == 'x' ? has(l.b) : true)"
            " -> self.exists(l, has(l.c))\n");
  const std::string nearly =
      "{rule: \"self.all(l, l.a == 'x' ? has(l.b) || has(l.c) : true)\", message: n}";
  EXPECT_EQ(rules(old, nearly).changes.size(), 1U);
  EXPECT_EQ(rules(old, nearly).changes.front().kind, ChangeKind::Revalidated);
  const std::string other = "{rule: \"self.all(l, l.port < 3)\", message: n}";
  EXPECT_EQ(rules(old, other).changes.size(), 2U) << "one added, one removed";
}

TEST(RuleDiff, AnAlternativeInFrontIsLooserUnlessItGoesIntoAQuestion) {
  const auto kind = [](const std::string& from, const std::string& to) {
    return rules("{rule: \"" + from + "\", message: m}", "{rule: \"" + to + "\", message: m}")
        .changes.front()
        .kind;
  };
  EXPECT_EQ(kind("!has(self.a)", "!has(self.b) || !has(self.a)"), ChangeKind::Loosened);
  EXPECT_EQ(kind("self.a ? self.b : self.c", "self.d || self.a ? self.b : self.c"),
            ChangeKind::Revalidated);
}

TEST(RuleDiff, KnowsWhetherARuleSpeaksOfNewFields) {
  const std::string cors = ", cors: {type: object}";
  EXPECT_EQ(subject_of_added("self.all(f, f.a == 'x')"), RuleSubject::Existing);
  EXPECT_EQ(subject_of_added("self.all(f, f.a == 'x')", cors), RuleSubject::Existing);
  EXPECT_EQ(subject_of_added("self.all(f, has(f.cors))", cors), RuleSubject::OnlyNew);
  EXPECT_EQ(subject_of_added("self.all(f, has(f.cors) || f.a == 'x')", cors),
            RuleSubject::PartlyNew);
  EXPECT_EQ(subject_of_added("self[0].a.size() + self[1].a.size() <= 128"), RuleSubject::Totals);
}

TEST(RuleDiff, AValueThatAnEnumerationGainedIsNewToo) {
  const auto schema = [](const std::string& values, const std::string& rule) {
    return "{type: array, items: {type: object, properties: {a: {type: string, enum: [" + values +
           "]}}}" + rule + "}";
  };
  const SchemaDiff diff =
      diff_of(schema("A", ""), schema("A, CORS",
                                      ", x-kubernetes-validations: [{rule: \"self.filter(f, f.a == "
                                      "'CORS').size() <= 1\"}]"));
  ASSERT_EQ(diff.changes.size(), 2U) << lines(diff);
  EXPECT_EQ(diff.changes.front().subject, RuleSubject::PartlyNew);
}

TEST(CelTokens, KeepQuotedTextsWhole) {
  const auto tokens = cel_tokens("self.matches(r\"\"\"^a\"b$\"\"\") && f != 'it\\'s'");
  const std::vector<std::string_view> wanted = {
      "self", ".", "matches", "(", "r\"\"\"^a\"b$\"\"\"", ")", "&", "&", "f", "!", "=", "'it\\'s'"};
  EXPECT_EQ(tokens, wanted);
  EXPECT_EQ(cel_tokens("'open").size(), 1U) << "ends with the text";
}

TEST(SchemaPaths, NameFieldsElementsAndValues) {
  const Json schema = yaml(
      "{type: object, properties: {a: {type: array, items: {type: object, properties: {b: {type: "
      "string}}}}, m: {type: object, additionalProperties: {type: string}}}}");
  EXPECT_EQ(schema_paths(schema), (std::vector<std::string>{"a", "a[]", "a[].b", "m", "m{}"}));
}

}  // namespace
}  // namespace gatelift
