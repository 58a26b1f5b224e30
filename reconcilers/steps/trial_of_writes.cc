// SPDX-License-Identifier: Apache-2.0
#include <optional>
#include <utility>

#include "reconcilers/steps/trial.h"

namespace gatelift {
namespace {

constexpr int kMaxAttempts = 3;  // at an object that keeps changing

/// False where the object changed since it was read. `interrupted` is set where the answer is about
/// no object.
bool note_answer(const OwnWrites& writes, const Result<Json>& answer, ObjectTrial& trial,
                 std::optional<Error>& interrupted) {
  if (answer) return true;
  const Error& error = answer.error();
  if (error.is(ErrorKind::Conflict)) return false;
  if (error.is(ErrorKind::NotFound)) {
    trial.passed_over = "it was deleted meanwhile";
  } else if (error.reason == "BadRequest") {
    trial.unasked = error.message;  // a webhook that takes no dry runs, or denies it so
  } else if (error.is(ErrorKind::Forbidden) || error.is(ErrorKind::Invalid)) {
    // Admission names no fields.
    const bool is_of_schema = !refusals_of(error).empty();
    if (writes.knows_schema || !is_of_schema) trial.denial = error.message;
  } else if (!interrupted) {
    interrupted = error;
  }
  return true;
}

/// What is gone answers NotFound to its write, too.
Result<void> look_again(Run& run, const OwnWrites& writes, const ObjectTrials& trials) {
  std::vector<Result<Json>> live = send_all(
      run.cluster, trials.size(),
      [&](std::size_t i) {
        Request request;
        request.resource = writes.resource;
        request.key = key_of(trials[i]->object);
        request.metadata_only = writes.reads_metadata_only;
        return request;
      },
      run.settings.in_flight);
  for (std::size_t i = 0; i < trials.size(); ++i) {
    if (live[i]) {
      trials[i]->object = *std::move(live[i]);
    } else if (!live[i].error().is(ErrorKind::NotFound)) {
      return fail(std::move(live[i]).error());
    }
  }
  return {};
}

}  // namespace

Result<void> try_own_writes(Run& run, const OwnWrites& writes, ObjectTrials trials) {
  for (ObjectTrial* trial : trials) trial->is_asked = true;
  for (int attempt = 1; attempt <= kMaxAttempts && !trials.empty(); ++attempt) {
    if (attempt > 1) RETURN_IF_ERROR(look_again(run, writes, trials));
    ObjectTrials changed;
    std::optional<Error> interrupted;
    Batch batch;
    batch.size = trials.size();
    batch.request = [&](std::size_t i) {
      Request request = writes.request(*trials[i]);
      request.dry_run = true;
      return request;
    };
    batch.done = [&](std::size_t i, const Result<Json>& answer) {
      if (!note_answer(writes, answer, *trials[i], interrupted)) changed.push_back(trials[i]);
    };
    run.cluster.send_each(batch, run.settings.in_flight);
    if (interrupted) return fail(*interrupted);
    trials = std::move(changed);
  }
  for (ObjectTrial* trial : trials) trial->unasked = "it keeps changing";
  return {};
}

}  // namespace gatelift
