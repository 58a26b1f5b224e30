// SPDX-License-Identifier: Apache-2.0
#include <optional>
#include <utility>

#include "reconcilers/steps/trial.h"

namespace gatelift {
namespace {

constexpr std::chrono::milliseconds kNotServedPause{100};
constexpr std::chrono::seconds kServedEverywhere{10};

/// What an answer does to a trial.
enum class Verdict { Settled, AskOtherwise, NotServedYet, Interrupted };

bool interrupts(const Error& error) {
  switch (error.kind) {
    case ErrorKind::Cancelled:
    case ErrorKind::Unauthorized:
    case ErrorKind::Expired:
      return true;
    case ErrorKind::Unavailable:
      // A server error may be about the object, as where an apply finds an item twice in a list.
      return error.http_status != 500;
    case ErrorKind::Conflict:
    case ErrorKind::AlreadyExists:
    case ErrorKind::NotFound:
    case ErrorKind::Invalid:
    case ErrorKind::Forbidden:
    case ErrorKind::Internal:
      return false;
  }
  return false;
}

void note_accepted(ObjectTrial& trial, const Json& answer) {
  Differences found = differences(trial.body, answer);
  for (std::string& field : found.lost) {
    trial.refusals.push_back({std::move(field), "the value is not kept as it was sent"});
  }
  trial.added = std::move(found.added);
}

Verdict judge(ObjectTrial& trial, const Result<Json>& answer) {
  trial.untried.clear();
  if (answer) {
    note_accepted(trial, *answer);
    return Verdict::Settled;
  }
  const Error& error = answer.error();
  if (interrupts(error)) return Verdict::Interrupted;
  // A collection that is not served answers 404 in plain text.
  if (error.is(ErrorKind::NotFound) && error.reason.empty()) return Verdict::NotServedYet;
  if (error.is(ErrorKind::NotFound) || error.has_cause("NamespaceTerminating")) {
    trial.passed_over = "its namespace goes away";
    return Verdict::Settled;
  }
  if (error.is(ErrorKind::Invalid)) trial.refusals = refusals_of(error);
  if (!trial.refusals.empty()) return Verdict::Settled;
  trial.untried = error.message;
  return error.is(ErrorKind::Forbidden) ? Verdict::Settled : Verdict::AskOtherwise;
}

class CopyTrials {
 public:
  CopyTrials(Run& run, const Resource& copy) : run_(run), copy_(copy) {}

  Result<void> try_all(ObjectTrials open, CreateBy by) {
    std::vector<TrialWay> ways{
        {CreateBy::Post, FieldValidation::Strict },
        {CreateBy::Post, FieldValidation::Default}
    };
    if (by == CreateBy::Apply) ways.insert(ways.begin(), {by, FieldValidation::Strict});
    for (const TrialWay& way : ways) {
      if (open.empty()) return {};
      unavailable_.reset();
      ASSIGN_OR_RETURN(open, send(std::move(open), way));
    }
    return unavailable_ ? Result<void>(fail(*unavailable_)) : Result<void>();
  }

 private:
  /// Those that have to be asked otherwise.
  Result<ObjectTrials> send(ObjectTrials open, const TrialWay& way) {
    const Time give_up = run_.clock.now() + kServedEverywhere;
    ObjectTrials ask_otherwise;
    while (true) {
      ObjectTrials not_served;
      send_once(open, way, ask_otherwise, not_served);
      if (interrupted_) return fail(*interrupted_);
      if (not_served.empty()) return ask_otherwise;
      // Of several API servers one may not have heard of the copy yet.
      if (run_.clock.now() > give_up) {
        return fail(ErrorKind::Unavailable, copy_.plural + " at " + copy_.api_version() +
                                                " are not served everywhere after 10 s");
      }
      RETURN_IF_ERROR(run_.clock.sleep(kNotServedPause));
      open = std::move(not_served);
    }
  }

  void send_once(const ObjectTrials& open, const TrialWay& way, ObjectTrials& ask_otherwise,
                 ObjectTrials& not_served) {
    Batch batch;
    batch.size = open.size();
    batch.request = [&](std::size_t i) { return trial_request(open[i]->body, copy_, way); };
    batch.done = [&](std::size_t i, const Result<Json>& answer) {
      switch (judge(*open[i], answer)) {
        case Verdict::Settled:
          break;
        case Verdict::AskOtherwise:
          ask_otherwise.push_back(open[i]);
          if (answer.error().is(ErrorKind::Unavailable)) unavailable_ = answer.error();
          break;
        case Verdict::NotServedYet:
          not_served.push_back(open[i]);
          break;
        case Verdict::Interrupted:
          if (!interrupted_) interrupted_ = answer.error();
          break;
      }
    };
    run_.cluster.send_each(batch, run_.settings.in_flight);
  }

  Run& run_;
  const Resource& copy_;
  std::optional<Error> interrupted_;
  std::optional<Error> unavailable_;  // what one was last answered where no other way is left
};

}  // namespace

Result<void> try_at_copy(Run& run, const Resource& copy, CreateBy by, ObjectTrials trials) {
  return CopyTrials(run, copy).try_all(std::move(trials), by);
}

}  // namespace gatelift
