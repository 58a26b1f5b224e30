// SPDX-License-Identifier: Apache-2.0
// How a command ends, for scripts and for people.
#pragma once

#include <string>

#include "client/error.h"

namespace gatelift {

enum class ExitCode {
  Done = 0,  // done, or nothing to do
  Failed = 1,
  Usage = 2,
  Blocked = 3,  // something needs a person
  Interrupted = 130,
};

/// "error: …" and, where there is one, a line that says what to do next.
std::string explain(const Error& error);

}  // namespace gatelift
