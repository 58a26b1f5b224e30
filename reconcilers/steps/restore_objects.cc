// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/steps/restore_objects.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "reconcilers/steps/api_servers.h"
#include "reconcilers/steps/crd_writer.h"
#include "reconcilers/steps/dependents.h"
#include "reconcilers/steps/failures.h"
#include "reconcilers/steps/precedence.h"
#include "reconcilers/steps/rehearsed_object.h"
#include "reconcilers/steps/restored_object.h"

namespace gatelift {
namespace {

enum class Fate {
  Missing,     // to be created
  Incomplete,  // there as intended; status and ownership to be looked at
  Complete,
  Foreign,  // somebody else made it, with other content
  Refused,  // for good: its namespace goes away
  Failed,   // to be tried again
};

struct Item {
  const BackupEntry* entry = nullptr;
  Place place;
  Fate fate = Fate::Missing;
  std::string live_version;  // resourceVersion of a missing status or ownership
  Json ownership;            // live managedFields, only while they differ
};

class Restoration {
 public:
  Restoration(Run& run, const PlannedAction& action, const CrdSummary& crd,
              const VerifiedBackup& backup)
      : run_(run), action_(action), crd_(crd), backup_(backup), resource_(crd.resource()) {}

  Result<StepOutcome> restore() {
    RETURN_IF_ERROR(collect());
    RETURN_IF_ERROR(recognise_live());
    ASSIGN_OR_RETURN(create_by_, way_to_create());
    RETURN_IF_ERROR(create_missing());
    if (failures_.empty()) measure_absence();
    RETURN_IF_ERROR(write_statuses());
    RETURN_IF_ERROR(restore_ownership());
    RETURN_IF_ERROR(attach_dependents(run_, action_, crd_));
    return outcome();
  }

 private:
  /// What is to be there, in backup order, each at its place.
  Result<void> collect() {
    std::set<std::string> vanished;
    for (const std::string& name : run_.progress(action_).vanished) vanished.insert(name);
    std::vector<Contender> contenders;
    auto visited = backup_.for_each(
        BackupRole::Intended, action_.crd,
        [&](const BackupEntry& entry, Json&& object) -> Result<void> {
          if (vanished.contains(entry.key.display())) return {};
          Item item;
          item.entry = backup_.entry(BackupRole::Intended, action_.crd, entry.key);
          items_.push_back(std::move(item));
          contenders.push_back({contested_targets(object), entry.creation_timestamp, entry.key});
          return {};
        });
    RETURN_IF_ERROR(visited);
    num_vanished_ = static_cast<int>(vanished.size());
    std::vector<Place> places = creation_places(contenders);
    for (std::size_t i = 0; i < items_.size(); ++i) items_[i].place = places[i];
    return {};
  }

  /// Finds out which objects are there already: after a crash, or because somebody was faster.
  Result<void> recognise_live() {
    std::set<ObjectKey> live;
    Request list;
    list.verb = Verb::List;
    list.resource = resource_;
    list.metadata_only = true;
    RETURN_IF_ERROR(for_each_object(run_.cluster, list, [&](Json&& object) -> Result<void> {
      live.insert(key_of(object));
      return {};
    }));
    for (Item& item : items_) {
      if (!live.contains(item.entry->key)) continue;
      ASSIGN_OR_RETURN(std::optional<Json> object,
                       get_if_exists(run_.cluster, resource_, item.entry->key));
      if (!object) continue;
      ASSIGN_OR_RETURN(Json intended, backup_.document(*item.entry));
      if (first_difference(intended, *object).empty()) {
        note_present(item, intended, *object);
      } else {
        item.fate = Fate::Foreign;
      }
    }
    return {};
  }

  /// One API server knows every CRD that it has just served; of several, some may not.
  Result<CreateBy> way_to_create() {
    ASSIGN_OR_RETURN(const std::optional<int> servers, num_api_servers(run_));
    return servers == 1 ? CreateBy::Apply : CreateBy::Post;
  }

  Result<void> create_missing() {
    int last_wave = 0;
    for (const Item& item : items_) last_wave = std::max(last_wave, item.place.wave);
    for (int wave = 0; wave <= last_wave; ++wave) {
      std::vector<Item*> members;
      bool wait = false;
      for (Item& item : items_) {
        if (item.place.wave != wave || item.fate != Fate::Missing) continue;
        members.push_back(&item);
        wait = wait || item.place.after_a_second;
      }
      if (members.empty()) continue;
      // A little over a second covers a server clock that is not in step with ours.
      if (wait) RETURN_IF_ERROR(run_.clock.sleep(std::chrono::milliseconds(1050)));
      send(members, [&](Item&, const Json& intended) {
        return create_request(intended, resource_, create_by_);
      }, [&](Item& item, const Json& intended, Result<Json> answer) {
        note_created(item, intended, std::move(answer));
      });
    }
    return {};
  }

  void note_created(Item& item, const Json& intended, Result<Json> answer) {
    if (answer) {
      if (!first_difference(intended, *answer).empty()) {
        item.fate = Fate::Foreign;
        return;
      }
      note_present(item, intended, *answer);
      run_.report(action_.crd, "Reapply", ++created_, static_cast<int>(items_.size()));
      return;
    }
    const Error& error = answer.error();
    if (error.has_cause("NamespaceTerminating")) {
      item.fate = Fate::Refused;
      return;
    }
    item.fate = Fate::Failed;
    note_failure(item, error);
  }

  void note_present(Item& item, const Json& intended, const Json& live) {
    item.fate = Fate::Incomplete;
    item.live_version = resource_version_of(live);
    const Json* live_status = find(live, "status");
    bool status_is_there = live_status != nullptr && !live_status->empty();
    if (status_is_there || !status_request(intended, resource_, 1)) {
      note_ownership(item, intended, live);
    }
  }

  void note_ownership(Item& item, const Json& intended, const Json& live) {
    item.live_version = resource_version_of(live);
    if (managed_fields_request(intended, live, resource_)) {
      item.ownership = array_at(live, "metadata", "managedFields");
    } else {
      item.fate = Fate::Complete;
    }
  }

  /// Statuses of what was just created. A controller that was faster has newer ones, which stay. One
  /// that the target's schema refuses is left to its controller; the rehearsal has said so.
  Result<void> write_statuses() {
    std::vector<Item*> members;
    std::vector<Item*> without_status;
    for (Item& item : items_) {
      if (item.fate == Fate::Incomplete && item.ownership.is_null()) members.push_back(&item);
    }
    send(members, [&](Item&, const Json& intended) {
      return *status_request(intended, resource_, 1);
    }, [&](Item& item, const Json& intended, Result<Json> answer) {
      if (answer) {
        note_ownership(item, intended, *answer);
      } else if (!refusals_of(answer.error()).empty()) {
        run_.log("warn", display_name(crd_.kind, item.entry->key) +
                             ": its status is not restored: " + answer.error().message);
        without_status.push_back(&item);
      } else {
        item.fate = Fate::Failed;
        note_failure(item, answer.error());
      }
    });
    return look_again(without_status);
  }

  Result<void> restore_ownership() {
    for (int attempt = 0; attempt < 5; ++attempt) {
      std::vector<Item*> members;
      for (Item& item : items_) {
        if (item.fate == Fate::Incomplete) members.push_back(&item);
      }
      if (members.empty()) return {};
      if (attempt > 0) RETURN_IF_ERROR(look_again(members));
      send(members, [&](Item& item, const Json& intended) {
        Json live = {{"metadata",
                      {{"resourceVersion", item.live_version}, {"managedFields", item.ownership}}}};
        return managed_fields_request(intended, live, resource_).value_or(get_request(item));
      }, [&](Item& item, const Json&, const Result<Json>& answer) {
        if (answer || answer.error().is(ErrorKind::NotFound)) {
          item.fate = Fate::Complete;
        } else if (!answer.error().is(ErrorKind::Conflict)) {
          item.fate = Fate::Failed;
          note_failure(item, answer.error());
        }
      });
    }
    return fail(ErrorKind::Conflict, action_.crd + ": objects change too often to restore the "
                                                   "ownership of their fields");
  }

  Request get_request(const Item& item) const {
    Request request;
    request.resource = resource_;
    request.key = item.entry->key;
    return request;
  }

  /// Reads what a controller has changed since, so that its own ownership is not taken away.
  Result<void> look_again(const std::vector<Item*>& members) {
    for (Item* item : members) {
      ASSIGN_OR_RETURN(std::optional<Json> live,
                       get_if_exists(run_.cluster, resource_, item->entry->key));
      if (!live) continue;
      item->live_version = resource_version_of(*live);
      item->ownership = array_at(*live, "metadata", "managedFields");
    }
    return {};
  }

  void measure_absence() {
    Record& record = run_.record();
    if (record.unavailable_since && !record.unavailable_measured) {
      record.unavailable_measured = run_.clock.now() - *record.unavailable_since;
    }
  }

  void note_failure(const Item& item, const Error& error) {
    failures_.note(display_name(crd_.kind, item.entry->key), error);
  }

  Result<StepOutcome> outcome() {
    CrdProgress& progress = run_.progress(action_);
    Counts counts;
    counts.found = static_cast<int>(items_.size()) + num_vanished_;
    counts.skipped = num_vanished_;
    for (const Item& item : items_) {
      switch (item.fate) {
        case Fate::Complete: ++counts.done; break;
        case Fate::Foreign:
        case Fate::Refused: ++counts.skipped; break;
        case Fate::Missing:
        case Fate::Incomplete:
        case Fate::Failed: ++counts.failed; break;
      }
    }
    progress.objects = counts;
    return failures_.outcome(run_, "ReapplyFailed", "restoring");
  }

  /// Sends one request per member, made from its intended document.
  template <typename Make, typename Note>
  void send(const std::vector<Item*>& members, const Make& make, const Note& note) {
    std::map<std::size_t, Result<Json>> under_way;  // intended documents
    Batch batch;
    batch.size = members.size();
    batch.request = [&](std::size_t i) {
      auto intended = backup_.document(*members[i]->entry);
      Request request = intended ? make(*members[i], *intended) : get_request(*members[i]);
      under_way.emplace(i, std::move(intended));
      return request;
    };
    batch.done = [&](std::size_t i, Result<Json> answer) {
      auto sent = under_way.extract(i);
      if (sent.empty()) {  // cancelled before it was asked for
        note_failure(*members[i], answer.error());
      } else if (!sent.mapped()) {
        members[i]->fate = Fate::Failed;
        note_failure(*members[i], sent.mapped().error());
      } else {
        note(*members[i], *sent.mapped(), std::move(answer));
      }
    };
    run_.cluster.send_each(batch, run_.settings.in_flight);
  }

  Run& run_;
  const PlannedAction& action_;
  const CrdSummary& crd_;
  const VerifiedBackup& backup_;
  Resource resource_;
  CreateBy create_by_ = CreateBy::Post;
  std::vector<Item> items_;
  ObjectFailures failures_;
  int num_vanished_ = 0;
  int created_ = 0;
};

}  // namespace

Result<StepOutcome> restore_objects(Run& run, const PlannedAction& action, const CrdSummary& crd,
                                    const VerifiedBackup& backup) {
  run.progress(action).step = "Reapply";
  return Restoration(run, action, crd, backup).restore();
}

}  // namespace gatelift
