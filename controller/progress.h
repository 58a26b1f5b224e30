// SPDX-License-Identifier: Apache-2.0
// How far a foreground run is: a bar that redraws itself on a terminal, a line per step elsewhere.
#pragma once

#include <chrono>
#include <mutex>
#include <string>

#include "controller/terminal.h"
#include "reconcilers/migration_reconciler.h"

namespace gatelift {

/// Writes to the terminal's error stream; silent where it is quiet. May be used by several threads.
class Progress {
 public:
  explicit Progress(Terminal& terminal) : terminal_(terminal) {}
  ~Progress() { clear(); }

  void report(const ProgressReport& report);

  /// A line of its own, above the bar. The same line is not written twice in a row.
  void say(const std::string& line);

  /// Takes the bar away, so that results can be printed.
  void clear();

 private:
  void clear_locked();

  Terminal& terminal_;
  std::mutex mutex_;  // guards all below
  bool bar_is_drawn_ = false;
  std::string last_step_;
  std::string last_said_;
  bool step_is_over_ = false;
  std::chrono::steady_clock::time_point drawn_{};
};

/// "Migrate  backendtlspolicies  Reapply  [########----]  23/40". Pure.
std::string progress_bar(const ProgressReport& report, int columns);

/// "Migrate: backendtlspolicies: Reapply (40 objects)". Pure.
std::string progress_line(const ProgressReport& report);

}  // namespace gatelift
