// SPDX-License-Identifier: Apache-2.0
#include "controller/progress.h"

#include <algorithm>
#include <ostream>

namespace gatelift {
namespace {

constexpr std::chrono::milliseconds kRedrawInterval{50};

/// The plural of a CRD's name is enough to tell it from the others.
std::string short_name(const std::string& crd) { return crd.substr(0, crd.find('.')); }

std::string phase_text(const ProgressReport& report) {
  const std::string phase(to_string(report.phase));
  return report.operation == Operation::Rollback ? "Rollback " + phase : phase;
}

std::string joined(const ProgressReport& report, const char* separator) {
  std::string text = phase_text(report);
  if (!report.crd.empty()) text += separator + short_name(report.crd);
  if (!report.step.empty()) text += separator + report.step;
  return text;
}

}  // namespace

std::string progress_bar(const ProgressReport& report, int columns) {
  std::string text = joined(report, "  ");
  if (report.total <= 0) return text;
  const int done = std::clamp(report.done, 0, report.total);
  const std::string count = std::to_string(done) + "/" + std::to_string(report.total);
  constexpr int kLongest = 40;
  constexpr int kShortest = 8;
  const int room = columns - display_width(text) - static_cast<int>(count.size()) - 7;
  if (room < kShortest) return text + "  " + count;
  const int width = std::min(room, kLongest);
  const auto filled = static_cast<std::size_t>(static_cast<long long>(width) * done / report.total);
  return text + "  [" + std::string(filled, '#') +
         std::string(static_cast<std::size_t>(width) - filled, '-') + "]  " + count;
}

std::string progress_line(const ProgressReport& report) {
  std::string text = joined(report, ": ");
  if (report.total > 0) {
    text += report.done >= report.total ? ": " + std::to_string(report.total) + " objects done"
                                        : ": " + std::to_string(report.done) + " of " +
                                              std::to_string(report.total) + " objects";
  }
  return text;
}

void Progress::report(const ProgressReport& report) {
  if (terminal_.quiet) return;
  const std::lock_guard lock(mutex_);
  const std::string step = joined(report, "/");
  const bool is_new = step != last_step_;
  const bool is_over = report.total > 0 && report.done >= report.total;
  const bool ends = is_over && (is_new || !step_is_over_);
  last_step_ = step;
  step_is_over_ = is_over;
  if (!terminal_.err_is_terminal) {
    if (is_new || ends) terminal_.err << progress_line(report) << std::endl;
    return;
  }
  const auto now = std::chrono::steady_clock::now();
  if (!is_new && !ends && now < drawn_ + kRedrawInterval) return;
  drawn_ = now;
  terminal_.err << "\r\x1b[K" << progress_bar(report, terminal_.columns) << std::flush;
  bar_is_drawn_ = true;
}

void Progress::say(const std::string& line) {
  if (terminal_.quiet) return;
  const std::lock_guard lock(mutex_);
  if (line == last_said_) return;
  last_said_ = line;
  clear_locked();
  terminal_.err << line << std::endl;
}

void Progress::clear() {
  const std::lock_guard lock(mutex_);
  clear_locked();
}

void Progress::clear_locked() {
  if (bar_is_drawn_) terminal_.err << "\r\x1b[K" << std::flush;
  bar_is_drawn_ = false;
}

}  // namespace gatelift
