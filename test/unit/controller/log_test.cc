// SPDX-License-Identifier: Apache-2.0
#include "controller/log.h"

#include <gtest/gtest.h>

#include <sstream>

#include "client/json.h"

namespace gatelift {
namespace {

TEST(Log, JsonLinesCannotBeBrokenByWhatIsLogged) {
  for (const std::string& hostile :
       {std::string("a \"quote\" and \\"), std::string("two\nlines\r"), std::string("\x01\x1b[2J"),
        std::string("\xff\xfe not UTF-8"), std::string("nul\0byte", 8),
        std::string("\"}{\"level\":\"x")}) {
    SCOPED_TRACE(hostile);
    std::ostringstream out;
    Log(out, LogFormat::JsonLines, LogLevel::Info)
        .warn(hostile, {
                           {"object", hostile}
    });
    const std::string text = out.str();
    ASSERT_EQ(text.find('\n'), text.size() - 1);
    const auto line = parse_json(text);
    ASSERT_TRUE(line) << text;
    EXPECT_EQ(string_at(*line, "level"), "warning");
    EXPECT_FALSE(string_at(*line, "time").empty());
    EXPECT_EQ(string_at(*line, "msg"), string_at(*line, "object"));
    EXPECT_EQ(line->size(), 4U);
  }
}

TEST(Log, TextLinesKeepOneLinePerEntryAndShowWhereAValueEnds) {
  EXPECT_EQ(log_payload(LogFormat::Text, "migration",
                        {
                            {"phase",   "Migrate"},
                            {"message", "a b"    }
  }),
            "migration phase=Migrate message=\"a b\"");
  EXPECT_EQ(log_payload(LogFormat::Text, "m",
                        {
                            {"x", "a\nb"},
                            {"y", ""    },
                            {"z", "a=b" }
  }),
            "m x=\"a\\nb\" y=\"\" z=\"a=b\"");
  EXPECT_EQ(log_payload(LogFormat::Text, "two\nlines", {}), "\"two\\nlines\"");
}

TEST(Log, FormatCharactersInAMessageAreText) {
  std::ostringstream out;
  Log(out, LogFormat::Text, LogLevel::Info)
      .info("100 {} %v", {
                             {"a", "{}"}
  });
  EXPECT_NE(out.str().find(" info 100 {} %v a={}\n"), std::string::npos) << out.str();
}

TEST(Log, LeavesOutWhatIsBelowItsLevel) {
  std::ostringstream out;
  Log log(out, LogFormat::Text, LogLevel::Warn);
  log.info("quiet");
  EXPECT_EQ(out.str(), "");
  log.error("loud");
  EXPECT_NE(out.str().find(" error loud\n"), std::string::npos);
}

TEST(Log, WritesTimesInUtcWithMilliseconds) {
  std::ostringstream out;
  Log(out, LogFormat::Text, LogLevel::Info).info("x");
  const std::string text = out.str();
  ASSERT_GT(text.size(), 24U);
  EXPECT_EQ(text[10], 'T');
  EXPECT_EQ(text[19], '.');
  EXPECT_EQ(text[23], 'Z');
}

}  // namespace
}  // namespace gatelift
