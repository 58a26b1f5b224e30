// SPDX-License-Identifier: Apache-2.0
#include "controller/terminal.h"

#include <gtest/gtest.h>

#include <sstream>

namespace gatelift {
namespace {

TEST(Terminal, AlignsColumnsByWhatIsSeen) {
  EXPECT_EQ(table(
                {
                    "A", "BB", "C"
  },
                {{"xx", "1", "last"}, {"\xc3\xa4", "22", ""}}),
            "A   BB  C\n"
            "xx  1   last\n"
            "\xc3\xa4   22\n");
}

TEST(Terminal, BreaksSentencesAtSpaces) {
  EXPECT_EQ(wrapped("one two three four", 9, 2), "one two\n  three\n  four");
  EXPECT_EQ(wrapped("unbreakable", 4, 2), "unbreakable");
}

TEST(Terminal, TakesOnlyAYesForAYes) {
  for (const auto& [typed, wanted] : std::vector<std::pair<std::string, bool>>{
           {"y\n",   true },
           {"YES\n", true },
           {"\n",    false},
           {"no\n",  false},
           {"",      false},
           {"yup\n", false}
  }) {
    SCOPED_TRACE(typed);
    std::istringstream in(typed);
    std::ostringstream out;
    std::ostringstream err;
    Terminal terminal{.in = in, .out = out, .err = err};
    EXPECT_EQ(asked_yes(terminal, "Carry this out?"), wanted);
    EXPECT_EQ(err.str(), "Carry this out? [y/N] ");
    EXPECT_EQ(out.str(), "");
  }
}

TEST(Terminal, ShowsControlCharactersInsteadOfObeyingThem) {
  EXPECT_EQ(printable("a\x1b[31mb\nc\td\x7f"), "a\\x1b[31mb c d\\x7f");
  EXPECT_EQ(printable("\xe2\x86\x92"), "\xe2\x86\x92");
}

}  // namespace
}  // namespace gatelift
