// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "reconcilers/convert/pruning.h"

namespace gatelift {
namespace {

struct Row {
  const char* name;
  const char* spec_schema;
  const char* spec;
  std::vector<std::string> pruned;
};

std::vector<std::string> pruned_paths(const Json& schema, Json object) {
  std::vector<std::string> paths;
  for (PrunedField& field : prune(schema, object)) paths.push_back(std::move(field.path));
  EXPECT_TRUE(prune(schema, object).empty()) << "what was pruned is still there";
  return paths;
}

TEST(PrunedPaths, AreWhatTheApiServerWouldRemove) {
  const Row rows[] = {
      {"known fields stay",                                 R"({"properties": {"a": {"type": "string"}}})", R"({"a": "x"})",                                 {}             },
      {"unknown fields go",
       R"({"properties": {"a": {"type": "string"}}})",                                                      R"({"b": "x"})",
       {"spec.b"}                                                                                                                                                           },
      {"only the topmost is named",                         R"({"properties": {}})",                        R"({"b": {"c": 1}})",                            {"spec.b"}     },
      {"an empty object in use is a loss",                  R"({"properties": {}})",                        R"({"b": {}})",                                  {"spec.b"}     },
      {"null is no loss",                                   R"({"properties": {}})",                        R"({"b": null})",                                {}             },
      {"list items, by index",
       R"({"properties": {"l": {"items": {"properties": {"a": {}}}}}})",                                    R"({"l": [{"a": 1}, {"a": 1, "b": {"c": 2}}]})",
       {"spec.l[1].b"}                                                                                                                                                      },
      {"lists of lists",
       R"({"properties": {"l": {"items": {"items": {"properties": {}}}}}})",                                R"({"l": [[{"b": 1}]]})",
       {"spec.l[0][0].b"}                                                                                                                                                   },
      {"maps keep every key",
       R"({"properties": {"m": {"additionalProperties": {"type": "string"}}}})",                            R"({"m": {"x.y/z": "1", "w": "2"}})",
       {}                                                                                                                                                                   },
      {"maps prune below their keys",
       R"({"properties": {"m": {"additionalProperties": {"properties": {"a": {}}}}}})",                     R"({"m": {"x.y/z": {"a": 1, "b": 1}}})",
       {"spec.m[x.y/z].b"}                                                                                                                                                  },
      {"maps of anything",
       R"({"properties": {"m": {"additionalProperties": true}}})",                                          R"({"m": {"x": {"y": 1}}})",
       {}                                                                                                                                                                   },
      {"preserve-unknown keeps unknown fields whole",
       R"({"x-kubernetes-preserve-unknown-fields": true})",                                                 R"({"b": {"c": 1}})",
       {}                                                                                                                                                                   },
      {"preserve-unknown still prunes inside known fields",
       R"({"x-kubernetes-preserve-unknown-fields": true, "properties": {"a": {"properties": {}}}})",        R"({"a": {"c": 1}, "b": 1})",
       {"spec.a.c"}                                                                                                                                                         },
      {"embedded resources keep their own identity",
       R"({"properties": {"r": {"x-kubernetes-embedded-resource": true, "properties": {"spec": {}}}}})",
       R"({"r": {"apiVersion": "v1", "kind": "K", "metadata": {"name": "x"}, "data": 1}})",                                                                  {"spec.r.data"}},
      {"int-or-string has nothing inside",
       R"({"properties": {"p": {"x-kubernetes-int-or-string": true}}})",                                    R"({"p": "80%"})",
       {}                                                                                                                                                                   },
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    const Json schema = {
        {"type",       "object"                                },
        {"properties", {{"spec", Json::parse(row.spec_schema)}}}
    };
    const Json object = {
        {"apiVersion", "g/v1"                                   },
        {"kind",       "K"                                      },
        {"metadata",   {{"name", "x"}, {"labels", {{"l", "1"}}}}},
        {"spec",       Json::parse(row.spec)                    }
    };
    EXPECT_EQ(pruned_paths(schema, object), row.pruned);
  }
}

TEST(PrunedPaths, IncludeFieldsAtTheRoot) {
  const Json object = {
      {"metadata", {{"name", "x"}}},
      {"spec",     {{"a", 1}}     },
      {"extra",    1              }
  };
  EXPECT_EQ(pruned_paths(
                Json{
                    {"properties", {{"status", Json::object()}}}
  },
                object),
            (std::vector<std::string>{"extra", "spec"}));
}

}  // namespace
}  // namespace gatelift
