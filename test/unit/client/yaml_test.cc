// SPDX-License-Identifier: Apache-2.0
#include "client/yaml.h"

#include <gtest/gtest.h>

#include <random>

namespace gatelift {
namespace {

Json one(std::string_view text) {
  auto documents = parse_yaml(text, "test.yaml");
  if (!documents || documents->size() != 1) {
    ADD_FAILURE() << text << ": "
                  << (documents ? std::to_string(documents->size()) + " documents"
                                : documents.error().message);
    return nullptr;
  }
  return documents->front();
}

std::string error_of(std::string_view text) {
  const auto documents = parse_yaml(text, "test.yaml");
  if (documents) return "no error";
  EXPECT_TRUE(documents.error().is(ErrorKind::Invalid));
  return documents.error().message;
}

TEST(Yaml, ResolvesPlainScalarsAsKubectlDoes) {
  struct Row {
    const char* text;
    const char* json;
  };
  for (const Row& row : std::initializer_list<Row>{
           {"yes",                   "true"                  },
           {"Off",                   "false"                 },
           {"y",                     "true"                  },
           {"~",                     "null"                  },
           {"nUll",                  "\"nUll\""              },
           {"017",                   "15"                    },
           {"08",                    "8"                     },
           {"0x1F",                  "31"                    },
           {"-0b11",                 "-3"                    },
           {"0o17",                  "15"                    },
           {"1_000",                 "1000"                  },
           {"_1",                    "\"_1\""                },
           {"+5",                    "5"                     },
           {"1.5",                   "1.5"                   },
           {"1.0",                   "1"                     },
           {"1e3",                   "1000"                  },
           {".5",                    "0.5"                   },
           {"1e400",                 "\"1e400\""             },
           {"1.2.3",                 "\"1.2.3\""             },
           {"v1",                    "\"v1\""                },
           {"12:30:45",              "\"12:30:45\""          },
           {"2001-01-01",            "\"2001-01-01\""        },
           {"-",                     "[null]"                },
           {"--",                    "\"--\""                },
           {"9223372036854775807",   "9223372036854775807"   },
           {"-9223372036854775808",  "-9223372036854775808"  },
           {"18446744073709551615",  "18446744073709551615"  },
           {"184467440737095516150", "1.8446744073709552e+20"},
  }) {
    const Json json = one("- " + std::string(row.text) + "\n").at(0);
    EXPECT_EQ(json, *parse_json(row.json)) << row.text << " gave " << json.dump();
    EXPECT_EQ(json.is_number_float(), parse_json(row.json)->is_number_float()) << row.text;
  }
}

TEST(Yaml, LeavesQuotedScalarsAsText) {
  EXPECT_EQ(one("a: 'true'\nb: \"12\"\nc: !!str 5\nd: |\n  on\n"),
            *parse_json(R"({"a":"true","b":"12","c":"5","d":"on\n"})"));
}

TEST(Yaml, TurnsKeysIntoStringsAsKubectlDoes) {
  EXPECT_EQ(one("1: a\non: b\n1.5: c\n'y': d\n"),
            *parse_json(R"({"1":"a","true":"b","1.5":"c","y":"d"})"));
}

TEST(Yaml, ReadsSeveralDocumentsAndLeavesEmptyOnesOut) {
  const auto documents = parse_yaml(
      "\xEF\xBB\xBF# licence\n---\na: 1\n---\n# nothing\n---\n---\r\nb: 2\r\n...\n", "x");
  ASSERT_TRUE(documents) << documents.error().message;
  ASSERT_EQ(documents->size(), 2U);
  EXPECT_EQ(documents->at(1), *parse_json(R"({"b":2})"));
  EXPECT_TRUE(parse_yaml("", "x")->empty());
  EXPECT_TRUE(parse_yaml("# only a comment\n", "x")->empty());
}

TEST(Yaml, ReadsJsonWithTabsAndSurrogatePairs) {
  EXPECT_EQ(one("{\n\t\"a\": [1, \"x\\/y\"],\n\t\"b\": {}\n}\n"),
            *parse_json(R"({"a":[1,"x/y"],"b":{}})"));
  EXPECT_EQ(one(R"({"a": "\ud83d\ude00"})"), *parse_json(R"({"a": "😀"})"));
}

TEST(Yaml, NamesSourceLineAndColumnOfAProblem) {
  EXPECT_EQ(error_of("a: 1\nb:\n  c: 2\n  c: 3\n"), "test.yaml:4:3: duplicate key \"c\"");
  EXPECT_EQ(error_of("a: 1\n b: 2\n").substr(0, 14), "test.yaml:2:3:");
}

TEST(Yaml, RefusesWhatWouldSilentlyMeanSomethingElse) {
  struct Row {
    const char* name;
    std::string text;
    const char* message;
  };
  const Row rows[] = {
      {"duplicate after resolution",      "on: 1\n'true': 2\n",                 "duplicate key"       },
      {"merge key",                       "a: &x {b: 1}\nc:\n  <<: *x\n",       "merge keys"          },
      {"cyclic alias",                    "a: &x [*x]\n",                       "inside what it names"},
      {"custom tag",                      "a: !vault secret\n",                 "tag"                 },
      {"binary",                          "a: !!binary aGk=\n",                 "tag"                 },
      {"custom tag on a map",             "a: !thing {b: 1}\n",                 "tag"                 },
      {"template",                        "a: {{ .Values.x }}\n",               "template"            },
      {"second document by accident",     "- a\nb: c\n",                        "must begin with ---" },
      {"unfinished single quote",         "a: 'x\nb: 1\n",                      "unfinished quote"    },
      {"unfinished double quote",         "a: !!str \"x\\\"\n",                 "unfinished quote"    },
      {"not a number",                    "a: .nan\n",                          "no form in JSON"     },
      {"infinite",                        "a: -.inf\n",                         "no form in JSON"     },
      {"null key",                        "~: 1\n",                             "key must be a scalar"},
      {"byte that ends yaml-cpp's input", std::string("a: 1\nb: \x04\nc: 3\n"), "neither text"        },
      {"not UTF-8",                       "a: \xff\n",                          "neither text"        },
  };
  for (const Row& row : rows) {
    EXPECT_NE(error_of(row.text).find(row.message), std::string::npos)
        << row.name << ": " << error_of(row.text);
  }
}

TEST(Yaml, TakesTheseForWhatTheyAre) {
  EXPECT_EQ(one("a: 'it''s'\n"), *parse_json(R"({"a":"it's"})"));
  EXPECT_EQ(one("a: &x {b: 1}\nc: *x\n"), *parse_json(R"({"a":{"b":1},"c":{"b":1}})"));
  EXPECT_EQ(one("'<<': 1\n"), *parse_json(R"({"<<":1})"));
  EXPECT_EQ(one("a: !!map {b: !!seq [!!int 5, !!bool yes]}\n"),
            *parse_json(R"({"a":{"b":[5,true]}})"));
}

TEST(Yaml, BoundsWhatAliasesExpandTo) {
  std::string laughs = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string previous = "*a" + std::to_string(i - 1);
    laughs += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int k = 0; k < 10; ++k) laughs += previous + ",";
    laughs += "]\n";
  }
  EXPECT_NE(error_of(laughs).find("too many nodes"), std::string::npos);

  std::string copies = "a: &a " + std::string(1000000, 'x') + "\nb:\n";
  for (int i = 0; i < 1000; ++i) copies += "- *a\n";
  EXPECT_NE(error_of(copies).find("too many nodes"), std::string::npos);
}

TEST(Yaml, BoundsTheDepthAlsoThroughAliases) {
  EXPECT_TRUE(parse_yaml(std::string(100, '[') + std::string(100, ']'), "x"));
  EXPECT_NE(error_of(std::string(101, '[') + std::string(101, ']')).find("deep"),
            std::string::npos);
  std::string chain = "a0: &a0 [x]\n";
  for (int i = 1; i < 150; ++i) {
    chain += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [*a" + std::to_string(i - 1) +
             "]\n";
  }
  EXPECT_NE(error_of(chain).find("deep"), std::string::npos);
  EXPECT_NE(error_of(std::string(100000, '[')), "no error");
}

TEST(PrintYaml, PutsTheTypeFirstAndSortsTheRest) {
  const Json json = *parse_json(R"({
    "status": {"b": 1, "a": []}, "data": {}, "spec": {"list": [{"z": 1, "a": [1, [2]]}, "x"]},
    "metadata": {"name": "web"}, "kind": "K", "apiVersion": "v1"})");
  EXPECT_EQ(print_yaml(json),
            "apiVersion: v1\n"
            "kind: K\n"
            "metadata:\n"
            "  name: web\n"
            "spec:\n"
            "  list:\n"
            "  - a:\n"
            "    - 1\n"
            "    - - 2\n"
            "    z: 1\n"
            "  - x\n"
            "status:\n"
            "  a: []\n"
            "  b: 1\n"
            "data: {}\n");
}

TEST(PrintYaml, QuotesExactlyWhatWouldBeReadAsSomethingElse) {
  struct Row {
    const char* text;
    const char* printed;
  };
  for (const Row& row : std::initializer_list<Row>{
           {"plain text, with [brackets] #1", "\"plain text, with [brackets] #1\""},
           {"plain text, with [brackets]",    "plain text, with [brackets]"       },
           {"example.com/path:80",            "example.com/path:80"               },
           {"--flag=1",                       "--flag=1"                          },
           {"2024-01-02T03:04:05Z",           "2024-01-02T03:04:05Z"              },
           {"true",                           "\"true\""                          },
           {"on",                             "\"on\""                            },
           {"null",                           "\"null\""                          },
           {"",                               "\"\""                              },
           {"1.0",                            "\"1.0\""                           },
           {".inf",                           "\".inf\""                          },
           {"*",                              "\"*\""                             },
           {"a: b",                           "\"a: b\""                          },
           {"- a",                            "\"- a\""                           },
           {"---",                            "\"---\""                           },
           {" a",                             "\" a\""                            },
           {"Grüße",                        "Grüße"                           },
  }) {
    EXPECT_EQ(print_yaml(Json{
                  {"k", row.text}
    }),
              std::string("k: ") + row.printed + "\n");
  }
}

TEST(PrintYaml, PrintsTextsOfSeveralLinesAsLiteralBlocks) {
  EXPECT_EQ(print_yaml(Json{
                {"a", Json{{"k", "one\n\n  two: 3\n"}}}
  }),
            "a:\n  k: |\n    one\n\n      two: 3\n");
  EXPECT_EQ(print_yaml(Json::array({"one\ntwo"})), "- |-\n  one\n  two\n");
}

void expect_round_trip(const Json& json) {
  const std::string text = print_yaml(json);
  const auto documents = parse_yaml(text, "printed");
  ASSERT_TRUE(documents) << documents.error().message << "\n" << text;
  ASSERT_EQ(documents->size(), 1U) << text;
  EXPECT_EQ(documents->front(), json) << text;
}

TEST(PrintYaml, IsReadBackAsTheSameTree) {
  const std::vector<std::string> tricky = {"",
                                           " ",
                                           "\n",
                                           "\n\n",
                                           "a\n",
                                           "a\n\n",
                                           "\na",
                                           " a\nb",
                                           "a\n b",
                                           "a\n\tb",
                                           "\ta\nb",
                                           "a \nb",
                                           "a\n \nb",
                                           "a\r\nb",
                                           "a\rb",
                                           "#",
                                           "# a\n# b\n",
                                           "a #b",
                                           "a\n---\nb\n",
                                           "---\na",
                                           "...",
                                           "a:",
                                           ":a",
                                           "a: b",
                                           "'",
                                           "\"",
                                           "\\",
                                           "\\n",
                                           "'a'",
                                           "a'b",
                                           "?",
                                           "? a",
                                           "-",
                                           "- a",
                                           "-1",
                                           "- ",
                                           "!",
                                           "!a",
                                           "&a",
                                           "*a",
                                           "%a",
                                           "@a",
                                           "`a",
                                           "|",
                                           ">",
                                           "|-",
                                           "{a}",
                                           "[a",
                                           "a]",
                                           "{{ x }}",
                                           "~",
                                           "null",
                                           "Null",
                                           "y",
                                           "N",
                                           "yes",
                                           "TRUE",
                                           "0",
                                           "017",
                                           "08",
                                           "0x1F",
                                           "1e3",
                                           "1_000",
                                           "+1",
                                           ".5",
                                           ".",
                                           "..",
                                           ".inf",
                                           ".NaN",
                                           "<<",
                                           "=",
                                           "2001-01-01",
                                           "12:30:45",
                                           "\x04",
                                           std::string(1, '\0'),
                                           "\x7f",
                                           "\xc2\x85",
                                           "\xe2\x80\xa8",
                                           "\xef\xbb\xbf",
                                           "é",
                                           "😀",
                                           "a\xc2\x85\nb\n",
                                           "a\n\x1b[31m",
                                           std::string(5000, 'k'),
                                           std::string(3000, ' ') + "x",
                                           "a\n" + std::string(200, ' ') + "b\n",
                                           "f:metadata",
                                           R"(k:{"name":"x","port":80})",
                                           "https://a/b?c=d#e",
                                           "a\n...\n",
                                           "a\n%b\n",
                                           "x\n  - y: z\n\n\n  end",
                                           "tail \n",
                                           "\xEF\xBB\xBF"
                                           "a\nb\n"};
  for (const std::string& text : tricky) {
    SCOPED_TRACE(Json(text).dump());
    expect_round_trip(Json(text));
    expect_round_trip(Json::array({text, Json::array({text}), text}));
    expect_round_trip(Json{
        {"k", text               },
        {"l", Json{{"m", text}}  },
        {"s", Json::array({text})}
    });
    expect_round_trip(Json::object({
        {text, text},
        {"z",  1   }
    }));
    expect_round_trip(Json::object({
        {text, Json{{"a", text}}  },
        {"z",  Json::array({text})}
    }));
    expect_round_trip(Json::object({
        {text, Json::array({Json{{text, text}}})}
    }));
  }
  expect_round_trip(*parse_json(
      R"([0,-1,1.5,1e300,5e-324,0.1,9223372036854775807,18446744073709551615,-9223372036854775808,
          true,null,{},[],[[],[[]],{}],{"a":{},"b":[],"c":null},[[{"a":[[1]]}]]])"));
}

TEST(PrintYaml, IsReadBackAsTheSameTreeForRandomTexts) {
  std::mt19937 random(20240611);
  constexpr std::string_view kAlphabet = "ab \n\n  :#-'\"\\|>{}[],&*!?%@`~.0159_\t\r=<ye";
  std::uniform_int_distribution<std::size_t> pick(0, kAlphabet.size() - 1);
  std::uniform_int_distribution<int> length(0, 14);
  for (int i = 0; i < 2000; ++i) {
    std::string text;
    for (int k = length(random); k > 0; --k) text += kAlphabet[pick(random)];
    expect_round_trip(Json{
        {"k", text                                   },
        {"l", Json::array({text, Json{{text, text}}})}
    });
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace gatelift
