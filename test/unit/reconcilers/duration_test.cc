// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/duration.h"

#include <gtest/gtest.h>

namespace gatelift {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

TEST(Duration, WritesTheShortestTextThatGoReads) {
  EXPECT_EQ(format_duration(hours(720)), "720h");
  EXPECT_EQ(format_duration(milliseconds(1800)), "1.8s");
  EXPECT_EQ(format_duration(milliseconds(2000)), "2s");
  EXPECT_EQ(format_duration(milliseconds(1005)), "1.005s");
  EXPECT_EQ(format_duration(milliseconds(42)), "42ms");
  EXPECT_EQ(format_duration(milliseconds(0)), "0s");
  EXPECT_EQ(format_duration(milliseconds(5'400'000)), "1h30m");
  EXPECT_EQ(format_duration(milliseconds(-90'000)), "-1m30s");
}

TEST(Duration, ReadsWhatItWrites) {
  for (const long long ms : {0LL, 1LL, 999LL, 1001LL, 1834LL, 59'999LL, 60'000LL, 86'400'001LL}) {
    EXPECT_EQ(parse_duration(format_duration(milliseconds(ms))), milliseconds(ms));
  }
}

TEST(Duration, ReadsGosOtherForms) {
  EXPECT_EQ(parse_duration("720h0m0s"), hours(720));
  EXPECT_EQ(parse_duration("1.5h"), milliseconds(5'400'000));
  EXPECT_EQ(parse_duration(".5s"), milliseconds(500));
  EXPECT_EQ(parse_duration("1500us"), milliseconds(2));
  EXPECT_EQ(parse_duration("+3ms"), milliseconds(3));
  EXPECT_EQ(parse_duration("0"), milliseconds(0));
}

TEST(Duration, RefusesWhatGoRefuses) {
  for (const char* text : {"", "720", "h", "1d", "1 h", "1.h.s", "-", "99999999999999h", "1h-3m"}) {
    EXPECT_FALSE(parse_duration(text)) << text;
  }
}

}  // namespace
}  // namespace gatelift
