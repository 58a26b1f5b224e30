// SPDX-License-Identifier: Apache-2.0
#include "client/line_queue.h"

#include <gtest/gtest.h>

namespace gatelift {
namespace {

using std::chrono::milliseconds;
using Room = LineQueue::Room;

std::string pop(LineQueue& queue) {
  const auto line = queue.pop(milliseconds(0));
  if (!line) return "error: " + line.error().message;
  return line->value_or("nothing");
}

Error ended() {
  Error error;
  error.kind = ErrorKind::Expired;
  error.message = "ended";
  return error;
}

TEST(LineQueue, JoinsAndSplitsBytesIntoLines) {
  LineQueue queue({});
  ASSERT_TRUE(queue.push("a\n\nbc"));
  EXPECT_EQ(pop(queue), "a");
  EXPECT_EQ(pop(queue), "nothing");
  ASSERT_TRUE(queue.push("d"));
  ASSERT_TRUE(queue.push("\ne\n"));
  EXPECT_EQ(pop(queue), "bcd");
  EXPECT_EQ(pop(queue), "e");
}

TEST(LineQueue, HandsOverWhatCameBeforeTheEndButNoHalfLine) {
  LineQueue queue({});
  ASSERT_TRUE(queue.push("a\nhalf"));
  queue.close(ended());
  EXPECT_EQ(pop(queue), "a");
  EXPECT_EQ(pop(queue), "error: ended");
  EXPECT_EQ(pop(queue), "error: ended");
}

TEST(LineQueue, AsksForAPauseWhenFullAndForResumptionOnceWhenHalfEmpty) {
  LineQueue queue({100, 8});
  EXPECT_EQ(*queue.push("aaaa\n"), Room::Yes);
  EXPECT_FALSE(queue.take_resumption());
  EXPECT_EQ(*queue.push("bbbb\n"), Room::No);
  EXPECT_FALSE(queue.take_resumption());
  EXPECT_EQ(pop(queue), "aaaa");
  EXPECT_TRUE(queue.take_resumption());
  EXPECT_FALSE(queue.take_resumption());
}

TEST(LineQueue, RefusesALineWithoutEnd) {
  LineQueue queue({10, 100});
  EXPECT_TRUE(queue.push("123456789\n1234567890"));
  const auto room = queue.push("1");
  ASSERT_FALSE(room);
  EXPECT_TRUE(room.error().is(ErrorKind::Internal));
}

}  // namespace
}  // namespace gatelift
