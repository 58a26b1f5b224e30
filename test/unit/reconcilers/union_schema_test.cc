// SPDX-License-Identifier: Apache-2.0
// The union of schemas, keyword by keyword. That real ones have it is tested in
// test/manifests/union_test.cc.
#include "reconcilers/inplace/union_schema.h"

#include <gtest/gtest.h>

#include "client/yaml.h"

namespace gatelift {
namespace {

Json yaml(const std::string& text) { return parse_yaml(text, "schema").value().front(); }

/// Fails where there is a conflict, or where the union, found again, is another.
Json union_of(const Json& older, const Json& newer) {
  const SchemaUnion both = union_schema(older, newer);
  for (const SchemaConflict& conflict : both.conflicts) ADD_FAILURE() << conflict.display();
  EXPECT_EQ(union_schema(both.schema, newer).schema, both.schema);
  EXPECT_EQ(union_schema(older, older).schema, older);
  return both.schema;
}

void expect_union(const std::string& older, const std::string& newer, const std::string& joint) {
  EXPECT_EQ(union_of(yaml(older), yaml(newer)), yaml(joint)) << older << " and " << newer;
}

TEST(UnionSchema, TakesTheWiderBounds) {
  expect_union("{type: array, maxItems: 8}", "{type: array, maxItems: 16}",
               "{type: array, maxItems: 16}");
  expect_union("{type: array, maxItems: 16}", "{type: array, maxItems: 8}",
               "{type: array, maxItems: 16}");
  expect_union("{type: array, maxItems: 16}", "{type: array}", "{type: array}");
  expect_union("{type: array}", "{type: array, minItems: 1}", "{type: array}");
  expect_union("{type: string, minLength: 3}", "{type: string, minLength: 1}",
               "{type: string, minLength: 1}");
  expect_union("{type: number, maximum: 1}", "{type: number, maximum: 1.5}",
               "{type: number, maximum: 1.5}");
  expect_union("{type: integer, minimum: 0, exclusiveMinimum: true}", "{type: integer, minimum: 0}",
               "{type: integer, minimum: 0}");
  expect_union("{type: integer, minimum: 0, exclusiveMinimum: true}",
               "{type: integer, exclusiveMinimum: true}", "{type: integer}");
}

TEST(UnionSchema, JoinsEnumerationsAndKnowsTheirLengths) {
  expect_union("{type: string, enum: [A, B]}", "{type: string, enum: [C, B]}",
               "{type: string, enum: [A, B, C]}");
  expect_union("{type: string, enum: [A]}", "{type: string}", "{type: string}");
  // What an enumeration says of lengths: "System" has six characters.
  expect_union("{type: string, enum: [System]}", "{type: string, minLength: 1, maxLength: 253}",
               "{type: string, minLength: 1, maxLength: 253}");
  expect_union("{type: string, maxLength: 2}", "{type: string, enum: [System, X]}",
               "{type: string, maxLength: 6}");
  expect_union("{type: string, enum: ['äö', abc]}", "{type: string, minLength: 9}",
               "{type: string, minLength: 2}");
}

TEST(UnionSchema, TakesTheLooserOfEachKeyword) {
  expect_union("{type: string, pattern: ^a}", "{type: string, pattern: ^a}",
               "{type: string, pattern: ^a}");
  expect_union("{type: string, pattern: ^a}", "{type: string, pattern: ^b}", "{type: string}");
  expect_union("{type: integer, format: int32}", "{type: integer, format: int64}",
               "{type: integer}");
  expect_union("{type: string, default: a}", "{type: string, default: a}",
               "{type: string, default: a}");
  expect_union("{type: string, default: a}", "{type: string, default: b}", "{type: string}");
  expect_union("{type: string, default: a}", "{type: string}", "{type: string}");
  expect_union("{type: string, nullable: true}", "{type: string}",
               "{type: string, nullable: true}");
  expect_union("{type: object}", "{type: object, x-kubernetes-preserve-unknown-fields: true}",
               "{type: object, x-kubernetes-preserve-unknown-fields: true}");
  expect_union("{type: object, oneOf: [{required: [a]}]}",
               "{type: object, oneOf: [{required: [a]}]}",
               "{type: object, oneOf: [{required: [a]}]}");
  expect_union("{type: object, not: {required: [a]}}", "{type: object, not: {required: [b]}}",
               "{type: object}");
  expect_union("{type: string, description: old}", "{type: string, description: new}",
               "{type: string, description: new}");
  expect_union("{type: string, description: old}", "{type: string}",
               "{type: string, description: old}");
  expect_union("{type: array}", "{type: array, x-kubernetes-list-type: atomic}",
               "{type: array, x-kubernetes-list-type: atomic}");
  expect_union("{x-kubernetes-int-or-string: true}", "{x-kubernetes-int-or-string: true}",
               "{x-kubernetes-int-or-string: true}");
}

TEST(UnionSchema, KeepsRulesThatBothHave) {
  expect_union("{type: object, x-kubernetes-validations: [{rule: a, message: old}, {rule: b}]}",
               "{type: object, x-kubernetes-validations: [{rule: c}, {rule: a, message: new}]}",
               "{type: object, x-kubernetes-validations: [{rule: a, message: new}]}");
  expect_union("{type: object, x-kubernetes-validations: [{rule: a}]}",
               "{type: object, x-kubernetes-validations: [{rule: a, optionalOldSelf: true}]}",
               "{type: object}");
}

TEST(UnionSchema, HasTheFieldsOfBothAndRequiresWhatBothRequire) {
  expect_union(
      "{type: object, required: [a, b], properties: {a: {type: string}, b: {type: string}}}",
      "{type: object, required: [c, b], properties: {b: {type: string}, c: {type: string}}}",
      "{type: object, required: [b], properties: {a: {type: string}, b: {type: string}, c: {type: "
      "string}}}");
  // Of what only one side has, everything stays.
  expect_union(
      "{type: object, properties: {a: {type: object, required: [x], properties: {x: {type: string, "
      "pattern: ^a}}, x-kubernetes-validations: [{rule: r}]}}}",
      "{type: object, properties: {b: {type: array, minItems: 1, items: {type: string}}}}",
      "{type: object, properties: {a: {type: object, required: [x], properties: {x: {type: string, "
      "pattern: ^a}}, x-kubernetes-validations: [{rule: r}]}, b: {type: array, minItems: 1, items: "
      "{type: string}}}}");
  // An object with the fields of both has more of them.
  expect_union("{type: object, maxProperties: 1, properties: {a: {type: string}}}",
               "{type: object, maxProperties: 1, properties: {b: {type: string}}}",
               "{type: object, properties: {a: {type: string}, b: {type: string}}}");
  expect_union("{type: object, maxProperties: 1, properties: {a: {type: string}}}",
               "{type: object, maxProperties: 2, properties: {a: {type: string}}}",
               "{type: object, maxProperties: 2, properties: {a: {type: string}}}");
  expect_union(
      "{type: object, maxProperties: 1, additionalProperties: {type: string, maxLength: 1}}",
      "{type: object, maxProperties: 2, additionalProperties: {type: string, maxLength: 2}}",
      "{type: object, maxProperties: 2, additionalProperties: {type: string, maxLength: 2}}");
  expect_union("{type: object}", "{type: object, additionalProperties: {type: string}}",
               "{type: object, additionalProperties: {type: string}}");
  // It was never missing where it is required, nor where it has a default.
  expect_union("{type: object, properties: {a: {type: string, default: x}}}",
               "{type: object, required: [a], properties: {a: {type: string}}}",
               "{type: object, properties: {a: {type: string, default: x}}}");
  expect_union("{type: object, required: [a], properties: {a: {type: string}}}",
               "{type: object, properties: {a: {type: string, default: x}}}",
               "{type: object, properties: {a: {type: string, default: x}}}");
}

/// A list map by "k" whose items have these fields.
std::string list_map(const std::string& item) {
  return "{type: array, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [k], items: "
         "{type: object, " +
         item + "}}";
}

TEST(UnionSchema, KeepsWhatMakesSureOfListMapKeys) {
  const Json required = yaml(list_map("required: [k, a], properties: {k: {type: string}}"));
  const Json defaulted = yaml(list_map("properties: {k: {type: string, default: x}}"));
  EXPECT_EQ(union_of(required, yaml(list_map("required: [k], properties: {k: {type: string}}"))),
            yaml(list_map("required: [k], properties: {k: {type: string}}")));
  EXPECT_EQ(union_of(required, defaulted), defaulted);
  EXPECT_EQ(union_of(defaulted, required), defaulted);
  const SchemaUnion two =
      union_schema(defaulted, yaml(list_map("properties: {k: {type: string, default: z}}")));
  ASSERT_EQ(two.conflicts.size(), 1U);
  EXPECT_EQ(two.conflicts[0].display(), "[].k: default \"x\" before, default \"z\" after");
}

/// Of two schemas of the field x.
void expect_conflict(const std::string& older, const std::string& newer,
                     const std::string& conflict) {
  SCOPED_TRACE(older + " and " + newer);
  const auto object_with = [](const std::string& field) {
    return yaml("{type: object, properties: {x: " + field + "}}");
  };
  const SchemaUnion both = union_schema(object_with(older), object_with(newer));
  ASSERT_EQ(both.conflicts.size(), 1U);
  EXPECT_EQ(both.conflicts[0].display(), conflict);
  EXPECT_FALSE(union_schema(object_with(newer), object_with(older)).ok());
}

TEST(UnionSchema, SaysWhereNoSchemaFitsBoth) {
  expect_conflict("{type: string}", "{type: integer}", "x: string before, integer after");
  expect_conflict("{type: integer}", "{x-kubernetes-int-or-string: true}",
                  "x: integer before, integer or string after");
  expect_conflict("{type: string}", "{x-kubernetes-preserve-unknown-fields: true}",
                  "x: string before, any after");
  expect_conflict("{type: object, properties: {a: {type: string}}}",
                  "{type: object, additionalProperties: {type: string}}",
                  "x: object before, map after");
  expect_conflict("{type: object, x-kubernetes-map-type: atomic}", "{type: object}",
                  "x: atomic object before, object after");
  expect_conflict("{type: object, x-kubernetes-embedded-resource: true}", "{type: object}",
                  "x: embedded resource before, object after");
  expect_conflict("{type: array, items: {type: string}}",
                  "{type: array, x-kubernetes-list-type: set, items: {type: string}}",
                  "x: list before, set after");
  expect_conflict("{type: array, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [b, a]}",
                  "{type: array, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [a]}",
                  "x: list by a, b before, list by a after");
  expect_conflict("{type: array, items: {type: object, properties: {b: {type: string}}}}",
                  "{type: array, items: {type: object, properties: {b: {type: boolean}}}}",
                  "x[].b: string before, boolean after");
  expect_conflict("{type: object, additionalProperties: {type: string}}",
                  "{type: object, additionalProperties: {type: array}}",
                  "x{}: string before, list after");
}

TEST(UnionSchema, ListsEveryConflictOnce) {
  const Json text = yaml("{type: object, properties: {a: {type: string}, b: {type: string}}}");
  const Json number = yaml("{type: object, properties: {a: {type: number}, b: {type: number}}}");
  const std::vector<Json> schemas{text, number, number};
  const SchemaUnion all = union_schema(schemas);
  ASSERT_EQ(all.conflicts.size(), 2U);
  EXPECT_EQ(all.conflicts[0].path, "a");
  EXPECT_EQ(all.conflicts[1].path, "b");
}

TEST(UnionSchema, IsOfAnyNumberOfSchemas) {
  const std::vector<Json> schemas{
      yaml("{type: object, required: [a, s], properties: {a: {type: string}, s: {type: string, "
           "maxLength: 1}}}"),
      yaml("{type: object, required: [b, s], properties: {b: {type: string}, s: {type: string, "
           "maxLength: 3}}}"),
      yaml("{type: object, required: [c, s], properties: {c: {type: string}, s: {type: string, "
           "maxLength: 2}}}")};
  EXPECT_EQ(union_schema(schemas).schema,
            yaml("{type: object, required: [s], properties: {a: {type: string}, b: {type: "
                 "string}, c: {type: string}, s: {type: string, maxLength: 3}}}"));
  EXPECT_EQ(union_schema(std::span(schemas).first(1)).schema, schemas[0]);
}

}  // namespace
}  // namespace gatelift
