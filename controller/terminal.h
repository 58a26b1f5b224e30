// SPDX-License-Identifier: Apache-2.0
// The streams of a command and what stands behind them, so that tests can stand behind them too.
#pragma once

#include <atomic>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "reconcilers/report/layout.h"

namespace gatelift {

enum class Style { Plain, Bold, Red, Yellow, Green, Dim, BoldRed };

struct Terminal {
  std::istream& in;
  std::ostream& out;  // results
  std::ostream& err;  // progress, questions, errors
  bool in_is_terminal = false;
  bool out_is_terminal = false;
  bool err_is_terminal = false;
  bool color = false;  // where a terminal is
  bool quiet = false;  // no progress
  int columns = 80;
  std::atomic<bool> asking{false};  // a question waits for its answer, and no call is under way
};

/// The terminal of this process. Colour is off with NO_COLOR, TERM=dumb, or `no_color`.
Terminal process_terminal(bool no_color, bool quiet);

/// `text` in `style` where `colored`, as it is elsewhere.
std::string styled(std::string_view text, Style style, bool colored);

/// Text that came from the cluster, with control characters (which could drive a terminal) shown as
/// \xNN.
std::string printable(std::string_view text);

/// Reads one line and returns true for "y" or "yes" in any case; false at the end of input.
bool asked_yes(Terminal& terminal, const std::string& question);

/// Rows as columns two spaces apart, as kubectl prints them; the last column is not padded.
std::string table(const std::vector<std::string>& header,
                  const std::vector<std::vector<std::string>>& rows);

}  // namespace gatelift
