// SPDX-License-Identifier: Apache-2.0
// The controller's loop over one migration, to be killed at a chosen write:
//   victim KUBECONFIG BUNDLES MIGRATION [--events] [--wait] [before|after N]
// Prints "N <write>" for each write before it is sent. With --wait it lives: at that write it
// prints "waiting" and goes on once it has read a line, so that the API server can be killed there.
// Exits 0 when the migration is finished, 1 when it needs a person or is not finished within two
// minutes.
#include <charconv>
#include <cstring>
#include <iostream>
#include <string>
#include <vector>

#include "client/api_cluster.h"
#include "client/cpprest_transport.h"
#include "client/kubeconfig.h"
#include "controller/system_clock.h"
#include "reconcilers/migration_reconciler.h"
#include "test/crash/dying_cluster.h"

namespace gatelift {
namespace {

constexpr std::chrono::seconds kLimit{120};

struct Arguments {
  std::string kubeconfig;
  std::string bundles;
  std::string migration;
  bool count_events = false;
  std::optional<Death> death;
};

void wait_for_a_line() {
  std::cout << "waiting" << std::endl;
  std::string line;
  std::getline(std::cin, line);
}

std::optional<Arguments> parse(const std::vector<std::string>& words) {
  if (words.size() < 3) return std::nullopt;
  Arguments arguments{words[0], words[1], words[2], false, std::nullopt};
  std::size_t at = 3;
  const auto takes = [&](const char* flag) {
    const bool is_there = at < words.size() && words[at] == flag;
    if (is_there) ++at;
    return is_there;
  };
  arguments.count_events = takes("--events");
  const bool waits = takes("--wait");
  if (at == words.size()) return arguments;
  if (at + 2 != words.size() || (words[at] != "before" && words[at] != "after"))
    return std::nullopt;
  Death death;
  death.when = words[at] == "before" ? Death::When::Before : Death::When::After;
  const std::string& number = words[at + 1];
  const auto parsed = std::from_chars(number.data(), number.data() + number.size(), death.at_write);
  if (parsed.ec != std::errc() || death.at_write < 1) return std::nullopt;
  if (waits) death.kill = wait_for_a_line;
  arguments.death = death;
  return arguments;
}

/// Time passes only where somebody sleeps. What a run writes once a second would otherwise be
/// written at another place each time, and "the n-th write" would name no write.
class IdleClock : public Clock {
 public:
  explicit IdleClock(Clock& clock) : clock_(clock), now_(clock.now()) {}

  Time now() const override { return now_; }
  Result<void> sleep(std::chrono::milliseconds duration) override {
    now_ += duration;
    return clock_.sleep(duration);
  }

 private:
  Clock& clock_;
  Time now_;
};

/// Passes until the migration is over, as the daemon makes them.
Result<bool> run_to_its_end(MigrationReconciler& reconciler, Clock& clock,
                            const std::string& migration) {
  const Time give_up = clock.now() + kLimit;
  while (clock.now() < give_up) {
    const auto result = reconciler.reconcile(migration);
    std::chrono::milliseconds pause{100};
    if (!result) {
      if (!result.error().is(ErrorKind::Conflict) && !result.error().is(ErrorKind::Unavailable)) {
        return fail(result.error());
      }
    } else {
      if (result->outcome == PassOutcome::Finished) return true;
      if (result->stalled) {
        std::cerr << result->reason << ": " << result->message << std::endl;
        return false;
      }
      pause = result->requeue_after.value_or(std::chrono::milliseconds(0));
    }
    RETURN_IF_ERROR(clock.sleep(pause));
  }
  std::cerr << "not finished within two minutes" << std::endl;
  return false;
}

Result<bool> run(const Arguments& arguments) {
  ASSIGN_OR_RETURN(Endpoint endpoint, load_endpoint({arguments.kubeconfig, ""}));
  ASSIGN_OR_RETURN(const auto api, ApiCluster::connect(std::move(endpoint), {}));
  DyingCluster cluster(
      *api, {arguments.death, arguments.count_events, [](int number, const std::string& write) {
               std::cout << number << " " << write << std::endl;
             }});
  SystemClock system({});
  IdleClock clock(system);
  BundleSources sources({arguments.bundles});
  ReconcilerSettings settings;
  settings.log = [](std::string_view level, const std::string& message) {
    std::cerr << level << ": " << message << std::endl;
  };
  MigrationReconciler reconciler(cluster, clock, sources, settings);
  return run_to_its_end(reconciler, clock, arguments.migration);
}

}  // namespace
}  // namespace gatelift

int main(int argc, char** argv) {
  gatelift::prepare_process();
  const auto arguments = gatelift::parse({argv + 1, argv + argc});
  if (!arguments) {
    std::cerr
        << "usage: victim KUBECONFIG BUNDLES MIGRATION [--events] [--wait] [before|after N]\n";
    return 2;
  }
  const auto finished = gatelift::run(*arguments);
  if (!finished) std::cerr << finished.error().message << std::endl;
  return finished && *finished ? 0 : 1;
}
