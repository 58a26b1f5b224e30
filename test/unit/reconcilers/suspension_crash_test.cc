// SPDX-License-Identifier: Apache-2.0
// A run with a suspended policy, and a fault at each of its writes from the suspension on: the next
// process comes to the end of the undisturbed run, and at no time is there a policy that nobody
// would put back.
#include <gtest/gtest.h>

#include <cstdio>

#include "reconcilers/backup/backup.h"
#include "test/support/faulty_cluster.h"
#include "test/unit/reconcilers/suspension_fixture.h"

namespace gatelift {
namespace {

using Target = SuspensionWorld::Target;
using Cell = std::tuple<Target, Fault>;

class SmallWorld : public SuspensionWorld {
 public:
  explicit SmallWorld(Target target = Target::WithPolicy)
      : SuspensionWorld(target, std::chrono::milliseconds(1500), 1) {}
};

/// What the undisturbed run leaves behind.
struct End {
  Json crds_and_objects;
  Json policy;
  int first_write = 0;  // after which the policy goes
  int num_writes = 0;
};

const End& undisturbed(Target target) {
  static std::map<Target, End> ends;
  const auto known = ends.find(target);
  if (known != ends.end()) return known->second;
  SmallWorld world(target);
  world.create_consenting("up");
  FaultyCluster counting(world.cluster);
  bool was_there = true;
  int first = 0;
  world.cluster.before_call([&](const Request&) {
    was_there = was_there && has_safe_upgrades(world.cluster);
    if (was_there) first = counting.num_writes();
  });
  const ReconcileResult result = world.run_through(counting, "up");
  if (result.outcome != PassOutcome::Finished) throw std::runtime_error(result.message);
  return ends[target] = {world.end_state(), world.policy_now(), first - 1, counting.num_writes()};
}

/// The policy and its binding are there, or the record says what to put back and a backup holds it.
void expect_policy_is_safe(SuspensionWorld& world) {
  if (has_safe_upgrades(world.cluster)) return;
  const Json migration = world.migration("up");
  const std::string ref = string_at(migration, "status", "admission", "backup");
  if (ref.empty()) {
    // Gone as planned: every CRD is written, and that is recorded.
    const std::string phase = string_at(migration, "status", "phase");
    EXPECT_TRUE(phase == "Verify" || phase == "Done") << phase;
    return;
  }
  BackupStore store(world.cluster, world.clock, "gatelift-system");
  const auto backup = store.open(ref);
  ASSERT_TRUE(backup && *backup);
  EXPECT_FALSE(array_at(migration, "metadata", "finalizers").empty());
  for (const Resource& resource :
       {resources::kAdmissionPolicies, resources::kAdmissionPolicyBindings}) {
    EXPECT_NE((*backup)->entry(BackupRole::Policy, resource.plural + "." + resource.group,
                               {"", std::string(kSafeUpgrades)}),
              nullptr);
  }
}

class SuspensionFaults : public testing::TestWithParam<Cell> {
 protected:
  static void run_with_fault(Target target, Fault fault, int n) {
    SmallWorld world(target);
    world.create_consenting("up");
    FaultyCluster faulty(world.cluster);
    faulty.plan(fault, n);
    try {
      world.run_through(faulty, "up");
    } catch (const CrashNow&) {
    }
    expect_policy_is_safe(world);
    ReconcileResult result = world.run("up");
    for (int again = 0; again < 5 && result.outcome == PassOutcome::Waiting; ++again) {
      world.clock.advance(std::chrono::minutes(1));
      result = world.run("up");
    }
    ASSERT_EQ(result.outcome, PassOutcome::Finished) << result.reason << ": " << result.message;
    ASSERT_EQ(first_unequal(world.end_state(), undisturbed(target).crds_and_objects), "");
    ASSERT_EQ(first_unequal(world.policy_now(), undisturbed(target).policy), "");
    ASSERT_FALSE(world.migration("up").at("status").contains("admission"));
  }
};

TEST_P(SuspensionFaults, AtEveryWriteConvergeToTheUndisturbedEnd) {
  const auto [target, fault] = GetParam();
  const End& end = undisturbed(target);
  ASSERT_GT(end.num_writes - end.first_write, 20);
  const bool dies = fault == Fault::CrashAfter;
  for (int n = end.first_write; n <= end.num_writes; n += dies ? 1 : 3) {
    SCOPED_TRACE("at write " + std::to_string(n));
    ASSERT_NO_FATAL_FAILURE(run_with_fault(target, fault, n));
  }
  std::printf("%s of the writes %d to %d\n", dies ? "each" : "every third", end.first_write,
              end.num_writes);
}

std::string name_of(const testing::TestParamInfo<Cell>& info) {
  const auto [target, fault] = info.param;
  const std::string suffix = target == Target::WithPolicy ? "Replaced" : "NotPutBack";
  switch (fault) {
    case Fault::FailBefore:
      return "CallLost" + suffix;
    case Fault::FailAfter:
      return "AnswerLost" + suffix;
    case Fault::CrashBefore:  // no other than after the write before
      return "";
    case Fault::CrashAfter:
      return "Killed" + suffix;
  }
  return "";
}

INSTANTIATE_TEST_SUITE_P(
    Faults, SuspensionFaults,
    testing::Combine(testing::Values(Target::WithPolicy, Target::WithoutPolicy),
                     testing::Values(Fault::CrashAfter, Fault::FailBefore, Fault::FailAfter)),
    name_of);

// Where the work cannot go on, a death at any write of the stop or of the restoration still ends
// with the policy in place.
TEST(StopFaults, EndWithThePolicyInPlaceAfterADeathAtAnyWrite) {
  int num_writes = 0;
  const int first = undisturbed(Target::WithPolicy).first_write;
  {
    SmallWorld world;
    world.deny_crd(world::kGrpcRouteCrd);
    world.create_consenting("up");
    FaultyCluster counting(world.cluster);
    ASSERT_TRUE(world.run_through(counting, "up").stalled);
    ASSERT_TRUE(world.has_original());
    num_writes = counting.num_writes();
  }
  for (int n = first; n <= num_writes; ++n) {
    SCOPED_TRACE("at write " + std::to_string(n));
    SmallWorld world;
    world.deny_crd(world::kGrpcRouteCrd);
    world.create_consenting("up");
    FaultyCluster faulty(world.cluster);
    faulty.plan(Fault::CrashAfter, n);
    try {
      world.run_through(faulty, "up");
    } catch (const CrashNow&) {
    }
    ReconcileResult result = world.run("up");
    for (int again = 0; again < 5 && !result.stalled; ++again) {
      world.clock.advance(std::chrono::minutes(1));
      result = world.run("up");
    }
    ASSERT_TRUE(result.stalled) << result.reason << ": " << result.message;
    ASSERT_NE(result.reason, "PolicyReverted") << "takes its own restoration for somebody else's";
    ASSERT_TRUE(has_safe_upgrades(world.cluster));
    ASSERT_EQ(world.policy_now(), world.original);
  }
}

}  // namespace
}  // namespace gatelift
