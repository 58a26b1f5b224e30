// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <optional>
#include <utility>

#include "reconcilers/steps/trial.h"

namespace gatelift {
namespace {

constexpr std::chrono::milliseconds kNotServedPause{100};
constexpr std::chrono::seconds kServedEverywhere{10};

/// What an answer does to a trial.
enum class Verdict { Settled, AskOtherwise, NotServedYet, Interrupted };

/// Whether errors of the status alone keep the API server from looking at the rest.
bool hides_behind_status(const ObjectTrial& trial) {
  return !trial.refusals.empty() && std::ranges::all_of(trial.refusals, [](const Refusal& refusal) {
    return refusal.hides_others && is_in_status(refusal.field);
  });
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
  if (is_about_no_object(error)) return Verdict::Interrupted;
  if (is_of_no_collection(error)) return Verdict::NotServedYet;
  if (error.is(ErrorKind::NotFound) || error.has_cause("NamespaceTerminating")) {
    trial.has_no_namespace = true;
    return Verdict::Settled;
  }
  if (error.is(ErrorKind::Invalid)) trial.refusals = refusals_of(error);
  trial.is_invalid = !trial.refusals.empty();
  if (trial.is_invalid) return Verdict::Settled;
  trial.untried = error.message;
  return error.is(ErrorKind::Forbidden) ? Verdict::Settled : Verdict::AskOtherwise;
}

class CopyTrials {
 public:
  CopyTrials(Run& run, const Resource& copy) : run_(run), copy_(copy) {}

  Result<void> try_all(const ObjectTrials& trials, CreateBy by) {
    RETURN_IF_ERROR(try_each_way(trials, by));
    return try_without_status(trials, by);
  }

 private:
  Result<void> try_each_way(ObjectTrials open, CreateBy by) {
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

  /// Those of which only the status was refused are asked for the rest as well.
  Result<void> try_without_status(const ObjectTrials& trials, CreateBy by) {
    std::vector<ObjectTrial> rest;
    ObjectTrials hiding;
    for (ObjectTrial* trial : trials) {
      if (!hides_behind_status(*trial)) continue;
      hiding.push_back(trial);
      rest.push_back(*trial);
      rest.back().body.erase("status");
      rest.back().refusals.clear();
    }
    ObjectTrials open;
    for (ObjectTrial& trial : rest) open.push_back(&trial);
    RETURN_IF_ERROR(try_each_way(open, by));
    for (std::size_t i = 0; i < hiding.size(); ++i) {
      std::vector<Refusal>& refusals = hiding[i]->refusals;
      for (Refusal& refusal : refusals) refusal.hides_others = false;
      refusals.insert(refusals.end(), rest[i].refusals.begin(), rest[i].refusals.end());
      hiding[i]->untried = rest[i].untried;
    }
    return {};
  }

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

bool is_about_no_object(const Error& error) {
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

bool is_of_no_collection(const Error& error) {
  return (error.is(ErrorKind::NotFound) && error.reason.empty()) ||
         error.reason == "MethodNotAllowed";
}

Result<void> try_at_copy(Run& run, const Resource& copy, CreateBy by, const ObjectTrials& trials) {
  return CopyTrials(run, copy).try_all(trials, by);
}

}  // namespace gatelift
