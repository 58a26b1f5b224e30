// SPDX-License-Identifier: Apache-2.0
#include "client/json.h"

#include <gtest/gtest.h>

namespace gatelift {
namespace {

std::string nested(int levels) {
  return std::string(static_cast<std::size_t>(levels), '[') +
         std::string(static_cast<std::size_t>(levels), ']');
}

TEST(Json, RefusesNestingThatWouldOverflowTheStackLater) {
  EXPECT_TRUE(parse_json(nested(100)));
  const auto json = parse_json(nested(101));
  ASSERT_FALSE(json);
  EXPECT_TRUE(json.error().is(ErrorKind::Invalid));
  EXPECT_FALSE(parse_json(nested(1000000)));
}

TEST(Json, CountsNoBracketsInsideStrings) {
  const std::string brackets(500, '{');
  const auto json = parse_json("[\"\\\"" + brackets + "\\\\\", \"" + brackets + "\"]");
  ASSERT_TRUE(json) << json.error().message;
  EXPECT_EQ(json->at(1).get<std::string>(), brackets);
}

TEST(Json, TurnsEveryParserExceptionIntoAnError) {
  for (const char* text : {"", "{", "nope", "{\"a\":1}x", "1e400", "[\"\xff\"]", "{a:1}"}) {
    const auto json = parse_json(text);
    ASSERT_FALSE(json) << text;
    EXPECT_TRUE(json.error().is(ErrorKind::Invalid)) << text;
    EXPECT_EQ(json.error().message.find("json.exception"), std::string::npos);
  }
}

TEST(Json, KeepsIntegersAndDoublesApartOnARoundTrip) {
  const std::string text =
      R"({"big":9223372036854775807,"huge":18446744073709551615,"neg":-5,"one":1.0,"tenth":0.1})";
  const auto json = parse_json(text);
  ASSERT_TRUE(json);
  EXPECT_EQ(print_json(*json), text);
}

TEST(Json, PrintsBytesThatAreNotUtf8WithoutThrowing) {
  EXPECT_EQ(print_json(Json("a\xff")), "\"a\xef\xbf\xbd\"");
}

TEST(Json, ReadsNullAndAbsentAsTheSame) {
  const Json json = *parse_json(R"({"a":{"b":null,"s":"x","n":3,"t":true,"l":[1]}})");
  EXPECT_EQ(find(json, "a", "b"), nullptr);
  EXPECT_EQ(find(json, "a", "s", "deeper"), nullptr);
  EXPECT_EQ(string_at(json, "a", "b"), "");
  EXPECT_EQ(string_at(json, "a", "s"), "x");
  EXPECT_EQ(string_at(json, "a", "n"), "");
  EXPECT_EQ(int_at(json, 7, "a", "n"), 3);
  EXPECT_EQ(int_at(json, 7, "a", "s"), 7);
  EXPECT_TRUE(bool_at(json, false, "a", "t"));
  EXPECT_EQ(array_at(json, "a", "l").size(), 1U);
  EXPECT_TRUE(array_at(json, "a", "s").empty());
}

}  // namespace
}  // namespace gatelift
