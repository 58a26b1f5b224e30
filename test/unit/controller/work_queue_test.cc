// SPDX-License-Identifier: Apache-2.0
#include "controller/work_queue.h"

#include <gtest/gtest.h>

namespace gatelift {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const WorkQueue::Instant kStart{};

TEST(WorkQueue, HandsOutAKeyOnceHoweverOftenItWasAdded) {
  WorkQueue queue;
  queue.add("a", kStart);
  queue.add("a", kStart);
  EXPECT_EQ(queue.take(kStart), "a");
  queue.done("a");
  EXPECT_EQ(queue.take(kStart), std::nullopt);
}

TEST(WorkQueue, NeverHandsOutOneKeyTwiceAtOnce) {
  WorkQueue queue;
  queue.add("a", kStart);
  ASSERT_EQ(queue.take(kStart), "a");
  queue.add("a", kStart);
  EXPECT_EQ(queue.take(kStart), std::nullopt);
  queue.done("a");
  EXPECT_EQ(queue.take(kStart), "a") << "what was added meanwhile must not be forgotten";
}

TEST(WorkQueue, HandsOutTheKeyThatHasBeenDueLongest) {
  WorkQueue queue;
  queue.add("a", kStart, seconds(3));
  queue.add("b", kStart, seconds(1));
  queue.add("c", kStart, seconds(2));
  const auto later = kStart + seconds(10);
  EXPECT_EQ(queue.take(later), "b");
  EXPECT_EQ(queue.take(later), "c");
  EXPECT_EQ(queue.take(later), "a");
}

TEST(WorkQueue, KeepsAKeyUntilItIsDue) {
  WorkQueue queue;
  queue.add("a", kStart, seconds(2));
  EXPECT_EQ(queue.take(kStart + milliseconds(1999)), std::nullopt);
  EXPECT_EQ(queue.next_due(), kStart + seconds(2));
  EXPECT_EQ(queue.take(kStart + seconds(2)), "a");
}

TEST(WorkQueue, NeverMovesAKeyToALaterTime) {
  WorkQueue queue;
  queue.add("a", kStart, seconds(1));
  queue.add("a", kStart, seconds(60));
  EXPECT_EQ(queue.next_due(), kStart + seconds(1));
  queue.add("a", kStart);
  EXPECT_EQ(queue.next_due(), kStart);
}

TEST(WorkQueue, WaitsTwiceAsLongAfterEachFailureUpToALimit) {
  WorkQueue queue({.first = seconds(1), .longest = seconds(5)});
  for (const int wanted : {1, 2, 4, 5, 5}) {
    queue.add_after_failure("a", kStart);
    EXPECT_EQ(queue.next_due(), kStart + seconds(wanted));
    ASSERT_EQ(queue.take(kStart + seconds(wanted)), "a");
    queue.done("a");
  }
}

TEST(WorkQueue, BacksOffEachKeyByItself) {
  WorkQueue queue({.first = seconds(1), .longest = seconds(60)});
  queue.add_after_failure("a", kStart);
  ASSERT_EQ(queue.take(kStart + seconds(1)), "a");
  queue.done("a");
  queue.add_after_failure("a", kStart);
  queue.add_after_failure("b", kStart);
  EXPECT_EQ(queue.next_due(), kStart + seconds(1));
}

TEST(WorkQueue, BeginsTheBackOffAnewAfterForget) {
  WorkQueue queue({.first = seconds(1), .longest = seconds(60)});
  for (int i = 0; i < 4; ++i) {
    queue.add_after_failure("a", kStart);
    ASSERT_EQ(queue.take(kStart + seconds(60)), "a");
    queue.done("a");
  }
  queue.forget("a");
  queue.add_after_failure("a", kStart);
  EXPECT_EQ(queue.next_due(), kStart + seconds(1));
}

TEST(WorkQueue, DoesNotWaitForAKeyThatIsBeingWorkedOn) {
  WorkQueue queue;
  queue.add("a", kStart);
  ASSERT_EQ(queue.take(kStart), "a");
  queue.add("a", kStart);
  EXPECT_EQ(queue.next_due(), std::nullopt) << "a wait for it would spin";
}

}  // namespace
}  // namespace gatelift
