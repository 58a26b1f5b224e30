// SPDX-License-Identifier: Apache-2.0
#include "controller/lease.h"

#include <gtest/gtest.h>

namespace gatelift {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

const LeaseMachine::Instant kStart{};
const Time kWall{seconds(1'700'000'000)};

LeaseSettings settings(const std::string& identity) {
  LeaseSettings settings;
  settings.identity = identity;
  return settings;
}

/// A Lease as the server stores it.
Json stored(Json body, const std::string& version) {
  body["metadata"]["resourceVersion"] = version;
  return body;
}

Json held_by(const std::string& holder, Time renewed, int transitions = 0) {
  return {
      {"metadata", {{"name", "gatelift"}, {"namespace", "n"}, {"resourceVersion", "7"}}},
      {"spec",
       {{"holderIdentity", holder},
        {"leaseDurationSeconds", 15},
        {"leaseTransitions", transitions},
        {"acquireTime", format_micro_time(renewed)},
        {"renewTime", format_micro_time(renewed)}}                                     }
  };
}

/// A machine that leads since kStart.
LeaseMachine leader() {
  LeaseMachine machine(settings("me"));
  const auto action = machine.observed(std::nullopt, kStart, kWall);
  machine.accepted(stored(std::get<CreateLease>(action).body, "1"), kStart);
  return machine;
}

TEST(Lease, IsCreatedWhereThereIsNone) {
  LeaseMachine machine(settings("me"));
  EXPECT_TRUE(std::holds_alternative<ReadLease>(machine.begin(kStart, kWall)));
  const auto action = machine.observed(std::nullopt, kStart, kWall);
  ASSERT_TRUE(std::holds_alternative<CreateLease>(action));
  EXPECT_FALSE(machine.is_leader(kStart)) << "not before the server has accepted it";
  const Json body = std::get<CreateLease>(action).body;
  EXPECT_EQ(string_at(body, "spec", "holderIdentity"), "me");
  EXPECT_EQ(string_at(body, "spec", "renewTime"), "2023-11-14T22:13:20.000000Z");
  machine.accepted(stored(body, "1"), kStart);
  EXPECT_TRUE(machine.is_leader(kStart));
}

TEST(Lease, OfAnotherIsLeftAloneWhileItIsRenewed) {
  LeaseMachine machine(settings("me"));
  for (int i = 0; i < 20; ++i) {
    const auto now = kStart + seconds(10 * i);
    const auto action = machine.observed(held_by("other", kWall + seconds(10 * i)), now, kWall);
    EXPECT_TRUE(std::holds_alternative<RestUntilRetry>(action)) << i;
  }
  EXPECT_EQ(machine.other_holder(), "other");
}

TEST(Lease, IsTakenOverWhenItsRecordHasNotChangedForItsDuration) {
  LeaseMachine machine(settings("me"));
  const Json lease = held_by("other", kWall, 4);
  EXPECT_TRUE(std::holds_alternative<RestUntilRetry>(machine.observed(lease, kStart, kWall)));
  EXPECT_TRUE(
      std::holds_alternative<RestUntilRetry>(machine.observed(lease, kStart + seconds(14), kWall)));
  const auto action = machine.observed(lease, kStart + seconds(15), kWall);
  ASSERT_TRUE(std::holds_alternative<ReplaceLease>(action));
  const Json body = std::get<ReplaceLease>(action).body;
  EXPECT_EQ(string_at(body, "spec", "holderIdentity"), "me");
  EXPECT_EQ(int_at(body, -1, "spec", "leaseTransitions"), 5);
  EXPECT_EQ(string_at(body, "metadata", "resourceVersion"), "7") << "guards against a third one";
}

TEST(Lease, DoesNotCompareTheClocksOfTwoMachines) {
  LeaseMachine machine(settings("me"));
  // Its clock is a day behind ours: by ours the lease would long be over.
  const auto action = machine.observed(held_by("other", kWall - hours(24)), kStart, kWall);
  EXPECT_TRUE(std::holds_alternative<RestUntilRetry>(action));
}

TEST(Lease, GivenBackIsTakenAtOnce) {
  LeaseMachine machine(settings("me"));
  const auto action = machine.observed(held_by("", kWall), kStart, kWall);
  EXPECT_TRUE(std::holds_alternative<ReplaceLease>(action));
}

TEST(Lease, IsRenewedWithoutReadingAndKeepsItsAcquireTime) {
  LeaseMachine machine = leader();
  const auto action = machine.begin(kStart + seconds(2), kWall + seconds(2));
  ASSERT_TRUE(std::holds_alternative<ReplaceLease>(action));
  const Json body = std::get<ReplaceLease>(action).body;
  EXPECT_EQ(string_at(body, "spec", "acquireTime"), format_micro_time(kWall));
  EXPECT_EQ(string_at(body, "spec", "renewTime"), format_micro_time(kWall + seconds(2)));
  EXPECT_EQ(int_at(body, -1, "spec", "leaseTransitions"), 0);
}

TEST(Lease, IsReadAgainAfterAnotherWroteToIt) {
  LeaseMachine machine = leader();
  machine.refused();
  EXPECT_TRUE(std::holds_alternative<ReadLease>(machine.begin(kStart + seconds(2), kWall)));
  EXPECT_TRUE(machine.is_leader(kStart + seconds(2))) << "one failed renewal is not the end";
  const auto action = machine.observed(held_by("me", kWall), kStart + seconds(2), kWall);
  EXPECT_TRUE(std::holds_alternative<ReplaceLease>(action));
}

TEST(Lease, IsLostBeforeAnotherCanTakeIt) {
  LeaseMachine machine = leader();
  EXPECT_TRUE(machine.is_leader(kStart + seconds(9)));
  EXPECT_FALSE(machine.is_leader(kStart + seconds(10))) << "others may take it from 15 s on";
  EXPECT_TRUE(machine.is_lost(kStart + seconds(10)));
}

TEST(Lease, RunsFromWhenTheRenewalWasSent) {
  LeaseMachine machine = leader();
  machine.accepted(held_by("me", kWall), kStart + seconds(5));
  EXPECT_TRUE(machine.is_leader(kStart + seconds(14)));
  EXPECT_FALSE(machine.is_leader(kStart + seconds(15)));
}

TEST(Lease, OnceLostIsNeverLedAgain) {
  LeaseMachine machine = leader();
  machine.refused();
  const auto action = machine.observed(held_by("other", kWall), kStart + seconds(2), kWall);
  EXPECT_TRUE(std::holds_alternative<RestUntilRetry>(action));
  EXPECT_TRUE(machine.is_lost(kStart + seconds(2)));
  EXPECT_EQ(machine.other_holder(), "other");
  const auto later = machine.observed(held_by("", kWall), kStart + seconds(60), kWall);
  EXPECT_TRUE(std::holds_alternative<RestUntilRetry>(later)) << "our work is stopping";
  EXPECT_TRUE(std::holds_alternative<RestUntilRetry>(machine.begin(kStart + seconds(60), kWall)));
}

TEST(Lease, TellsALivingHolderFromALeftOver) {
  LeaseMachine machine(settings("me"));
  machine.observed(held_by("other", kWall), kStart, kWall);
  EXPECT_FALSE(machine.other_is_alive(kStart)) << "it may have died long ago";
  machine.observed(held_by("other", kWall), kStart + seconds(2), kWall);
  EXPECT_FALSE(machine.other_is_alive(kStart + seconds(2)));
  machine.observed(held_by("other", kWall + seconds(2)), kStart + seconds(3), kWall);
  EXPECT_TRUE(machine.other_is_alive(kStart + seconds(3)));
  EXPECT_FALSE(machine.other_is_alive(kStart + seconds(30)));
}

TEST(Lease, IsReleasedOnlyByItsHolder) {
  LeaseMachine machine = leader();
  const auto body = machine.release(kStart + seconds(1), kWall);
  ASSERT_TRUE(body.has_value());
  EXPECT_EQ(string_at(*body, "spec", "holderIdentity"), "");
  EXPECT_EQ(int_at(*body, 0, "spec", "leaseDurationSeconds"), 1);
  EXPECT_FALSE(machine.is_leader(kStart + seconds(1)));
  EXPECT_FALSE(machine.is_lost(kStart + seconds(1))) << "given back is not lost";

  LeaseMachine follower(settings("me"));
  follower.observed(held_by("other", kWall), kStart, kWall);
  EXPECT_FALSE(follower.release(kStart, kWall).has_value());
}

}  // namespace
}  // namespace gatelift
