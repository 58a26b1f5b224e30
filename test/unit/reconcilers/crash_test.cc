// SPDX-License-Identifier: Apache-2.0
// The crash matrix in memory: at each write of a run in turn the process dies, or the answer is lost, just before or
// just after the server did it; a new process (or the same one) must come to the end state of the undisturbed run.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>

#include "test/support/faulty_cluster.h"
#include "test/support/gateway_world.h"

namespace gatelift {
namespace {

constexpr int kPolicies = 6;

class FaultMatrix : public testing::TestWithParam<Fault> {
 protected:
  static void SetUpTestSuite() {
    GatewayWorld world;
    world.populate(kPolicies);
    world.populate_moves();
    world.create_migration("up");
    FaultyCluster counting(world.cluster);
    ReconcileResult result = world.run_through(counting, "up");
    ASSERT_EQ(result.outcome, PassOutcome::Finished) << result.message;
    end_state_ = world.end_state();
    ASSERT_EQ(end_state_.at(world::kRouteCrd).at("objects").size(), 3U);
    num_writes_ = counting.num_writes();
  }

  /// One cell: the fault at the n-th write, then on to the end.
  static void run_with_fault(Fault fault, int n) {
    GatewayWorld world;
    world.populate(kPolicies);
    world.populate_moves();
    world.create_migration("up");
    FaultyCluster faulty(world.cluster);
    faulty.plan(fault, n);
    try {
      world.run_through(faulty, "up");
    } catch (const CrashNow&) {
    }
    ASSERT_EQ(world.lost_policies(), std::vector<std::string>{});
    ReconcileResult result = world.run("up");
    for (int again = 0; again < 5 && result.outcome == PassOutcome::Waiting; ++again) {
      world.clock.advance(std::chrono::seconds(1));
      result = world.run("up");
    }
    ASSERT_EQ(result.outcome, PassOutcome::Finished) << result.reason << ": " << result.message;
    ASSERT_EQ(first_unequal(world.end_state(), end_state_), "");
    ASSERT_EQ(num_copies(world), 0) << "a rehearsal has left something";
  }

  /// CRDs of the group in which a rehearsal makes its copies.
  static std::ptrdiff_t num_copies(const GatewayWorld& world) {
    return std::ranges::count_if(
        world.cluster.stored_keys(resources::kCrds),
        [](const ObjectKey& key) { return key.name.ends_with(".rehearsal.gatelift.dev"); });
  }

  static Json end_state_;
  static int num_writes_;
};

Json FaultMatrix::end_state_;
int FaultMatrix::num_writes_ = 0;

TEST_P(FaultMatrix, AtEveryWriteConvergesToTheUndisturbedEnd) {
  ASSERT_GT(num_writes_, 30);
  // A death is tried at every write; a lost call or answer, which takes the same way back, at every third.
  bool dies = GetParam() == Fault::CrashBefore || GetParam() == Fault::CrashAfter;
  for (int n = 1; n <= num_writes_; n += dies ? 1 : 3) {
    SCOPED_TRACE("at write " + std::to_string(n));
    ASSERT_NO_FATAL_FAILURE(run_with_fault(GetParam(), n));
  }
  std::printf("%s of %d writes\n", dies ? "each" : "every third", num_writes_);
}

std::string name_of(const testing::TestParamInfo<Fault>& info) {
  switch (info.param) {
    case Fault::FailBefore: return "CallLost";
    case Fault::FailAfter: return "AnswerLost";
    case Fault::CrashBefore: return "KilledBefore";
    case Fault::CrashAfter: return "KilledAfter";
  }
  return "";
}

INSTANTIATE_TEST_SUITE_P(Faults, FaultMatrix,
                         testing::Values(Fault::CrashBefore, Fault::CrashAfter, Fault::FailBefore,
                                         Fault::FailAfter),
                         name_of);

}  // namespace
}  // namespace gatelift
