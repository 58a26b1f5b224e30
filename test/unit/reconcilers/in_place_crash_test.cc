// SPDX-License-Identifier: Apache-2.0
// The crash matrix of a conversion in place: the process dies at each write in turn, or the call or
// its answer is lost; the next one comes to the end of the undisturbed run, and at no call is an
// object served whole at no version.
#include "test/support/faulty_cluster.h"
#include "test/unit/reconcilers/in_place_fixture.h"

namespace gatelift {
namespace {

constexpr int kPolicies = 3;

class InPlaceFaultMatrix : public testing::TestWithParam<Fault> {
 protected:
  static void SetUpTestSuite() {
    InPlaceWorld world(kPolicies);
    world.create_in_place();
    FaultyCluster counting(world.cluster);
    ASSERT_EQ(world.run_through(counting, "up").outcome, PassOutcome::Finished);
    end_state_ = world.end_state();
    num_writes_ = counting.num_writes();
  }

  /// Generations count the writes, of which a dead process may have made one more.
  static Json comparable(Json state) {
    for (Json& object : state[world::kPolicyCrd]["objects"]) object["metadata"].erase("generation");
    for (auto& [name, crd] : state.items()) crd["metadata"].erase("generation");
    return state;
  }

  static void run_with_fault(Fault fault, int n) {
    InPlaceWorld world(kPolicies);
    world.create_in_place();
    std::vector<std::string> unserved;
    world.cluster.before_call([&](const Request& request) {
      if (is_write(request.verb) && unserved.empty()) unserved = world.unserved();
    });
    FaultyCluster faulty(world.cluster);
    faulty.plan(fault, n);
    try {
      world.run_through(faulty, "up");
    } catch (const CrashNow&) {
    }
    ReconcileResult result = world.run("up");
    for (int again = 0; again < 5 && result.outcome == PassOutcome::Waiting; ++again) {
      world.clock.advance(std::chrono::seconds(1));
      result = world.run("up");
    }
    ASSERT_EQ(result.outcome, PassOutcome::Finished) << result.reason << ": " << result.message;
    ASSERT_EQ(unserved, std::vector<std::string>{});
    ASSERT_EQ(first_unequal(comparable(world.end_state()), comparable(end_state_)), "");
    world.expect_same_objects();
  }

  static Json end_state_;
  static int num_writes_;
};

Json InPlaceFaultMatrix::end_state_;
int InPlaceFaultMatrix::num_writes_ = 0;

TEST_P(InPlaceFaultMatrix, AtEveryWriteConvergesToTheUndisturbedEnd) {
  ASSERT_GT(num_writes_, 20);
  const bool dies = GetParam() == Fault::CrashBefore || GetParam() == Fault::CrashAfter;
  for (int n = 1; n <= num_writes_; n += dies ? 1 : 3) {
    SCOPED_TRACE("at write " + std::to_string(n));
    ASSERT_NO_FATAL_FAILURE(run_with_fault(GetParam(), n));
  }
}

std::string name_of(const testing::TestParamInfo<Fault>& info) {
  switch (info.param) {
    case Fault::FailBefore:
      return "CallLost";
    case Fault::FailAfter:
      return "AnswerLost";
    case Fault::CrashBefore:
      return "KilledBefore";
    case Fault::CrashAfter:
      return "KilledAfter";
  }
  return "";
}

INSTANTIATE_TEST_SUITE_P(Faults, InPlaceFaultMatrix,
                         testing::Values(Fault::CrashBefore, Fault::CrashAfter, Fault::FailBefore,
                                         Fault::FailAfter),
                         name_of);

}  // namespace
}  // namespace gatelift
