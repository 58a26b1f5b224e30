// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/steps/failures.h"

#include <utility>

namespace gatelift {

namespace {
constexpr std::size_t kKept = 20;
}

Failure failure_of(std::string object, const Error& error) {
  std::string reason = error.reason.empty() ? std::string(to_string(error.kind)) : error.reason;
  return {std::move(object), std::move(reason), error.message};
}

StepOutcome objects_failed(Run& run, std::string reason, std::string_view verb,
                           std::vector<Failure> failures) {
  std::string message = std::string(verb) + " " + std::to_string(failures.size()) +
                        (failures.size() == 1 ? " object" : " objects") + " failed, first " +
                        failures.front().object + ": " + failures.front().message +
                        "; it is tried again until it succeeds, and what failed is in the backup";
  if (failures.size() > kKept) failures.resize(kKept);
  run.record().failures = std::move(failures);
  return StepOutcome::stalled(std::move(reason), std::move(message));
}

}  // namespace gatelift
