// SPDX-License-Identifier: Apache-2.0
#include "client/time.h"

#include <gtest/gtest.h>

namespace gatelift {
namespace {

using std::chrono::milliseconds;

TEST(Time, PrintsWholeSecondsAndMicroseconds) {
  const Time time{milliseconds(1136214245678)};
  EXPECT_EQ(format_time(time), "2006-01-02T15:04:05Z");
  EXPECT_EQ(format_micro_time(time), "2006-01-02T15:04:05.678000Z");
}

TEST(Time, PrintsTimesBeforeTheEpoch) {
  EXPECT_EQ(format_micro_time(Time{milliseconds(-1)}), "1969-12-31T23:59:59.999000Z");
}

TEST(Time, ReadsEveryFormThatRfc3339Allows) {
  struct Row {
    const char* text;
    std::int64_t ms;
  };
  for (const Row& row : std::initializer_list<Row>{
           {"1970-01-01T00:00:00Z",                0            },
           {"2006-01-02T15:04:05Z",                1136214245000},
           {"2006-01-02T15:04:05.6Z",              1136214245600},
           {"2006-01-02T15:04:05.678901Z",         1136214245678},
           {"2006-01-02T17:04:05.123456789+02:00", 1136214245123},
           {"2006-01-02T08:34:05-06:30",           1136214245000},
           {"2024-02-29t23:59:59z",                1709251199000},
  }) {
    const auto time = parse_time(row.text);
    ASSERT_TRUE(time) << row.text;
    EXPECT_EQ(time->time_since_epoch().count(), row.ms) << row.text;
  }
}

TEST(Time, RefusesWhatIsNoTime) {
  for (const char* text :
       {"", "2006-01-02", "2006-01-02T15:04:05", "2006-13-02T15:04:05Z", "2023-02-29T00:00:00Z",
        "2006-01-02T24:04:05Z", "2006-01-02T15:04:05.Z", "2006-01-02T15:04:05Zx",
        "2006-01-02 15:04:05Z", "2006-01-02T15:04:05+0200"}) {
    const auto time = parse_time(text);
    ASSERT_FALSE(time) << text;
    EXPECT_TRUE(time.error().is(ErrorKind::Invalid));
  }
}

TEST(Time, SurvivesARoundTrip) {
  for (std::int64_t ms = -4'000'000'000'000; ms < 8'000'000'000'000; ms += 86'399'123'457) {
    const auto time = parse_time(format_micro_time(Time{milliseconds(ms)}));
    ASSERT_TRUE(time);
    EXPECT_EQ(time->time_since_epoch().count(), ms);
  }
}

}  // namespace
}  // namespace gatelift
