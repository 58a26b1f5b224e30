// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/steps/projection.h"

#include <algorithm>
#include <map>
#include <utility>

#include "client/paged_list.h"
#include "reconcilers/convert/intention.h"
#include "reconcilers/plan/findings.h"
#include "reconcilers/steps/contraction.h"
#include "reconcilers/steps/emptied.h"
#include "reconcilers/steps/json_patch.h"
#include "reconcilers/steps/read_again.h"

namespace gatelift {
namespace {

constexpr int kMaxPasses = 20;
constexpr int kMaxAttempts = 8;  // at an object that others write, in one pass
constexpr std::size_t kBurst = 100;
constexpr std::chrono::milliseconds kPoll{10};

enum class Need {
  Nothing,
  Write,
  Release,     // `patch` is a JSON patch of managedFields
  CannotShow,  // the version that leaves has no fields for it
  Refuse,      // `problem` says why
};

/// What one object needs.
struct Step {
  Need need = Need::Nothing;
  Json patch;
  ConversionProblem problem;
};

/// The latest time at which somebody but us wrote one of these fields of spec.
std::string last_written(const Json& object, const Json& half) {
  std::string latest;
  for (const Json& entry : array_at(object, "metadata", "managedFields")) {
    if (string_at(entry, "manager") == kFieldManager) continue;
    const Json* fields = find(entry, "fieldsV1", "f:spec");
    const Json* spec = find(half, "spec");
    if (fields == nullptr || spec == nullptr) continue;
    const bool has_any = std::ranges::any_of(
        spec->items(), [&](const auto& item) { return fields->contains("f:" + item.key()); });
    if (has_any) latest = std::max(latest, string_at(entry, "time"));
  }
  return latest;
}

class Projector {
 public:
  Projector(const Run& run, const BridgedKind& kind) : run_(run), kind_(kind) {}

  Result<Step> step_of(const Json& object) const {
    switch (kind_.halves.state_of(object)) {
      case HalvesState::InStep:
        return in_step(object);
      case HalvesState::Neither:
        return emptied(object);
      case HalvesState::OnlyFrom:
      case HalvesState::FromEdited:
        return to_step(object);
      case HalvesState::OnlyTo:
      case HalvesState::ToEdited:
        return from_step(object);
      case HalvesState::BothEdited:
        return both_edited(object);
    }
    return Step{};
  }

 private:
  Result<Step> in_step(const Json& object) const {
    ASSIGN_OR_RETURN(std::optional<Json> owners, owners_put_back(run_, kind_, object));
    if (owners) return Step{Need::Release, *std::move(owners), {}};
    return kind_.is_released ? release(object) : Step{};
  }

  static Step release(const Json& object) {
    Json kept = entries_of_others(object);
    const bool has_ours = kept.size() < array_at(object, "metadata", "managedFields").size();
    // An empty list would have the API server begin anew.
    if (!has_ours || kept.empty()) return {};
    return {Need::Release, managed_fields_patch(object, std::move(kept)), {}};
  }

  Result<Step> emptied(const Json& object) const {
    ASSIGN_OR_RETURN(const std::optional<Json> halves, halves_before_emptied(run_, kind_, object));
    if (halves) return write(object, Json::object(), *halves);
    return Step{Need::Refuse, Json(), emptied_problem(run_, kind_)};
  }

  Result<Step> to_step(const Json& object) const {
    ASSIGN_OR_RETURN(const std::optional<Json> original, as_it_was(object));
    if (original) return write(object, kind_.halves.to_half(object), *original);
    Halves::Projection projection = kind_.halves.projected_to(object);
    if (!projection.problems.empty()) {
      return Step{Need::Refuse, Json(), std::move(projection.problems.front())};
    }
    return write(object, kind_.halves.to_half(object), projection.half);
  }

  /// In a rollback: the half that the backup holds, where what is there now is what was made of it.
  /// Not every field of it has one in the other shape.
  Result<std::optional<Json>> as_it_was(const Json& object) const {
    if (run_.source == nullptr) return std::nullopt;
    const BackupEntry* entry =
        run_.source->entry(BackupRole::Original, kind_.action.crd, key_of(object));
    if (entry == nullptr || entry->uid != uid_of(object)) return std::nullopt;
    ASSIGN_OR_RETURN(const Json original, run_.source->document(*entry));
    const auto up = Halves::between(kind_.crd.group, kind_.crd.kind, kind_.halves.to_version(),
                                    kind_.halves.from_version());
    const Halves::Projection made = up->projected_to(original);
    if (!made.problems.empty() || made.half != kind_.halves.from_half(object)) return std::nullopt;
    return kind_.halves.to_half(original);
  }

  /// Nobody reads the half that leaves once its version is not served.
  Step from_step(const Json& object) const {
    if (!kind_.serves_from) return {};
    const Halves::Projection projection = kind_.halves.projected_from(object);
    if (!projection.problems.empty()) return cannot_show(object);
    return write(object, kind_.halves.from_half(object), projection.half);
  }

  Step cannot_show(const Json& object) const {
    if (kind_.halves.is_marked_unshown(object)) return {Need::CannotShow, Json(), {}};
    const std::string mark = kind_.halves.unshown_mark_of(object);
    Json patch = {
        {"metadata",
         {{"resourceVersion", resource_version_of(object)},
          {"annotations", {{std::string(kProjectedAnnotation), mark}}}}}
    };
    return {Need::CannotShow, std::move(patch), {}};
  }

  Step write(const Json& object, const Json& before, const Json& half) const {
    return {Need::Write, half_patch(object, kind_.halves, before, half), {}};
  }

  Result<Step> both_edited(const Json& object) const {
    const Json from = kind_.halves.from_half(object);
    const Json to = kind_.halves.to_half(object);
    const Check check = check_of(object, from, to);
    const bool newer_wins = std::ranges::any_of(
        run_.spec().accept, [&](const Consent& consent) { return covers(consent, check); });
    if (!newer_wins) {
      const ConversionProblem problem{check.code, check.field, check.message, check.next};
      return Step{Need::Refuse, Json(), problem};
    }
    if (last_written(object, from) > last_written(object, to)) return to_step(object);
    return from_step(object);
  }

  Check check_of(const Json& object, const Json& from, const Json& to) const {
    Check check;
    check.code = "BothEdited";
    check.severity = Severity::Consent;
    check.object = display_name(kind_.crd.kind, key_of(object));
    check.field = "spec";
    check.message =
        "it was edited at " + kind_.halves.from_version() + " and at " + kind_.halves.to_version() +
        ", and the two do not say the same: " + shortened(from) + " and " + shortened(to);
    check.next =
        (kind_.serves_from ? std::string("make both say the same")
                           : "apply what shall be at " + kind_.halves.to_version()) +
        ", or accept this check, so that the half of the manager who wrote anything last wins";
    return check;
  }

  const Run& run_;
  const BridgedKind& kind_;
};

/// Objects with what each needs, written at once.
class Writes {
 public:
  Writes(Run& run, const BridgedKind& kind, Projected& into)
      : run_(run), kind_(kind), projector_(run, kind), into_(into) {}

  Result<void> add(const Json& object) {
    ++into_.seen;
    if (kind_.writers != nullptr) {
      note_writers(object, kind_.crd.group + "/" + kind_.halves.from_version(), *kind_.writers);
    }
    ASSIGN_OR_RETURN(Step step, projector_.step_of(object));
    switch (step.need) {
      case Need::Nothing:
        break;
      case Need::Write:
      case Need::Release:
        due_.push_back({key_of(object), step.need, std::move(step.patch)});
        break;
      case Need::CannotShow:
        ++into_.not_shown;
        if (!step.patch.is_null()) due_.push_back({key_of(object), step.need, step.patch});
        break;
      case Need::Refuse:
        into_.failures.note(display_name(kind_.crd.kind, key_of(object)), error_of(step.problem));
        break;
    }
    return {};
  }

  void send() {
    run_.cluster.send_each(batch(), run_.settings.in_flight);
    due_.clear();
  }

  Result<std::optional<std::vector<Json>>> send_with_next(PagedList& pages) {
    auto page = send_with_next_page(run_.cluster, batch(), run_.settings.in_flight, pages);
    due_.clear();
    return page;
  }

 private:
  struct Due {
    ObjectKey key;
    Need need;
    Json patch;
  };

  Batch batch() {
    Batch batch;
    batch.size = due_.size();
    batch.request = [this](std::size_t i) {
      Request request;
      request.verb = due_[i].need == Need::Release ? Verb::JsonPatch : Verb::MergePatch;
      request.resource = kind_.crd.resource();
      request.key = due_[i].key;
      request.body = std::move(due_[i].patch);
      return request;
    };
    batch.done = [this](std::size_t i, const Result<Json>& answer) { note(due_[i], answer); };
    return batch;
  }

  void note(const Due& due, const Result<Json>& answer) {
    if (answer) {
      if (due.need == Need::Write) ++into_.written;
      if (due.need == Need::CannotShow) ++into_.marked_unshown;
      run_.report(kind_.crd.name, "Project", into_.written, kind_.action.objects);
    } else if (answer.error().is(ErrorKind::Conflict)) {
      into_.raced.push_back(due.key);
    } else if (!answer.error().is(ErrorKind::NotFound)) {
      into_.failures.note(display_name(kind_.crd.kind, due.key), answer.error());
    }
  }

  Run& run_;
  const BridgedKind& kind_;
  Projector projector_;
  Projected& into_;
  std::vector<Due> due_;
};

/// The last state of each object that is waiting to be read, beginning with one event.
std::map<ObjectKey, Json> burst(Watch& watch, WatchEvent first, Result<void>& ended) {
  std::map<ObjectKey, Json> objects;
  std::optional<WatchEvent> event = std::move(first);
  while (event && objects.size() < kBurst) {
    const ObjectKey key = key_of(event->object);
    if (event->type == WatchEventType::Deleted) {
      objects.erase(key);
    } else if (event->type != WatchEventType::Bookmark) {
      objects[key] = std::move(event->object);
    }
    auto next = watch.next(std::chrono::milliseconds(0));
    if (!next) ended = fail(std::move(next).error());
    event = next ? *std::move(next) : std::nullopt;
  }
  return objects;
}

void note_lag(Run& run, const BridgedKind& kind, const Projected& projected, Time since) {
  if (projected.written == 0) return;
  InPlaceRecord& record = in_place_record(run, kind.crd.name);
  record.reprojected += projected.written;
  record.last_lag = run.clock.now() - since;
  record.longest_lag = std::max(record.longest_lag.value_or(*record.last_lag), *record.last_lag);
}

}  // namespace

InPlaceRecord& in_place_record(Run& run, const std::string& crd) {
  std::optional<InPlaceRecord>& record = run.record().in_place;
  if (!record) record.emplace().crd = crd;
  return *record;
}

Result<Projected> project_all(Run& run, const BridgedKind& kind) {
  Projected projected;
  Writes writes(run, kind, projected);
  Request list;
  list.verb = Verb::List;
  list.resource = kind.crd.resource();
  list.limit = kHalfPage;
  PagedList pages(std::move(list));
  ASSIGN_OR_RETURN(auto page, writes.send_with_next(pages));
  while (page) {
    for (const Json& object : std::exchange(*page, {})) RETURN_IF_ERROR(writes.add(object));
    ASSIGN_OR_RETURN(page, writes.send_with_next(pages));
  }
  projected.resource_version = pages.snapshot();
  for (int attempt = 1; attempt < kMaxAttempts && !projected.raced.empty(); ++attempt) {
    const std::vector<ObjectKey> keys = std::exchange(projected.raced, {});
    projected.seen -= static_cast<int>(keys.size());
    ASSIGN_OR_RETURN(const std::vector<Json> live,
                     read_those_left(run, kind.crd.resource(), keys, Extent::Whole));
    for (const Json& object : live) RETURN_IF_ERROR(writes.add(object));
    writes.send();
  }
  return projected;
}

Result<std::optional<StepOutcome>> bring_into_step(Run& run, const BridgedKind& kind,
                                                   std::string& list) {
  int written = 0;
  for (int pass = 0; pass < kMaxPasses; ++pass) {
    ASSIGN_OR_RETURN(const Projected projected, project_all(run, kind));
    written += projected.written;
    Counts& counts = run.progress(kind.action).objects;
    counts = {projected.seen, 0, 0, 0, projected.failures.num_refusals()};
    const int in_step = counts.found - counts.failed - static_cast<int>(projected.raced.size());
    counts.done = std::min(written, in_step);
    counts.unchanged = in_step - counts.done;
    in_place_record(run, kind.crd.name).not_shown = projected.not_shown;
    list = projected.resource_version;
    if (!projected.failures.empty()) {
      ASSIGN_OR_RETURN(StepOutcome failed, projected.failures.outcome(run, "ProjectionFailed",
                                                                      "giving both shapes to"));
      return failed;
    }
    // What later passes write is released by whoever follows changes from the list on: where
    // somebody always writes, no pass would have nothing left to release.
    const bool is_to_be_released = kind.is_released && projected.written > 0 && pass == 0;
    if (projected.raced.empty() && !is_to_be_released) {
      run.record().failures.clear();
      return std::nullopt;
    }
  }
  return StepOutcome::waiting("ObjectsKeepChanging",
                              kind.crd.name + ": objects changed during each of " +
                                  std::to_string(kMaxPasses) + " passes; the next one follows",
                              std::chrono::seconds(1));
}

Result<void> follow(Run& run, const BridgedKind& kind, Watch& watch,
                    std::chrono::milliseconds time) {
  const Time until = run.clock.now() + time;
  while (run.clock.now() < until) {
    ASSIGN_OR_RETURN(std::optional<WatchEvent> event, watch.next(std::chrono::milliseconds(0)));
    if (!event) {
      RETURN_IF_ERROR(run.clock.sleep(kPoll));
      continue;
    }
    const Time seen_at = run.clock.now();
    Result<void> ended;
    Projected projected;
    Writes writes(run, kind, projected);
    for (const auto& [key, object] : burst(watch, *std::move(event), ended)) {
      RETURN_IF_ERROR(writes.add(object));
    }
    writes.send();
    note_lag(run, kind, projected, seen_at);
    if (!projected.failures.empty() || projected.marked_unshown > 0) {
      return fail(ErrorKind::Expired, "something is to be said, after a look at everything");
    }
    RETURN_IF_ERROR(ended);
  }
  return {};
}

}  // namespace gatelift
