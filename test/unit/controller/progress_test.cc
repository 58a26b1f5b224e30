// SPDX-License-Identifier: Apache-2.0
#include "controller/progress.h"

#include <gtest/gtest.h>

#include <sstream>
#include <thread>

namespace gatelift {
namespace {

ProgressReport report(int done, int total, std::string step = "Reapply") {
  ProgressReport report;
  report.phase = Phase::Migrate;
  report.crd = "backendtlspolicies.gateway.networking.k8s.io";
  report.step = std::move(step);
  report.done = done;
  report.total = total;
  return report;
}

struct Screen {
  std::istringstream in;
  std::ostringstream out;
  std::ostringstream err;
  Terminal terminal{.in = in, .out = out, .err = err};
};

TEST(Progress, BarFillsInProportion) {
  EXPECT_EQ(progress_bar(report(20, 40), 62),
            "Migrate  backendtlspolicies  Reapply  [#######-------]  20/40");
  EXPECT_EQ(progress_bar(report(0, 40), 62),
            "Migrate  backendtlspolicies  Reapply  [---------------]  0/40");
  EXPECT_EQ(progress_bar(report(40, 40), 62),
            "Migrate  backendtlspolicies  Reapply  [##############]  40/40");
}

TEST(Progress, BarNeverGrowsPastTheScreen) {
  for (int columns = 1; columns < 200; ++columns) {
    const std::string bar = progress_bar(report(1999, 2000), columns);
    const std::string least = "Migrate  backendtlspolicies  Reapply  1999/2000";
    EXPECT_LE(bar.size(), std::max(static_cast<std::size_t>(columns), least.size())) << columns;
  }
}

TEST(Progress, BarSurvivesMoreThanAll) {
  EXPECT_NE(progress_bar(report(50, 40), 62).find("40/40"), std::string::npos);
}

TEST(Progress, WritesALinePerStepWhereThereIsNoTerminal) {
  Screen screen;
  Progress progress(screen.terminal);
  progress.report(report(0, 40, "Delete"));
  for (int i = 0; i <= 40; ++i) progress.report(report(i, 40));
  progress.report(report(40, 40));
  EXPECT_EQ(screen.err.str(),
            "Migrate: backendtlspolicies: Delete: 0 of 40 objects\n"
            "Migrate: backendtlspolicies: Reapply: 0 of 40 objects\n"
            "Migrate: backendtlspolicies: Reapply: 40 objects done\n");
  EXPECT_EQ(screen.out.str(), "") << "results alone go to stdout";
}

TEST(Progress, RedrawsOneLineOnATerminalAndTakesItAway) {
  Screen screen;
  screen.terminal.err_is_terminal = true;
  Progress progress(screen.terminal);
  progress.report(report(0, 40));
  progress.report(report(40, 40));
  EXPECT_EQ(screen.err.str().find('\n'), std::string::npos);
  progress.clear();
  EXPECT_TRUE(screen.err.str().ends_with("\r\x1b[K"));
}

TEST(Progress, SaysAThingOnce) {
  Screen screen;
  Progress progress(screen.terminal);
  progress.say("waiting");
  progress.say("waiting");
  progress.say("going on");
  EXPECT_EQ(screen.err.str(), "waiting\ngoing on\n");
}

TEST(Progress, IsSilentWhereItIsQuiet) {
  Screen screen;
  screen.terminal.quiet = true;
  Progress progress(screen.terminal);
  progress.report(report(1, 40));
  progress.say("waiting");
  EXPECT_EQ(screen.err.str(), "");
}

TEST(Progress, MayBeReportedToFromSeveralThreads) {
  Screen screen;
  Progress progress(screen.terminal);
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&progress] {
      for (int i = 0; i <= 100; ++i) progress.report(report(i, 100));
    });
  }
  threads.clear();
  EXPECT_NE(screen.err.str().find("100 objects done"), std::string::npos);
}

}  // namespace
}  // namespace gatelift
