// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/steps/rewriting_trial.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "reconcilers/steps/api_servers.h"
#include "reconcilers/steps/carry.h"
#include "reconcilers/steps/scratch_crd.h"
#include "reconcilers/steps/trial.h"

namespace gatelift {
namespace {

constexpr std::chrono::milliseconds kPause{100};
constexpr std::chrono::seconds kSchemaIsServed{10};

/// Without labels and annotations, by which others (Argo CD, for one) would take it for theirs.
Json bare(const Json& body) {
  const ObjectKey key = key_of(body);
  Json bare = body;
  bare["metadata"] = {
      {"name", key.name}
  };
  if (!key.ns.empty()) bare["metadata"]["namespace"] = key.ns;
  return bare;
}

class RewritingTrials {
 public:
  RewritingTrials(Run& run, const BundleCrd& target, std::vector<RewritingTrial>& trials)
      : run_(run), target_(target), copy_(scratch_resource(target.summary)) {
    for (RewritingTrial& trial : trials) items_.push_back({&trial, {}, false});
  }

  Result<void> try_all() {
    Result<void> tried = try_each();
    if (tried) tried = close();
    delete_stored();
    return tried;
  }

 private:
  struct Item {
    RewritingTrial* trial;
    Json stored;  // as the API server has answered, or null
    bool is_stored = false;
  };

  Result<void> try_each() {
    RETURN_IF_ERROR(change(CopySchema::Open));
    if (!is_given_up_) RETURN_IF_ERROR(store());
    if (!is_given_up_) RETURN_IF_ERROR(change(CopySchema::Targets));
    if (!is_given_up_) RETURN_IF_ERROR(send_writes());
    return {};
  }

  /// An error about no object is returned; any other leaves the trials unproven.
  Result<void> give_up(const Error& error) {
    if (is_about_no_object(error)) return fail(error);
    give_up(error.message);
    return {};
  }

  void give_up(const std::string& why) {
    is_given_up_ = true;
    for (Item& item : items_) {
      if (item.trial->unproven.empty()) item.trial->unproven = why;
    }
  }

  // The schema.

  Result<void> change(CopySchema schema) {
    const Result<CrdSummary> changed = change_schema(run_, target_, schema);
    if (!changed) return give_up(changed.error());
    is_open_ = schema == CopySchema::Open;
    RETURN_IF_ERROR(wait_for(schema));
    return is_given_up_ ? Result<void>() : wait_until_settled(run_, {&*changed});
  }

  /// Another kind may share the copy, and is not to be tried at one that takes everything.
  Result<void> close() {
    if (!is_open_) return {};
    ASSIGN_OR_RETURN(const CrdSummary changed, change_schema(run_, target_, CopySchema::Targets));
    return wait_until_settled(run_, {&changed});
  }

  /// One of the objects is tried as a new one. Its content is looked at before its name is, which
  /// may be taken.
  Result<void> wait_for(CopySchema schema) {
    const Time until = run_.clock.now() + kSchemaIsServed;
    while (Item* const item = one_to_ask()) {
      const Result<Json> answer = run_.cluster.send(creation_of(*item, true));
      const bool is_refused = !answer && answer.error().is(ErrorKind::Invalid);
      const bool is_taken = answer || answer.error().is(ErrorKind::AlreadyExists);
      if (schema == CopySchema::Open ? is_taken : is_refused) return {};
      if (!is_refused && !is_taken && !is_of_no_collection(answer.error())) {
        if (is_about_no_object(answer.error())) return fail(answer.error());
        item->trial->unproven = answer.error().message;  // admission, or its namespace is gone
        continue;
      }
      if (run_.clock.now() > until) {
        give_up("the copy does not go by a changed schema after 10 s");
        return {};
      }
      RETURN_IF_ERROR(run_.clock.sleep(kPause));
    }
    is_given_up_ = true;
    return {};
  }

  /// nullptr where something is known of each.
  Item* one_to_ask() {
    const auto open =
        std::ranges::find_if(items_, [](const Item& item) { return item.trial->unproven.empty(); });
    return open == items_.end() ? nullptr : &*open;
  }

  // The objects.

  Request creation_of(const Item& item, bool dry_run) const {
    Request request;
    request.verb = Verb::Create;
    request.resource = copy_;
    request.key.ns = key_of(item.trial->before).ns;
    request.body = bare(item.trial->before);
    request.dry_run = dry_run;
    return request;
  }

  /// Of several API servers one may still refuse what another takes.
  Result<void> store() {
    const Time until = run_.clock.now() + kSchemaIsServed;
    while (true) {
      std::vector<Item*> missing;
      for (Item& item : items_) {
        if (!item.is_stored && item.trial->unproven.empty()) missing.push_back(&item);
      }
      std::optional<Error> last;
      RETURN_IF_ERROR(store_once(missing, last));
      if (!last) return {};
      if (run_.clock.now() > until) {
        for (Item* item : missing) {
          if (!item->is_stored) item->trial->unproven = "not stored after 10 s: " + last->message;
        }
        return {};
      }
      RETURN_IF_ERROR(run_.clock.sleep(kPause));
    }
  }

  /// `last` is what one was answered that is to be sent again.
  Result<void> store_once(const std::vector<Item*>& items, std::optional<Error>& last) {
    std::optional<Error> interrupted;
    Batch batch;
    batch.size = items.size();
    batch.request = [&](std::size_t i) { return creation_of(*items[i], false); };
    batch.done = [&](std::size_t i, Result<Json> answer) {
      Item& item = *items[i];
      if (answer || answer.error().is(ErrorKind::AlreadyExists)) {  // the answer was lost
        if (answer) item.stored = *std::move(answer);
        item.is_stored = true;
        return;
      }
      const Error& error = answer.error();
      if (is_about_no_object(error)) {
        interrupted = error;
      } else if (error.is(ErrorKind::Invalid) || is_of_no_collection(error)) {
        last = error;
      } else {
        item.trial->unproven = error.message;
      }
    };
    run_.cluster.send_each(batch, run_.settings.in_flight);
    return interrupted ? Result<void>(fail(*interrupted)) : Result<void>();
  }

  std::vector<const Item*> stored_items() const {
    std::vector<const Item*> stored;
    for (const Item& item : items_) {
      if (item.is_stored) stored.push_back(&item);
    }
    return stored;
  }

  // The writes.

  /// The merge patch that does at the copy what the run's write does.
  Request write_of(const Item& item) const {
    const RewritingTrial& trial = *item.trial;
    Request request;
    request.verb = Verb::MergePatch;
    request.resource = copy_;
    request.key = key_of(trial.before);
    request.dry_run = true;
    request.body = merge_patch_between(trial.before, trial.after);
    request.body["metadata"] = Json::object();
    Json& metadata = request.body["metadata"];
    const std::string resource_version = resource_version_of(item.stored);
    if (!resource_version.empty()) metadata["resourceVersion"] = resource_version;
    if (trial.changes_metadata) metadata["annotations"]["gatelift.dev/rehearsal"] = "changed";
    return request;
  }

  Result<void> send_writes() {
    const std::vector<const Item*> stored = stored_items();
    std::optional<Error> interrupted;
    Batch batch;
    batch.size = stored.size();
    batch.request = [&](std::size_t i) { return write_of(*stored[i]); };
    batch.done = [&](std::size_t i, const Result<Json>& answer) {
      if (answer) return;
      RewritingTrial& trial = *stored[i]->trial;
      if (is_about_no_object(answer.error())) interrupted = answer.error();
      if (answer.error().is(ErrorKind::Invalid)) trial.refusals = refusals_of(answer.error());
      if (trial.refusals.empty()) trial.unproven = answer.error().message;
    };
    run_.cluster.send_each(batch, run_.settings.in_flight);
    return interrupted ? Result<void>(fail(*interrupted)) : Result<void>();
  }

  /// What stays goes with the copy.
  void delete_stored() {
    const std::vector<const Item*> stored = stored_items();
    Batch batch;
    batch.size = stored.size();
    batch.request = [&](std::size_t i) {
      Request request;
      request.verb = Verb::Delete;
      request.resource = copy_;
      request.key = key_of(stored[i]->trial->before);
      request.preconditions.uid = uid_of(stored[i]->stored);
      return request;
    };
    batch.done = [&](std::size_t, const Result<Json>& answer) {
      if (answer || answer.error().is(ErrorKind::NotFound)) return;
      run_.log("warn", "deleting an object of a rehearsal: " + answer.error().message);
    };
    run_.cluster.send_each(batch, run_.settings.in_flight);
  }

  Run& run_;
  const BundleCrd& target_;
  const Resource copy_;
  std::vector<Item> items_;
  bool is_given_up_ = false;
  bool is_open_ = false;  // the copy was given the open schema last
};

}  // namespace

Result<void> try_rewritings(Run& run, const BundleCrd& target,
                            std::vector<RewritingTrial>& trials) {
  if (trials.empty()) return {};
  return RewritingTrials(run, target, trials).try_all();
}

}  // namespace gatelift
