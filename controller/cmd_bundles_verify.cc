// SPDX-License-Identifier: Apache-2.0
// bundles verify: whether the bundles in directories are what their catalogues pin.
#include <algorithm>
#include <ostream>

#include "controller/commands.h"
#include "reconcilers/bundle/pins.h"

namespace gatelift {
namespace {

std::string line_of(const PinCheck& check) {
  switch (check.state) {
    case PinState::Ok:
      return "ok        " + check.ref.display();
    case PinState::Differs:
      return "DIFFERS   " + check.ref.display() + "  " + check.place + ": " + check.problem;
    case PinState::Unpinned:
      return "unpinned  " + check.ref.display() + "  " + check.place + ": no catalogue pins it";
    case PinState::Absent:
      return "absent    " + check.ref.display() + "  the catalogue pins it, and it is not here";
  }
  return "";
}

void print_lines(Terminal& terminal, const std::vector<PinCheck>& checks) {
  for (const PinCheck& check : checks) terminal.out << printable(line_of(check)) << "\n";
}

Json check_json(const PinCheck& check) {
  return {
      {"version", check.ref.version     },
      {"channel", check.ref.channel     },
      {"source",  check.place           },
      {"state",   to_string(check.state)},
      {"problem", check.problem         }
  };
}

}  // namespace

Result<ExitCode> run_bundles_verify(const Options& options, Terminal& terminal) {
  std::vector<PinCheck> checks;
  for (const auto& directory : options.bundles) {
    ASSIGN_OR_RETURN(auto found, check_pins(directory));
    if (found.empty()) {
      terminal.err << "No bundles found in " << printable(directory.string())
                   << "; name a directory with --bundles, or in GATELIFT_BUNDLES.\n";
    }
    checks.insert(checks.end(), found.begin(), found.end());
  }
  if (options.output == Output::Text) {
    print_lines(terminal, checks);
  } else {
    Json all = Json::array();
    for (const PinCheck& check : checks) all.push_back(check_json(check));
    print_data(terminal, options.output, all);
  }
  const bool differs = std::ranges::any_of(
      checks, [](const PinCheck& check) { return check.state == PinState::Differs; });
  return differs ? ExitCode::Failed : ExitCode::Done;
}

}  // namespace gatelift
